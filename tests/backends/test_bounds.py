"""The bounds of `backends.bounds`: what they say of sizes that were measured far to either side."""

import pytest

from cellwright.backends.bounds import Size, reference_is_faster, torch_is_faster, viewing_is_faster


def size(steps, batch, hidden, trains=False, rows=None):
    return Size(steps, batch, steps * batch if rows is None else rows, hidden, trains)


@pytest.mark.parametrize("trains", [False, True])
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn", "rnn-relu"])
def test_one_step_is_torchs_and_many_of_many_rows_are_ours(cell, trains):
    assert torch_is_faster(cell, size(1, 400, 512, trains))
    assert torch_is_faster(cell, size(4, 1, 16, trains))
    assert not torch_is_faster(cell, size(100, 32, 256, trains))
    assert torch_is_faster(cell, size(4, 16, 64, trains, rows=40))  # ragged
    assert not torch_is_faster(cell, size(100, 16, 64, trains, rows=1000))


def test_the_issues_small_padded_lstms_are_torchs():
    assert torch_is_faster("lstm", size(48, 64, 32, trains=True))
    assert torch_is_faster("lstm", size(12, 4, 40, trains=True))


def test_large_weights_for_few_sequences_are_ours():
    assert not torch_is_faster("lstm", size(30, 4, 256))
    assert torch_is_faster("lstm", size(4, 4, 256))
    assert not torch_is_faster("lstm", size(4, 4, 512))


def test_the_size_of_a_call_by_its_steps():
    found = Size.of((3, 3, 1), 8, True)
    assert found == Size(3, 3, 7, 8, True)
    assert found.ragged
    assert not Size.of((3, 3), 8, True).ragged
    assert str(found) == "T = 3, B = 3, H = 8"


def test_the_reference_takes_single_steps_of_few_sequences():
    assert reference_is_faster(size(1, 16, 64))
    assert not reference_is_faster(size(2, 16, 64))
    assert not reference_is_faster(size(1, 400, 64))


def test_whole_batches_of_packed_rows_are_viewed_in_training_and_at_one_step_of_an_lstm():
    assert viewing_is_faster("lstm", size(12, 16, 64, trains=True))
    assert not viewing_is_faster("lstm", size(12, 16, 64))
    assert not viewing_is_faster("lstm", size(100, 1, 64, trains=True))
    assert viewing_is_faster("lstm", size(1, 4, 64))
    assert not viewing_is_faster("gru", size(1, 4, 64, trains=True))
