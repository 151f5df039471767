"""The layout of packed rows against torch.nn.utils.rnn's."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from cellwright.nn.inputs import enter

T = 6


@settings(max_examples=50)
@given(lengths=st.lists(st.integers(1, T), min_size=1, max_size=6), batch_first=st.booleans())
def test_rows_lie_as_torch_packs_them(lengths, batch_first):
    x = torch.randn(*((len(lengths), T) if batch_first else (T, len(lengths))), 2)
    rows, layout = enter("LSTM", x, lengths, batch_first)
    packed = pack_padded_sequence(x, torch.tensor(lengths), batch_first, enforce_sorted=False)
    padded, _ = pad_packed_sequence(packed, batch_first, total_length=T)
    within = rows if layout.row_index is None else layout.row_index.gather(rows)
    assert torch.equal(layout.pad(within), padded)
    assert torch.equal(layout.pack(x), within)
    assert torch.equal(layout.unflatten(rows), x)
    assert layout.row_index is None or rows.data_ptr() == x.data_ptr()
    if not layout.full:
        assert list(layout.batch_sizes) == packed.batch_sizes.tolist()
        lengths_in_order = torch.tensor(lengths)[layout.order].tolist()
        assert lengths_in_order == sorted(lengths, reverse=True)
    again, from_packed = enter("LSTM", packed, None, batch_first)
    assert torch.equal(from_packed.pad(again), padded[:, : max(lengths)] if batch_first else padded[: max(lengths)])


def test_a_full_batch_is_packed_without_a_copy():
    x = torch.randn(T, 3, 2)
    for lengths in (None, [T] * 3):
        rows, layout = enter("LSTM", x, lengths, batch_first=False)
        assert rows.data_ptr() == x.data_ptr()
        assert layout.pad(rows).data_ptr() == x.data_ptr()


def test_states_go_into_falling_length_and_back():
    _, layout = enter("LSTM", torch.randn(T, 4, 2), [2, 6, 0, 4], batch_first=False)
    state = torch.arange(4.0).expand(3, 4)
    assert layout.sort(state)[0].tolist() == [1, 3, 0, 2]
    assert torch.equal(layout.unsort(layout.sort(state)), state)


@pytest.mark.parametrize("dtype", [torch.bool, torch.float32, torch.int64])
def test_padding_is_zero_of_any_type(dtype):
    _, layout = enter("LSTM", torch.randn(T, 2, 2), [1, 3], batch_first=False)
    padded = layout.pad(torch.ones(4, dtype=dtype))
    assert padded.tolist() == [[1, 1], [0, 1], [0, 1], [0, 0], [0, 0], [0, 0]]
