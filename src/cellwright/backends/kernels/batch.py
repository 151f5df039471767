"""The numbers of a batch that the words of a run go by: its steps and rows, what each item does, what lies where."""

from __future__ import annotations

from functools import lru_cache

from cellwright.backends.kernels.binding import LayerBinding, Sizes, of
from cellwright.backends.kernels.frame import At, Batch
from cellwright.backends.kernels.partition import Tables
from cellwright.backends.kernels.saved import saved_of
from cellwright.compiler.kernel import Loop

CHUNK_BYTES = 1 << 18  # of gate rows, multiplied ahead of their steps: a part of the second cache
BATCHES = 64  # that are kept, of those that came last


def batch_of(binding: LayerBinding, loop: Loop) -> Batch:
    """The batch of a call for a loop."""
    outside = binding.input_index.number, binding.output_index.number, binding.call.state[0].shape[1]
    return _batch(binding.tables, binding.sizes, loop, outside)


@lru_cache(maxsize=BATCHES)
def _batch(tables: Tables, sizes: Sizes, loop: Loop, outside: tuple[int, int, int]) -> Batch:
    """`outside` are N and N', the rows among which inputs and outputs stand, and B, with the sequences of no step."""
    rows, results, sequences = outside
    numbers = {"steps": tables.steps, "count": tables.count, "alive": tables.alive, "rows": rows, "results": results}
    numbers |= {"batch_sizes": tables.sizes.data_ptr(), "offsets": tables.offsets.data_ptr()}
    numbers |= {"turns": tables.turns.data_ptr(), "packed": tables.packed_index.index.data_ptr()}
    numbers |= {of("starts", d): starts.data_ptr() for d, starts in enumerate(tables.starts)}
    for k, (_, first, last) in enumerate(tables.items):
        chunk = _chunk(tables, sizes, loop, last - first)
        item = {"first": first, "last": last, "sequences": last - first}
        item |= {"chunk": chunk, "capacity": chunk * (last - first)}
        numbers |= {of(name, k): number for name, number in item.items()}
    numbers |= {of("share", k): k * tables.count // sizes.threads for k in range(sizes.threads + 1)}
    inside = saved_of(sizes).inside(sizes.directions, tables.count) if loop.step.saves else {}
    for name in sizes.kernel.cell.states:
        state = sequences * sizes.size(name) * sizes.bytes
        for d in range(sizes.directions):
            inside |= {of(f"{kind}.{name}", d): At(f"{kind}.{name}", d * state) for kind in ("begin", "final")}
    return Batch(numbers, inside, tables)


def _chunk(tables: Tables, sizes: Sizes, loop: Loop, sequences: int) -> int:
    """How many steps of so many sequences are multiplied at once."""
    row = sizes.gate_columns(loop.step) * sizes.bytes * sequences
    return max(1, min(tables.steps, CHUNK_BYTES // row)) if loop.step.places.inputs else 1
