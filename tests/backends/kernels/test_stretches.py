"""A backward pass in stretches: the same bits wherever steps are cut, and memory that does not grow with the steps."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from agreement import assert_agree
from calls import CELLS, SOME, converted, draw_call, same_bits, with_gradients
from cellwright.backends.kernels import backward, batch
from cellwright.backends.kernels.binding import LayerBinding, of
from cellwright.backends.kernels.partition import Tables
from cellwright.backends.kernels.stretches import edges_of, numbers_of
from threads import on_threads

pytestmark = pytest.mark.usefixtures("one_thread")

WEIGHTS = ("d input", "d recurrent", "d projection")  # and their biases: sums over all rows


def cut(monkeypatch: pytest.MonkeyPatch, stretch_bytes: int, rows: int = 1) -> None:
    """Let a stretch hold so many bytes of cotangents, or rows; of 1, each step is one."""
    monkeypatch.setattr(batch, "STRETCH_BYTES", stretch_bytes)
    monkeypatch.setattr(batch, "STRETCH_ROWS", rows)


def assert_cut_changes_sums_alone(found: dict[str, torch.Tensor], whole: dict[str, torch.Tensor], share: float) -> None:
    """Everything has the same bits, but what is summed over all rows, which rounds otherwise."""
    differ = same_bits(found, whole)
    assert all(name.startswith(WEIGHTS) for name in differ), differ
    for name in differ:
        assert_agree(found[name], whole[name].double(), share=share, name=name)


# --- where they end ------------------------------------------------------------------------------------
BATCH_SIZES = st.lists(st.integers(1, 9), min_size=1, max_size=12).map(lambda sizes: sorted(sizes, reverse=True))


@given(BATCH_SIZES, st.integers(1, 2), st.integers(1, 4), st.integers(1, 120))
def test_stretches_are_all_rows_once_and_items_all_sequences(batch_sizes, directions, threads, most):
    tables = Tables(batch_sizes, directions, threads)
    found = numbers_of(tables, directions, threads, edges_of(tables, most))
    items = {d: [k for k, run in enumerate(tables.runs) if run == d] for d in range(directions)}
    for d in range(directions):
        steps = [(one[of("since", d)], one[of("until", d)]) for one in found]
        assert steps[0][1] == tables.steps
        assert steps[-1][0] == 0
        assert all(later == earlier for (later, _), (_, earlier) in pairwise(steps))
        assert all(since < until for since, until in steps)
        rows = sorted((one[of("before", d)], one[of("stretch", d)]) for one in found)
        assert [before for before, _ in rows] == [sum(n for _, n in rows[:k]) for k in range(len(rows))]
        assert sum(n for _, n in rows) == tables.count
        for one in found:
            assert one[of("stretch", d)] < most + max(batch_sizes)
            runs = [(one[of("first", k)], one[of("last", k)]) for k in items[d]]
            assert (runs[0][0], runs[-1][1]) == (0, tables.alive)
            assert all(end == begin for (_, end), (begin, _) in pairwise(runs))
            shares = [one[of(of("share", d), k)] for k in range(threads + 1)]
            assert (shares[0], shares[-1]) == (0, one[of("stretch", d)])
            assert shares == sorted(shares)


@given(BATCH_SIZES, st.integers(1, 120))
def test_a_row_of_two_directions_is_set_once_and_then_added_to(batch_sizes, most):
    tables, seen = Tables(batch_sizes, 2, 1), set[int]()
    for one in numbers_of(tables, 2, 1, edges_of(tables, most)):
        for d in (0, 1):
            rows = range(one[of("before", d)], one[of("before", d)] + one[of("stretch", d)])
            assert {row in seen for row in rows} == {bool(one[of("added", d)])}
            seen |= set(rows)


@given(BATCH_SIZES, st.integers(1, 120))
def test_where_steps_are_cut_does_not_depend_on_the_threads(batch_sizes, most):
    names = ("since:0", "until:0", "before:0", "stretch:0", "again")
    one, other = (
        [[numbers[name] for name in names] for numbers in numbers_of(made, 1, n, edges_of(made, most))]
        for n in (1, 3)
        for made in [Tables(batch_sizes, 1, n)]
    )
    assert one == other


# --- the same bits -------------------------------------------------------------------------------------
LENGTHS = st.lists(st.integers(0, 7), min_size=1, max_size=9).filter(any).map(lambda l: sorted(l, reverse=True))


@settings(max_examples=40)
@given(
    cell=st.sampled_from(SOME),
    lengths=LENGTHS,
    inputs=st.integers(1, 20),
    hidden=st.integers(1, 40),
    directions=st.integers(1, 2),
    resets=st.booleans(),
    projected=st.integers(0, 3),
    stretch_bytes=st.sampled_from([1, 1 << 10, 1 << 12]),
)
def test_a_row_has_the_same_bits_wherever_steps_are_cut(
    cell, lengths, inputs, hidden, directions, resets, projected, stretch_bytes
):
    """Gradients of rows, states, fresh states and what is given of a step or of a sequence; those of weights round."""
    of_output = projected if cell.name == "lstm" else 0
    call = draw_call(cell, lengths, inputs, max(hidden, projected), directions, resets, resets, projected=of_output)
    call = converted(call, torch.float32)
    whole = with_gradients(call)
    with pytest.MonkeyPatch.context() as patch:
        cut(patch, stretch_bytes)
        found, on_two = with_gradients(call), on_threads(2, with_gradients, call)
    assert_cut_changes_sums_alone(found, whole, share=2e-5)
    own = {f"d {name}[{d}]" for name in cell.parameters for d in range(directions)}
    differ = same_bits(on_two, found)  # summed within each thread's sequences first
    assert set(differ) <= own
    for name in differ:
        assert_agree(on_two[name], found[name].double(), share=2e-5, name=name)


def test_an_item_may_have_no_sequence_in_any_stretch(monkeypatch):
    """Of one sequence far longer than the others, on many threads, each stretch has fewer runs than the batch."""
    call = converted(draw_call(CELLS["lstm"], (86, 7, 7), 3, 8), torch.float32)
    whole = with_gradients(call)
    cut(monkeypatch, 1, rows=50)
    assert_cut_changes_sums_alone(on_threads(8, with_gradients, call), whole, share=2e-5)


@pytest.mark.parametrize("stretch_bytes", [1, 1 << 12])
@pytest.mark.parametrize("arithmetic", ["float32", "bf16", "bf16x3"])
def test_heads_and_products_of_fewer_bits_are_cut_likewise(monkeypatch, arithmetic, stretch_bytes):
    """Cotangents are then of 16 bits, or U is multiplied in blocks."""
    call = converted(draw_call(CELLS["lstm"], (9, 6, 6, 2), 5, 34, directions=2, resets=True), torch.float32)
    call = replace(call, arithmetic=arithmetic, heads=2 if arithmetic == "float32" else 1)
    whole = with_gradients(call)
    cut(monkeypatch, stretch_bytes)
    assert_cut_changes_sums_alone(with_gradients(call), whole, share=1e-5)


def test_gradients_in_stretches_err_no_more_than_in_one(monkeypatch):
    """Of 2,400 rows in float32, against float64."""
    call = draw_call(CELLS["lstm"], (300,) * 8, inputs=12, hidden=16, scale=0.5)
    exact = with_gradients(call, "reference")
    single, worst = converted(call, torch.float32), {}
    for stretch_bytes in (1 << 30, 1 << 14):
        cut(monkeypatch, stretch_bytes)
        found = with_gradients(single)
        worst[stretch_bytes] = max(
            float((found[name].double() - exact[name]).abs().max() / exact[name].abs().max())
            for name in exact
            if name.startswith(WEIGHTS)
        )
    assert worst[1 << 14] <= 2 * worst[1 << 30]


# --- memory --------------------------------------------------------------------------------------------
@pytest.mark.parametrize("projected", [0, 7])
def test_scratch_memory_of_a_backward_pass_does_not_grow_with_the_steps(projected):
    """It held the cotangents of all of them, as much as all gates are."""

    def room(steps: int) -> int:
        call = converted(draw_call(CELLS["lstm"], (2,), 20, 256, projected=projected), torch.float32)
        call = replace(call, rows=torch.zeros(steps, 20), batch_sizes=[1] * steps)
        binding = LayerBinding(call)
        frame = backward._frame(binding.sizes, backward.Wanted(rows=True, state=True, streams=frozenset()))
        return frame.filled(batch.batch_of(binding, backward._loop(binding.sizes))).room

    assert room(40_000) <= 1.1 * room(4_000)  # the numbers by which a stretch is found are kept of each


def test_a_small_call_is_one_stretch():
    """And costs what one costs: nothing is begun twice."""
    call = draw_call(CELLS["lstm"], (100,) * 8, 64, 64)
    binding = LayerBinding(converted(call, torch.float32))
    assert len(batch.batch_of(binding, backward._loop(binding.sizes)).stretches) == 1
