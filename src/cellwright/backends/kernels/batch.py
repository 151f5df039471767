"""The numbers of a batch that the words of a run go by: its steps and rows, what each item does, what lies where."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from cellwright.backends.kernels.binding import LayerBinding, Sizes, of
from cellwright.backends.kernels.frame import At, Batch
from cellwright.backends.kernels.partition import Tables
from cellwright.backends.kernels.saved import Counts, cotangent_bytes, saved_of
from cellwright.backends.kernels.sparse import EVERY, Places, places_of
from cellwright.backends.kernels.stretches import edges_of, numbers_of
from cellwright.compiler.codegen.strips import BLOCK
from cellwright.compiler.kernel import Loop

# Of gate rows, multiplied ahead of their steps: a part of the second cache. W is read once for as many, so that they
# are as many as W's own, where those are between these: with the least a call of H = 512 takes 1.1 times as long.
# The most are with what the rows of x become for the product, where that is split into parts.
CHUNK_BYTES, MOST_CHUNK_BYTES = 1 << 18, 1 << 21
OPERANDS = 64  # rows whose operands are taken for the size of one: they lie in groups
STRETCH_BYTES = 1 << 21  # of a direction's cotangents that a backward pass holds at a time
STRETCH_ROWS = BLOCK  # at least: a gradient of the weights is read and written once in as many
BATCHES = 64  # that are kept, of those that came last


def batch_of(binding: LayerBinding, loop: Loop) -> Batch:
    """The batch of a call for a loop."""
    outside = binding.output_index.number, binding.call.state[0].shape[1]
    return _batch(binding.tables, binding.sizes, loop, outside, (STRETCH_BYTES, STRETCH_ROWS))


@lru_cache(maxsize=BATCHES)
def _batch(tables: Tables, sizes: Sizes, loop: Loop, outside: tuple[int, int], stretch: tuple[int, int]) -> Batch:
    """`outside` are N', the rows among which outputs stand, and B, with the sequences of no step."""
    results, sequences = outside
    numbers = {"steps": tables.steps, "count": tables.count, "alive": tables.alive, "results": results}
    numbers |= {"batch_sizes": tables.sizes.data_ptr(), "offsets": tables.offsets.data_ptr()}
    numbers |= {"turns": tables.turns.data_ptr(), "packed": tables.packed_index.index.data_ptr()}
    numbers |= {of("starts", d): starts.data_ptr() for d, starts in enumerate(tables.starts)}
    back = _edges(tables, sizes, *stretch) if loop.step.saves else [0, tables.steps]
    stretches = numbers_of(tables, sizes.directions, sizes.threads, back if loop.step.back else [0, tables.steps])
    numbers |= stretches[0]
    for k in range(len(sizes.runs)):
        most = max(one[of("last", k)] - one[of("first", k)] for one in stretches)
        chunk = _chunk(tables, sizes, loop, most)
        item = {"sequences": most, "chunk": chunk, "capacity": chunk * most}
        numbers |= {of(name, k): number for name, number in item.items()}
    numbers["longest"] = max(one[of("stretch", d)] for one in stretches for d in range(sizes.directions))
    sparse, inside = _sparse(tables, sizes, *stretch) if loop.step.saves else [], dict[str, At]()
    for d, one in enumerate(sparse):
        words = {name: getattr(one, name).data_ptr() for name in ("rows", "since", "reads", "begins")}
        words["kept"] = one.kept
        numbers |= {of(f"sparse_{name}", d): number for name, number in words.items()}
    if sparse:
        inside = saved_of(sizes).inside(sizes.directions, _counts(tables, sparse))
    for name in sizes.kernel.cell.states:
        state = sequences * sizes.size(name) * sizes.bytes
        for d in range(sizes.directions):
            inside |= {of(f"{kind}.{name}", d): At(f"{kind}.{name}", d * state) for kind in ("begin", "final")}
    return Batch(numbers, inside, (tables, sparse), stretches if len(stretches) > 1 else ({},))


def counts_of(binding: LayerBinding) -> Counts:
    """The rows of what a training step keeps."""
    sparse = _sparse(binding.tables, binding.sizes, STRETCH_BYTES, STRETCH_ROWS)
    return _counts(binding.tables, sparse)


def _counts(tables: Tables, sparse: Sequence[Places]) -> Counts:
    return Counts(tables.count, max(one.number for one in sparse))


def _every(sizes: Sizes) -> int:
    """How many steps go by their number: where some of what is kept is in 16 bits (`sparse`)."""
    return EVERY if sizes.kernel.halves(sizes.projects) and saved_of(sizes).sparse else 1


def _edges(tables: Tables, sizes: Sizes, bytes: int, least_rows: int) -> list[int]:
    """Where stretches of a backward pass begin and end."""
    row = sizes.kernel.layout.width * sizes.padded * cotangent_bytes(sizes)
    return edges_of(tables, max(least_rows, bytes // max(1, row)), _every(sizes))


@lru_cache(maxsize=BATCHES)
def _sparse(tables: Tables, sizes: Sizes, bytes: int, least_rows: int) -> list[Places]:
    """Where states are kept that a backward pass computes again."""
    return places_of(tables, sizes.directions, _edges(tables, sizes, bytes, least_rows), _every(sizes))


def _chunk(tables: Tables, sizes: Sizes, loop: Loop, sequences: int) -> int:
    """How many steps of so many sequences a loop forward multiplies ahead."""
    if loop.step.back or not loop.step.places.inputs:
        return 1
    tile, row = sizes.kernel.tile, sizes.gate_columns(loop.step) * sizes.bytes
    operand = tile.operand_bytes(OPERANDS, sizes.inputs) // OPERANDS
    # As many rows as W has terms have the bytes of W.
    rows = max(CHUNK_BYTES // row, min(sizes.inputs, MOST_CHUNK_BYTES // (row + operand)))
    return max(1, min(tables.steps, rows // sequences))
