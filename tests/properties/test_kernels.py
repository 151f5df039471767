"""What the kernels promise of every call: bits, threads, NaN, memory."""

from __future__ import annotations

import ctypes
import gc
import math
import os
import subprocess
import sys
import threading
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.utils.rnn import pack_padded_sequence

import cellwright
from agreement import assert_agree
from calls import (
    DERIVED,
    EVERY,
    alone,
    converted,
    draw_call,
    of_sequence,
    on,
    outputs,
    same_bits,
    streams,
    with_gradients,
)
from calls import inputs as found_in
from cellwright.backends.kernels import partition
from cellwright.cells import CELLS
from cellwright.cells.definition import Definition
from cellwright.packing import RowIndex

SOME = [CELLS[name] for name in ("lstm", "gru", "layer-norm-lstm", "slstm", "peephole")] + DERIVED[-1:] + EVERY[-2:]


@pytest.fixture(autouse=True, scope="module")
def threads():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def on_threads(number: int, function, *arguments):
    small, partition.SMALL = partition.SMALL, 0
    torch.set_num_threads(number)
    try:
        return function(*arguments)
    finally:
        torch.set_num_threads(1)
        partition.SMALL = small


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
            ill.rows[sum(ill.batch_sizes[:1]) * (lengths[b] > 1) + b, 1] = value  # at its second step, where it has one
        ill.state[0][:, b, 3] = value
        for found in (with_gradients(ill), on_threads(2, with_gradients, ill)):
            for other in range(len(lengths)):
                if other != b:
                    assert same_bits(of_sequence(call, found, other), of_sequence(call, clean, other)) == []
            if math.isnan(value):  # an infinite gate is open or shut
                assert any(v.isnan().any() for v in of_sequence(call, found, b).values())


# --- threads -------------------------------------------------------------------------------------------
def _of_threads(number: int, work) -> None:
    """Run work(k) on that many Python threads that start together; raises what one of them raised."""
    start, raised = threading.Barrier(number), []

    def run(k: int) -> None:
        try:
            start.wait()
            work(k)
        except BaseException as error:
            raised.append(error)

    running = [threading.Thread(target=run, args=(k,)) for k in range(number)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    if raised:
        raise raised[0]


@pytest.mark.parametrize("openmp", [1, 2])
def test_eight_threads_at_once_get_the_bits_that_each_gets_alone(openmp):
    """Different sizes at once: each call's header and tables are its own. (They once shared freed memory.)"""
    sizes = [(k % 3 + 1, 3 + k) for k in range(8)]
    calls = [draw_call(CELLS["lstm"], tuple(range(b + 1, 0, -1)), 3, h, directions=2) for b, h in sizes]
    wanted = [(outputs(call), with_gradients(call)) for call in calls]

    def work(k: int) -> None:
        for _ in range(40):
            assert same_bits(outputs(calls[k]), wanted[k][0]) == []
        for _ in range(10):
            assert same_bits(with_gradients(calls[k]), wanted[k][1]) == []

    on_threads(openmp, _of_threads, 8, work)


def test_eight_threads_compile_a_cell_at_once(tmp_path, monkeypatch):
    """A definition that no kernel was made for, an empty cache: all wait for machine code, none gets half of it."""
    monkeypatch.setenv("CELLWRIGHT_CACHE", str(tmp_path))
    gru = CELLS["gru"]
    unknown = Definition("unknown", gru.step, gru.projections, gru.gates, gru.states)
    call = draw_call(unknown)
    found: dict[int, dict[str, torch.Tensor]] = {}

    def work(k: int) -> None:
        found[k] = with_gradients(call)

    _of_threads(8, work)
    wanted = with_gradients(replace(call, cell=gru))
    for values in found.values():
        assert same_bits(values, wanted) == []
    assert {path.suffix for path in tmp_path.iterdir()} == {".o"}


FEWER_THREADS = """
import torch, cellwright
from cellwright.backends.kernels import partition
partition.SMALL = 0
torch.manual_seed(0)
layer, x = cellwright.LSTM(4, 8, bidirectional=True), torch.randn(9, 6, 4)
found = []
for threads in (1, 2, 5):
    torch.set_num_threads(threads)
    output, _ = layer(x)
    output.sum().backward()
    found.append([output.detach(), *(p.grad.clone() for p in layer.parameters())])
    layer.zero_grad()
assert all(torch.equal(a, b) for other in found[1:] for a, b in zip(found[0], other, strict=True))
"""


def test_fewer_threads_than_asked_for():
    """OpenMP need not give them (OMP_THREAD_LIMIT, OMP_DYNAMIC); what they would have done is done all the same."""
    for limit in ({"OMP_THREAD_LIMIT": "1"}, {"OMP_DYNAMIC": "true"}):
        done = subprocess.run(
            [sys.executable, "-c", FEWER_THREADS],
            env={**os.environ, **limit},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr


# --- memory --------------------------------------------------------------------------------------------
class Mallinfo2(ctypes.Structure):
    """What glibc's malloc says of itself (mallinfo(3))."""

    _fields_ = [(name, ctypes.c_size_t) for name in (
        "arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost",
    )]  # fmt: skip


def malloc_says() -> Any:
    """Its function, or None where the C library has none; it counts bytes in use, which no page reclaimed by the
    system blurs as it does the resident memory.
    """
    function = getattr(ctypes.CDLL(None), "mallinfo2", None)
    if function is not None:
        function.restype = Mallinfo2
    return function


MALLINFO2 = malloc_says()


@pytest.mark.skipif(MALLINFO2 is None, reason="this C library does not tell the memory in use")
@pytest.mark.parametrize("training", [False, True], ids=["inference", "training"])
def test_memory_does_not_grow_over_10000_calls(training):
    """Of changing shapes, 7000 without gradients and 3000 with. A leak shows in every part; what is made once does
    not.
    """
    calls = [draw_call(CELLS["lstm"], (k % 5 + 1, 1), 1 + k % 3, 1 + k % 17, 1 + k % 2) for k in range(60)]

    def in_use() -> int:
        gc.collect()
        said = MALLINFO2()
        return int(said.uordblks + said.hblkhd)

    def run(number: int) -> None:
        for k in range(number):
            call = calls[k % len(calls)]
            if training:
                rows = call.rows.requires_grad_()
                on("compiled", call)[0].sum().backward()
                rows.grad = None
            else:
                with torch.no_grad():
                    on("compiled", call)

    growth, part = [], 750 if training else 1750
    for _ in range(4):
        before = in_use()
        run(part)
        growth.append(in_use() - before)
    assert min(growth) / part < 32, growth  # bytes a call: less than the smallest tensor
