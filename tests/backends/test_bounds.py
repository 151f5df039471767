"""The bounds of `backends.bounds`: what they say of sizes that were measured far to either side."""

import pytest

from cellwright.backends.bounds import Size, fewer_bits_matter, reference_is_faster, torch_is_faster, viewing_is_faster


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
    assert not torch_is_faster("lstm", size(100, 4, 256))
    assert torch_is_faster("lstm", size(20, 4, 256))
    assert not torch_is_faster("lstm", size(20, 4, 256, trains=True))
    assert not torch_is_faster("lstm", size(20, 1, 512))
    assert torch_is_faster("lstm", size(2, 1, 512))


@pytest.mark.parametrize(("cell", "steps"), [("gru", 20), ("rnn", 44)])
def test_few_sequences_of_many_units_are_torchs_for_longer_in_inference(cell, steps):
    assert torch_is_faster(cell, size(steps, 4, 256))
    assert not any(torch_is_faster(cell, size(steps, *each)) for each in ((5, 256), (4, 255), (4, 256, True)))
    assert torch_is_faster("lstm", size(20, 4, 128, rows=70))
    assert not any(torch_is_faster("lstm", size(20, *each, rows=70)) for each in ((5, 128), (4, 127), (4, 128, True)))


def test_in_inference_weights_larger_than_a_second_cache_are_torchs_for_all_but_few_sequences():
    assert torch_is_faster("lstm", size(100, 64, 512))
    assert not torch_is_faster("lstm", size(100, 64, 512, trains=True))
    assert not torch_is_faster("lstm", size(100, 64, 512), "bf16")


@pytest.mark.parametrize("trains", [False, True])
def test_padded_lstms_are_ours_sooner_where_products_have_fewer_bits(trains):
    taken = [
        [arithmetic for arithmetic in ("float32", "bf16x3", "bf16") if torch_is_faster("lstm", each, arithmetic)]
        for each in (size(20, 4, 64, trains), size(100, 8, 96, trains), size(100, 16, 128, trains))
    ]
    assert taken == [["float32", "bf16x3", "bf16"], ["float32", "bf16x3"], ["float32"]]


def test_few_sequences_are_torchs_where_a_product_is_three():
    assert torch_is_faster("lstm", size(100, 1, 256), "bf16x3")
    assert not torch_is_faster("lstm", size(100, 1, 256), "bf16")


def test_fewer_bits_matter_wherever_they_take_a_call_from_torch():
    taken = 0
    for each in (
        size(t, b, h, trains) for t in (1, 4, 20, 100) for b in (1, 8) for h in (64, 256, 512) for trains in (0, 1)
    ):
        for cell in ("lstm", "gru"):
            faster = torch_is_faster(cell, each)
            if faster and not (torch_is_faster(cell, each, "bf16x3") and torch_is_faster(cell, each, "bf16")):
                assert fewer_bits_matter(cell, each)
                taken += 1
    assert taken


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
