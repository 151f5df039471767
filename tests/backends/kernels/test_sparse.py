"""States that are kept before some steps only: where, and the bits that come of it."""

from __future__ import annotations

import functools
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from calls import CELLS, DERIVED, converted, draw_call, same_bits, with_gradients
from cellwright.backends.kernels import batch, binding
from cellwright.backends.kernels.partition import Tables
from cellwright.backends.kernels.sparse import EVERY, places_of
from cellwright.backends.kernels.stretches import edges_of
from cellwright.compiler.ir.program import Program
from cellwright.compiler.kernel import Kernel, kernel

pytestmark = pytest.mark.usefixtures("one_thread")

LENGTHS = st.lists(st.integers(1, 40), min_size=1, max_size=6).map(lambda lengths: sorted(lengths, reverse=True))
REPLAYED = [CELLS["lstm"], CELLS["slstm"], DERIVED[-1]]


@functools.cache
def keeping_every_step(cell, dtype, arithmetic="float32", wanted=frozenset()):
    """Kernels that keep all states before every step, as they do what U multiplies."""
    known = kernel(cell, dtype, arithmetic, wanted=wanted)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cellwright.compiler.kernel.replay", lambda *plan: Program())
        return Kernel(cell, dtype, known.tile, known.target, wanted)


# --- where -----------------------------------------------------------------------------------------------
@given(LENGTHS, st.integers(1, 2), st.integers(1, 120), st.sampled_from([1, 3, EVERY]))
def test_each_step_has_rows_of_its_own_or_takes_turns_with_the_one_before(lengths, directions, most, every):
    tables = Tables([sum(length > t for length in lengths) for t in range(lengths[0])], directions, 1)
    edges = edges_of(tables, most, every)
    for d, places in enumerate(places_of(tables, directions, edges, every)):
        kept = [t for t in range(tables.steps) if places.rows[t] >= places.kept]
        begins = {*edges[:-1], *(range(0, tables.steps, every) if every > 1 else ())}
        assert set(kept) == ({t - 1 for t in {*begins, tables.steps} - {0}} if d else begins)
        taken = range(tables.steps)[:: -1 if d else 1]  # as the loop takes them
        latest = [max(s for s in range(tables.steps) if s <= taken.index(t) and taken[s] in kept) for t in taken]
        assert [int(places.since[t]) for t in taken] == latest
        spans = [range(int(places.rows[t]), int(places.rows[t]) + int(tables.sizes[t])) for t in range(tables.steps)]
        assert sorted(row for t in kept for row in spans[t]) == list(range(places.kept, places.number))
        assert all(not set(one) & set(other) for one, other in pairwise(spans))
        for n, length in enumerate(lengths):
            assert places.reads[n] == spans[length - 1 if d else 0][n]
        begun = set(places.begins.tolist())
        assert len(begun) == len(lengths)
        assert begun == set(places.reads.tolist()) if d == 0 else not any(begun & set(one) for one in spans)


# --- the same bits ---------------------------------------------------------------------------------------
@settings(max_examples=30, deadline=None)
@given(
    cell=st.sampled_from(REPLAYED),
    dtype=st.sampled_from([torch.float32, torch.float64]),
    lengths=LENGTHS,
    hidden=st.integers(1, 40),
    directions=st.integers(1, 2),
    resets=st.booleans(),
    fresh=st.booleans(),
    stretch_bytes=st.sampled_from([1, 1 << 12, 1 << 21]),
)
def test_a_state_that_is_computed_again_has_the_bits_of_one_that_is_kept(
    cell, dtype, lengths, hidden, directions, resets, fresh, stretch_bytes
):
    """All that is kept is in full precision: every gradient is the same, wherever stretches begin."""
    call = converted(draw_call(cell, lengths, 3, hidden, directions, resets, resets and fresh), dtype)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batch, "STRETCH_BYTES", stretch_bytes)
        patch.setattr(batch, "STRETCH_ROWS", 1)
        found = with_gradients(call)
        patch.setattr(binding, "kernel", keeping_every_step)
        assert not same_bits(found, with_gradients(call))
