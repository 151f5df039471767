"""What a call is to its kernels: a packed batch, sizes, and the tensors handed over by name."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, lru_cache

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from cellwright.backends.call import Call
from cellwright.backends.kernels.spare import spare
from cellwright.cells.definition import PER_UNIT
from cellwright.compiler.codegen.pack import PACK
from cellwright.compiler.kernel import Kernel, Loop, kernel, products, shares
from cellwright.compiler.runtime.openmp import pool
from cellwright.packing import Places

CHUNK_BYTES = 1 << 18  # of gate rows, multiplied ahead of their steps: a part of the second cache

# Multiplications of a call that one thread does: 0.3 ms of them. Two were no faster below (a processor of 2021 with
# registers of 256 bits; at three times as many, by 15 %), and where another pool's threads spin on the processors, as
# ONNX Runtime's do, two wait milliseconds for each other.
SMALL = 1 << 23

# Where threads share sequences, each reads its part of the recurrent weights, and they meet once a step. A part of less
# than LEAST_PART bytes is read in the half microsecond of a meeting. One sequence is always shared. Of several, each
# goes to one thread, but where a thread would have fewer than FEW at a time and the weights are LARGE, half of a second
# cache: there sharing is 1.2 to 1.7 times as fast (H = 256 and 512, two threads of a processor of 2024).
LEAST_PART, FEW, LARGE = 1 << 16, 4, 1 << 19


def compact(values: Tensor) -> Tensor:
    """The numbers in memory of their own, which whoever keeps them keeps: kernels write whole registers."""
    own = values.untyped_storage().nbytes() == values.nbytes
    return values if own else values.clone(memory_format=torch.contiguous_format)


class Tables:
    """What the steps of a batch are to the kernels; the same for every call of a batch of this shape.

    places                packed rows where there are no others
    sizes, offsets (T,)   sequences alive at each step, and the step's first row
    turns (T,)            the first row of a step where two steps' states are kept in turn
    lengths (alive,)      steps of each sequence that has any
    items                 (direction, first, last): runs of sequences, each computed by one thread
    """

    def __init__(self, batch_sizes: Sequence[int], directions: int, threads: int) -> None:
        sizes = np.asarray(batch_sizes, np.int64)
        self.steps, self.alive = len(sizes), int(sizes[0])
        self.sizes = torch.from_numpy(sizes)
        self.offsets = self.sizes.cumsum(0) - self.sizes
        count = int(sizes.sum())
        self.places = Places(torch.arange(count, device="cpu"), count)
        self.turns = torch.arange(self.steps, device="cpu") % 2 * self.alive
        self.lengths = np.searchsorted(-sizes, -np.arange(self.alive), side="left")
        runs = shares(self.lengths, -(-threads // directions))
        self.items = [(d, first, last) for d in range(directions) for first, last in runs]

    @cached_property
    def starts(self) -> list[Tensor]:
        """The row in which each sequence begins, forward and in reverse."""
        sequence = torch.arange(self.alive, device="cpu")
        return [sequence, self.offsets[torch.from_numpy(self.lengths - 1)] + sequence]


@lru_cache(maxsize=64)
def _slots(projections: tuple[str, ...], letters: tuple[str, ...]) -> Tensor:
    return torch.tensor([projections.index(letter) for letter in letters], dtype=torch.int64, device="cpu")


@lru_cache(maxsize=64)
def _tables(batch_sizes: tuple[int, ...], directions: int, threads: int) -> Tables:
    return Tables(batch_sizes, directions, threads)


class Setting:
    """A call, its kernels, its sizes, and the tables of its batch.

    `shares` lets several threads compute a sequence together: `parts` of them, which is else 1.
    """

    def __init__(self, call: Call, *, shares: bool = False) -> None:
        self.call = call
        self.kernel: Kernel = kernel(call.cell, str(call.rows.dtype).removeprefix("torch."))
        self.hidden = call.weights[0].input.shape[0] // len(call.cell.projections)
        self.padded = self.kernel.round_to_registers(self.hidden)
        self.projects = call.weights[0].projection is not None
        self.outputs = call.weights[0].recurrent.shape[1]
        self.operand_columns = self.kernel.round_to_panels(self.outputs) if self.projects else self.padded
        self.rows = call.rows.detach().contiguous()
        self.directions = range(len(call.weights))
        self.count = sum(call.batch_sizes)
        self.threads = self._threads()
        self.parts = self._parts() if shares else 1
        self.tables = _tables(tuple(call.batch_sizes), len(self.directions), self.threads // self.parts)
        self.alive, self.starts = self.tables.alive, self.tables.starts
        self.packed_places = self.tables.places
        self.places = self.packed_places if call.places is None else call.places
        self.output_places = self.packed_places if call.output_places is None else call.output_places

    def _threads(self) -> int:
        """PyTorch's threads; one for what is done before a second would have been of use."""
        weights = sum(w.input.numel() + w.recurrent.numel() for w in self.call.weights)
        return torch.get_num_threads() if self.count * weights >= SMALL else 1

    def _parts(self) -> int:
        """How many threads share a sequence: all, where that is faster; else those that would have none."""
        sizes, directions, weights = self.call.batch_sizes, len(self.directions), self.call.weights[0].recurrent
        held = weights.numel() * weights.element_size()
        few = self.count * directions < FEW * self.threads * len(sizes)
        runs = directions if few and held >= LARGE else directions * sizes[0]
        return max(1, min(self.threads // runs, held // LEAST_PART)) if pool() else 1

    def new_rows(self, places: Places, columns: int) -> Tensor:
        """Rows (number, columns) to be written in these places, and zero in others."""
        rows = self.rows.new_empty(places.number, columns)
        return rows if places.number == self.count else rows.index_fill_(0, places.free, 0.0)

    def slots(self, letters: tuple[str, ...]) -> Tensor:
        """The places of projections among the cell's."""
        return _slots(self.call.cell.projections, letters)

    def stacked(self, matrix: Tensor, letters: tuple[str, ...]) -> Tensor:
        """Weights (G·H, n) as (slots × padded, n) in the order of the letters."""
        parts = matrix.detach().view(-1, self.hidden, matrix.shape[1])
        whole = pad(parts[self.slots(letters)], (0, 0, 0, self.padded - self.hidden))
        return whole.reshape(len(letters) * self.padded, matrix.shape[1])

    def packed(self, matrices: Sequence[tuple[Tensor, tuple[str, ...]]]) -> list[Tensor]:
        """Weights (G·H, n) or biases (G·H,) as panels (·, n, columns) of the letters' units."""
        tile, width = self.kernel.tile, self.kernel.tile.lanes.width
        threads = min(self.threads, (len(self.tables.items) or 1) * self.parts)  # no more than the loop wakes
        results, items, held = [], [], []
        for given, letters in matrices:
            matrix = given.detach().contiguous()
            terms = matrix.numel() // matrix.shape[0]
            number = -(-len(letters) * self.padded // tile.columns)
            panels = spare.take((number, terms, tile.columns), matrix.dtype)
            results.append(panels)
            held.append(matrix)
            words = {"matrix": matrix.data_ptr(), "terms": terms, "panels": panels.data_ptr(), "slots": len(letters)}
            words |= {"projections": self.slots(letters).data_ptr(), "hidden": self.hidden, "padded": self.padded}
            registers = number * tile.vectors
            share = max(1, -(-registers // (threads if terms > width else 1)))
            items += [words | {"first": i, "last": min(i + share, registers)} for i in range(0, registers, share)]
        products(self.kernel.target, tile).for_packing.run(PACK.pack(items), threads)
        return results

    def transposed(self, given: Tensor, letters: tuple[str, ...]) -> Tensor:
        """Weights (G·H, n) as panels (·, slots × padded, columns) of their n columns."""
        tile, matrix = self.kernel.tile, given.detach().contiguous()
        terms, columns = len(letters) * self.padded, matrix.shape[1]
        panels = matrix.new_empty(-(-columns // tile.columns), terms, tile.columns)
        words = {"matrix": matrix.data_ptr(), "terms": columns, "panels": panels.data_ptr(), "slots": len(letters)}
        words |= {"projections": self.slots(letters).data_ptr(), "hidden": self.hidden, "padded": self.padded}
        share = max(1, -(-terms // self.threads))
        items = [words | {"first": i, "last": min(i + share, terms)} for i in range(0, terms, share)]
        products(self.kernel.target, tile).for_transposes.run(PACK.pack(items), self.threads)
        return panels

    def panels(self, matrix: Tensor) -> Tensor:
        """A product's factor (k, n) in panels (·, k, columns), the last one filled up with zeros."""
        columns = self.kernel.tile.columns
        whole = pad(matrix, (0, -matrix.shape[1] % columns))
        return whole.view(len(whole), whole.shape[1] // columns, columns).transpose(0, 1).contiguous()

    def whole(self, tensor: Tensor) -> Tensor:
        """The last dimension filled up with zeros to whole registers, contiguous."""
        return pad(tensor.detach(), (0, self.padded - tensor.shape[-1])).contiguous()

    def whole_state(self, name: str, tensor: Tensor) -> Tensor:
        """The same for a state; that which U multiplies has a width of its own. Where it has it, it is not copied."""
        columns = self.operand_columns if name == self.call.cell.operand else self.padded
        missing = columns - tensor.shape[-1]
        return pad(tensor.detach(), (0, missing)) if missing else tensor.detach().contiguous()

    def gate_columns(self, loop: Loop) -> int:
        """The width of a row of gates: whole panels."""
        return self.kernel.round_to_panels(loop.step.slots * self.padded)

    def own(self, d: int) -> dict[str, Tensor]:
        """The cell's own parameters under the names of the program's inputs."""
        cell, found = self.call.cell, dict[str, Tensor]()
        for name, shape in cell.parameters.items():
            value = self.call.weights[d].own[name]
            if shape == PER_UNIT:
                found[f"p.{name}"] = self.whole(value)
            else:
                parts = value.chunk(len(cell.projections))
                found |= {f"p.{name}.{g}": self.whole(v) for g, v in zip(cell.projections, parts, strict=True)}
        return found


class Direction:
    """The words of one direction; the tensors they point to live as long as this does."""

    def __init__(self, setting: Setting, loop: Loop, d: int) -> None:
        self.setting, self.loop, self.d = setting, loop, d
        self.tensors: dict[str, Tensor] = {}
        self.words: dict[str, int] = dict.fromkeys(loop.block.names, 0)
        self.words |= {"reverse": d, "steps": setting.tables.steps, "inputs": setting.rows.shape[1]}
        self.words |= {"hidden": setting.hidden, "padded": setting.padded, "outputs": setting.outputs}
        self.words["operand_bytes"] = setting.operand_columns * setting.rows.element_size()
        self.give("batch_sizes", setting.tables.sizes)
        self.give("offsets", setting.tables.offsets)
        self.give("state_rows", setting.tables.offsets)
        self.give("x_places", setting.places.index)
        self.give("y_places", setting.output_places.index)
        self._give_inputs()

    def give(self, name: str, tensor: Tensor, skip: int = 0) -> Tensor:
        """Hand a tensor to the kernel under a name, from element `skip` on."""
        self.tensors[name] = tensor
        self.words[name] = tensor.data_ptr() + skip * tensor.element_size()
        return tensor

    def give_output(self, y: Tensor) -> None:
        """Hand over the outputs (N', D·P), or their cotangents: this direction's columns."""
        self.give("y", y, skip=self.d * self.setting.outputs)
        self.words["y_stride"] = y.stride(0) * y.element_size()

    def give_projection(self, transposed: bool) -> None:
        """Hand over the projection (P, H) as a factor, or its transpose."""
        matrix = self.setting.call.weights[self.d].projection
        if matrix is not None:
            factor = matrix.detach()
            panels = self.give("projection_panels", self.setting.panels(factor.t() if transposed else factor))
            self.give("projection_starts", panels.new_zeros(panels.shape[0] * panels.shape[2]))

    def _give_inputs(self) -> None:
        """The cell's own parameters, its streams and the resets."""
        call = self.setting.call
        for name, value in self.setting.own(self.d).items():
            self.give(name, value)
        for name, value in (call.streams[self.d] if call.streams else {}).items():
            self.give(f"m.{name}", self.setting.whole(value))
        if call.resets:
            self.give("resets", call.resets[self.d].to(torch.uint8).contiguous())


class Work:
    """A loop over all items, each with scratch memory of its own; `own` holds each item's sums.

    `others` are the directions once more for each further thread that shares an item: the same inputs, and states and
    outputs of its own; `every` is all of them. `packed` are the weights that they share. It may be run again,
    on what its tensors then hold. They live as long as this does.
    """

    def __init__(
        self,
        setting: Setting,
        directions: Sequence[Direction],
        loop: Loop,
        own: Sequence[Tensor] = (),
        others: Sequence[Sequence[Direction]] = (),
        packed: Sequence[Tensor] = (),
    ) -> None:
        self.setting, self.directions, self._loop = setting, directions, loop
        self.packed = packed
        self.every = [direction for part in (directions, *others) for direction in part]
        items, self._scratch = _items(setting, directions, loop, own)
        self._blocks = loop.prepare([direction.words for direction in self.every], items)

    def run(self) -> None:
        """Run it, on as many threads as the setting has."""
        self._loop.run(self._blocks, self.setting.threads)


def _items(
    setting: Setting, directions: Sequence[Direction], loop: Loop, own: Sequence[Tensor]
) -> tuple[list[dict[str, int]], list[Tensor]]:
    """The words of each part of each item, and the scratch memory that they point to."""
    tile, padded, rows, parts = setting.kernel.tile, setting.padded, setting.rows, setting.parts
    size, gate_columns = tile.lanes.bytes, setting.gate_columns(loop)
    recurrent = setting.kernel.round_to_panels(max(len(setting.kernel.layout.recurrent) * padded, setting.outputs))
    line = recurrent + setting.kernel.round_to_panels(padded)
    items: list[dict[str, int]] = []
    scratch: list[Tensor] = []
    for number, (d, first, last) in enumerate(setting.tables.items):
        sequences = last - first
        chunk = max(1, min(setting.tables.steps, CHUNK_BYTES // (gate_columns * size * sequences)))
        ahead = 0 if directions[d].words["gates"] else chunk * sequences
        turns = 2 if parts > 1 else 1
        numbers = rows.new_empty(turns * sequences * line + ahead * gate_columns + parts * loop.spill * padded)
        lists = torch.empty(parts, 4 * chunk * sequences, dtype=torch.int64, device="cpu")
        scratch += [numbers, lists]
        gates = numbers.data_ptr() + size * turns * sequences * line
        spill = gates + size * ahead * gate_columns
        item = {"first": first, "last": last, "chunk": chunk, "capacity": chunk * sequences, "parts": parts}
        item |= {"products": numbers.data_ptr(), "gates": gates, "own": own[number].data_ptr() if own else 0}
        for part in range(parts):
            mine = {"part": part, "direction": part * len(directions) + d, "met": number}
            mine |= {"spill": spill + part * size * loop.spill * padded, "lists": lists[part].data_ptr()}
            items.append(item | mine)
    return items, scratch
