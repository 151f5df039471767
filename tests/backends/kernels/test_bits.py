"""A row has its own bits: in any batch, at any place, on any threads; NaN and infinity stay in it."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.utils.rnn import pack_padded_sequence

import cellwright
from agreement import assert_agree
from calls import SOME, alone, converted, draw_call, of_sequence, on, outputs, same_bits, streams, with_gradients
from calls import inputs as found_in
from cellwright.packing import RowIndex
from threads import on_threads

pytestmark = pytest.mark.usefixtures("one_thread")


# --- the same bits -------------------------------------------------------------------------------------
LENGTHS = st.lists(st.integers(0, 7), min_size=1, max_size=9).filter(any).map(lambda l: sorted(l, reverse=True))
CALLS = {
    "cell": st.sampled_from(SOME),
    "lengths": LENGTHS,
    "inputs": st.integers(1, 20),
    "hidden": st.integers(1, 40),
    "directions": st.integers(1, 2),
    "seed": st.integers(0, 99),
}


@settings(max_examples=60)
@given(**CALLS, resets=st.booleans())
def test_a_row_has_the_same_bits_in_any_batch(cell, lengths, inputs, hidden, directions, resets, seed):
    """Alone, among others and wherever it stands; on one thread or two; in training or not; recorded or not."""
    call = draw_call(cell, lengths, inputs, hidden, directions, resets=resets, fresh=resets, scale=0.5, seed=seed)
    call = converted(call, torch.float32)
    together = outputs(call)
    training = with_gradients(call)
    assert same_bits({name: training[name] for name in together}, together) == []
    assert same_bits(on_threads(2, outputs, call), together) == []
    assert same_bits(outputs(replace(call, record=True)), together) == []
    for b, length in enumerate(lengths):
        if length:
            assert same_bits(outputs(alone(call, b)), of_sequence(call, together, b)) == []


@settings(max_examples=20)
@given(
    name=st.sampled_from(["lstm", "gru", "slstm"]),
    lengths=st.permutations([1, 2, 4, 4, 6]),
    hidden=st.integers(1, 20),
    time=st.integers(6, 9),
)
def test_padded_and_packed_and_alone_have_the_same_bits(name, lengths, hidden, time):
    torch.manual_seed(hidden)
    layer = cellwright.Recurrent(name, 3, hidden, bidirectional=True)
    x = torch.randn(time, 5, 3)
    with torch.no_grad():
        padded, state = layer(x, lengths=lengths)
        packed, packed_state = layer(pack_padded_sequence(x, lengths, enforce_sorted=False))
        unpacked, _ = torch.nn.utils.rnn.pad_packed_sequence(packed, total_length=time)
        assert torch.equal(unpacked, padded)
        for b, length in enumerate(lengths):
            single, ended = layer(x[:length, b])
            assert torch.equal(single, padded[:length, b])
            for one, all_ in zip(_each(ended), _each(state), strict=True):
                assert torch.equal(one, all_[:, b])
        assert all(map(torch.equal, _each(packed_state), _each(state)))


@settings(max_examples=40)
@given(**CALLS, more=st.tuples(st.integers(0, 9), st.integers(0, 9)))
def test_rows_have_the_same_bits_wherever_they_stand(cell, lengths, inputs, hidden, directions, more, seed):
    """Those read among NaN, those written among zeros, each in places of their own; forward and backward."""
    call = converted(draw_call(cell, lengths, inputs, hidden, directions, seed=seed), torch.float32)
    torch.manual_seed(seed)
    number = sum(lengths)
    given, wanted = (RowIndex(torch.randperm(number + n)[:number], number + n) for n in more)
    cotangents = [torch.randn_like(value) for value in outputs(call).values()]

    def among(rows, places, rest):
        return torch.full((places.number, rows.shape[1]), rest).index_copy(0, places.index, rows)

    def computed(call, cotangents):
        leaves = [t.detach().requires_grad_() for t in found_in(call).values()]
        rows, state, _ = on("compiled", call.replaced([*leaves, *streams(call)]))
        gradients = torch.autograd.grad((rows, *state), leaves, cotangents, materialize_grads=True)
        return rows.detach(), *state, *gradients

    packed = computed(call, cotangents)
    placed = replace(call, rows=among(call.rows, given, torch.nan), input_index=given, output_index=wanted)
    rows, *others = computed(placed, [among(cotangents[0], wanted, torch.nan), *cotangents[1:]])
    assert torch.equal(rows, among(packed[0], wanted, 0.0))
    of_rows = 1 + len(call.state)  # the first of the gradients
    expected = [among(v, given, 0.0) if k == of_rows else v for k, v in enumerate(packed)]
    assert all(map(torch.equal, others, expected[1:]))


def _each(state):
    return state if isinstance(state, tuple) else (state,)


# The cell's own parameters are summed within each thread's sequences first, so their last bits are the threads'.
@pytest.mark.parametrize("cell", SOME, ids=repr)
def test_gradients_are_the_same_each_time_and_nearly_so_on_more_threads(cell):
    call = draw_call(cell, (5, 4, 4, 2, 1), inputs=9, hidden=21, directions=2, resets=True, fresh=True)
    once = with_gradients(call)
    assert same_bits(with_gradients(call), once) == []
    for number in (2, 3, 7):
        several = on_threads(number, with_gradients, call)
        own = {f"d {name}[{d}]" for name in cell.parameters for d in (0, 1)}
        assert set(same_bits(several, once)) <= own
        for name in own:
            assert_agree(several[name], once[name])


# --- NaN and infinity stay in their row ----------------------------------------------------------------
@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("cell", SOME, ids=repr)
def test_nan_and_infinity_stay_in_their_row(cell, value):
    """Whether they come with the input or with the state; other rows keep the bits of outputs and of gradients."""
    lengths = (6, 5, 5, 3, 3, 2, 1, 0)
    call = converted(draw_call(cell, lengths, inputs=3, hidden=7, directions=2, scale=0.5), torch.float32)
    clean = with_gradients(call)
    for b in (0, 2, 4, 7):
        ill = call.replaced([t.clone() for t in call.tensors])
        if lengths[b]:
            at_a_step = ill.rows if cell.multiplies_input else ill.streams[0]["x.drive"]
            at_a_step[sum(ill.batch_sizes[:1]) * (lengths[b] > 1) + b, 1] = value  # its second, where it has one
        ill.state[0][:, b, 3] = value
        for found in (with_gradients(ill), on_threads(2, with_gradients, ill)):
            for other in range(len(lengths)):
                if other != b:
                    assert same_bits(of_sequence(call, found, other), of_sequence(call, clean, other)) == []
            if math.isnan(value):  # an infinite gate is open or shut
                assert any(v.isnan().any() for v in of_sequence(call, found, b).values())
