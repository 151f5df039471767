"""A call bound to its kernels: the tensors that they read and write, by name as addresses."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import torch
from torch import Tensor
from torch.nn.functional import pad

from cellwright.backends.call import Call
from cellwright.backends.kernels.partition import parts_of, tables, threads_of
from cellwright.cells.definition import PER_UNIT
from cellwright.compiler.kernel import Kernel, Loop, kernel
from cellwright.packing import RowIndex

CHUNK_BYTES = 1 << 18  # of gate rows, multiplied ahead of their steps: a part of the second cache


def compact(values: Tensor) -> Tensor:
    """The numbers in memory of their own, which whoever keeps them keeps: kernels write whole registers."""
    own = values.untyped_storage().nbytes() == values.nbytes
    return values if own else values.clone(memory_format=torch.contiguous_format)


_NONE: frozenset[str] = frozenset()


def _scalars(call: Call) -> frozenset[str]:
    """The streams that are one number for all units."""
    hidden, given = call.hidden, call.streams or ()
    return frozenset(name for one in given for name, value in one.items() if value.shape[-1] < hidden)


class LayerBinding:
    """A call, its kernels, its sizes, and the tables of its batch.

    `shares` lets several threads compute a sequence together: `parts` of them, which is else 1.
    """

    def __init__(self, call: Call, *, shares: bool = False) -> None:
        self.call = call
        dtype = str(call.rows.dtype).removeprefix("torch.")
        self.kernel: Kernel = kernel(call.cell, dtype, call.arithmetic, wanted=call.wanted)
        self.hidden = call.hidden
        self.padded = self.kernel.round_to_registers(self.hidden)
        self.projects = call.weights[0].projection is not None
        self.outputs = call.state[0].shape[-1]
        self.scalars = _scalars(call) if call.streams else _NONE
        self.operand_columns = self.kernel.round_to_panels(self.outputs) if self.projects else self.padded
        self.rows = call.rows.detach().contiguous()
        self.directions = range(len(call.weights))
        self.count = sum(call.batch_sizes)
        self.threads = threads_of(call)
        self.parts = parts_of(call, self.threads) if shares else 1
        self.tables = tables(tuple(call.batch_sizes), len(self.directions), self.threads // self.parts)
        self.alive, self.starts = self.tables.alive, self.tables.starts
        self.packed_index = self.tables.packed_index
        self.input_index = self.packed_index if call.input_index is None else call.input_index
        self.output_index = self.packed_index if call.output_index is None else call.output_index

    def new_rows(self, index: RowIndex, columns: int) -> Tensor:
        """Rows (number, columns) to be written there, and zero in others."""
        rows = self.rows.new_empty(index.number, columns)
        return rows if index.number == self.count else rows.index_fill_(0, index.free, 0.0)

    def whole(self, tensor: Tensor) -> Tensor:
        """The last dimension filled up with zeros to whole registers, contiguous; not copied where it is that."""
        missing = self.padded - tensor.shape[-1]
        return (pad(tensor.detach(), (0, missing)) if missing else tensor.detach()).contiguous()

    def whole_state(self, name: str, tensor: Tensor) -> Tensor:
        """The same for a state; that which U multiplies has a width of its own. Where it has it, it is not copied."""
        columns = self.operand_columns if name == self.call.cell.recurrent_state else self.padded
        missing = columns - tensor.shape[-1]
        return pad(tensor.detach(), (0, missing)) if missing else tensor.detach().contiguous()

    def gate_columns(self, loop: Loop) -> int:
        """The width of a row of gates: whole panels, where a product writes it."""
        columns = loop.step.slots * self.padded
        return self.kernel.round_to_panels(columns) if loop.step.places.inputs else columns

    def extra_parameters(self, d: int) -> dict[str, Tensor]:
        """The cell's further parameters under the names of the program's inputs."""
        cell, found = self.call.cell, dict[str, Tensor]()
        for name, shape in cell.parameters.items():
            value = self.call.weights[d].extra_parameters[name]
            if shape == PER_UNIT:
                found[f"p.{name}"] = self.whole(value)
            else:
                parts = value.chunk(len(cell.projections))
                found |= {f"p.{name}.{g}": self.whole(v) for g, v in zip(cell.projections, parts, strict=True)}
        return found


class DirectionArguments:
    """The words of one direction; the tensors they point to live as long as this does."""

    def __init__(self, binding: LayerBinding, loop: Loop, d: int) -> None:
        self.binding, self.loop, self.d = binding, loop, d
        self.tensors: dict[str, Tensor] = {}
        self.words: dict[str, int] = dict.fromkeys(loop.block.names, 0)
        self.words |= {"reverse": d, "steps": binding.tables.steps, "inputs": binding.rows.shape[1]}
        self.words |= {"hidden": binding.hidden, "padded": binding.padded, "outputs": binding.outputs}
        self.words["operand_bytes"] = binding.operand_columns * binding.rows.element_size()
        self.give("batch_sizes", binding.tables.sizes)
        self.give("offsets", binding.tables.offsets)
        self.give("state_rows", binding.tables.offsets)
        self.give("x_places", binding.input_index.index)
        self.give("y_places", binding.output_index.index)
        self._give_inputs()

    def give(self, name: str, tensor: Tensor, skip: int = 0) -> Tensor:
        """Hand a tensor to the kernel under a name, from element `skip` on."""
        self.tensors[name] = tensor
        self.words[name] = tensor.data_ptr() + skip * tensor.element_size()
        return tensor

    def give_output(self, y: Tensor) -> None:
        """Hand over the outputs (N', D·P), or their cotangents: this direction's columns."""
        self.give("y", y, skip=self.d * self.binding.call.columns)
        self.words["y_stride"] = y.stride(0) * y.element_size()

    def _give_inputs(self) -> None:
        """The cell's further parameters, its streams and the resets."""
        call = self.binding.call
        for name, value in self.binding.extra_parameters(self.d).items():
            self.give(name, value)
        given = call.streams[self.d] if call.streams else {}
        for name in call.cell.streams:  # a kernel reads all of them, so that none may be missing
            value = given[name]
            scalar = name in self.binding.scalars
            self.give(name, value.detach().contiguous() if scalar else self.binding.whole(value))
        if call.resets:
            self.give("resets", call.resets[self.d].to(torch.uint8).contiguous())


class Launch:
    """A loop over all items, each with scratch memory of its own; `own` holds each item's sums.

    `others` are the directions once more for each further thread that shares an item: the same inputs, and states and
    outputs of its own; `every` is all of them. `packed` are the weights that they share. It may be run again,
    on what its tensors then hold. They live as long as this does.
    """

    def __init__(
        self,
        binding: LayerBinding,
        directions: Sequence[DirectionArguments],
        loop: Loop,
        own: Sequence[Tensor] = (),
        others: Sequence[Sequence[DirectionArguments]] = (),
        packed: Sequence[Tensor] = (),
    ) -> None:
        self.binding, self.directions, self._loop = binding, directions, loop
        self.packed = packed
        self.every = [direction for part in (directions, *others) for direction in part]
        items, self._scratch = _items(binding, directions, loop, own)
        self._blocks = loop.prepare([direction.words for direction in self.every], items)

    def place(self, number: int, name: str, tensor: Tensor) -> None:
        """Hand another tensor to one of `every` under a name, for the runs from now on."""
        direction = self.every[number]
        direction.give(name, tensor)
        names = self._loop.block.names
        self._blocks.directions[number * len(names) + self._loop.block.offset[name]] = direction.words[name]

    def run(self) -> None:
        """Run it, on as many threads as the binding has."""
        self._loop.run(self._blocks, self.binding.threads)


def _items(
    binding: LayerBinding, directions: Sequence[DirectionArguments], loop: Loop, own: Sequence[Tensor]
) -> tuple[list[dict[str, int]], list[Tensor]]:
    """The words of each part of each item, and the scratch memory that they point to."""
    tile, padded, rows, parts = binding.kernel.tile, binding.padded, binding.rows, binding.parts
    size, gate_columns = tile.lanes.bytes, binding.gate_columns(loop)
    recurrent = binding.kernel.round_to_panels(max(len(binding.kernel.layout.recurrent) * padded, binding.outputs))
    line = recurrent + binding.kernel.round_to_panels(padded)
    within = sum(
        binding.kernel.round_to_panels(len(product.letters) * padded) for product in binding.kernel.layout.products
    )
    items: list[dict[str, int]] = []
    scratch: list[Tensor] = []
    for number, (d, first, last) in enumerate(binding.tables.items):
        sequences = last - first
        ahead_of_time = CHUNK_BYTES // (gate_columns * size * sequences) if loop.step.places.inputs else 1
        chunk = max(1, min(binding.tables.steps, ahead_of_time))
        ahead = 0 if directions[d].words["gates"] else chunk * sequences
        turns = 2 if parts > 1 else 1
        ends = [turns * sequences * line, sequences * within, ahead * gate_columns, parts * loop.spill * padded]
        numbers = rows.new_empty(sum(ends))
        lists = torch.empty(parts, 4 * chunk * sequences, dtype=torch.int64, device="cpu")
        operands = torch.empty(parts, _operand_bytes(binding, chunk, sequences), dtype=torch.uint8, device="cpu")
        scratch += [numbers, lists, operands]
        products, inner, gates, spill = (numbers.data_ptr() + size * begin for begin in accumulate([0, *ends[:-1]]))
        item = {"first": first, "last": last, "chunk": chunk, "capacity": chunk * sequences, "parts": parts}
        item |= {"products": products, "within": inner, "gates": gates}
        item["own"] = own[number].data_ptr() if own else 0
        for part in range(parts):
            mine = {"part": part, "direction": part * len(directions) + d, "met": number}
            mine |= {"spill": spill + part * size * loop.spill * padded, "lists": lists[part].data_ptr()}
            mine["operands"] = operands[part].data_ptr()
            items.append(item | mine)
    return items, scratch


def _operand_bytes(binding: LayerBinding, chunk: int, sequences: int) -> int:
    """The largest product of a loop: of the inputs of some steps, or of one step's states or cotangents."""
    tile, padded = binding.kernel.tile, binding.padded
    slots = max(map(len, binding.kernel.layout.factors_of_u.values()), default=1)
    step = max(slots * padded, binding.outputs)
    return max(tile.operand_bytes(chunk * sequences, binding.rows.shape[1]), tile.operand_bytes(sequences, step))
