"""A call bound to its kernels: what the words of its runs are made of, and those that all loops have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import pad

from cellwright.backends.call import Call
from cellwright.backends.kernels.frame import WORD, At, Frame, Numbers, Word
from cellwright.backends.kernels.partition import parts_of, tables, threads_of
from cellwright.cells.definition import PER_UNIT
from cellwright.compiler.codegen.arguments import ITEM
from cellwright.compiler.codegen.gate_layout import LoopSpec
from cellwright.compiler.kernel import Kernel, Loop, kernel
from cellwright.compiler.runtime.openmp import pool, rest
from cellwright.compiler.target import LINE
from cellwright.packing import RowIndex

FRAMES = 64  # that are kept of each kind: of the layers that were called last


def compact(values: Tensor) -> Tensor:
    """The numbers in memory of their own, which whoever keeps them keeps: kernels write whole registers."""
    own = values.untyped_storage().nbytes() == values.nbytes
    return values if own else values.clone(memory_format=torch.contiguous_format)


def of(name: str, number: int) -> str:
    """The name of what a direction, an item or a thread has of its own."""
    return f"{name}:{number}"


_NONE: frozenset[str] = frozenset()


def _scalars(call: Call) -> frozenset[str]:
    """The streams that are one number for all units."""
    hidden, given = call.hidden, call.streams or ()
    return frozenset(name for one in given for name, value in one.items() if value.shape[-1] < hidden)


class Sizes(NamedTuple):
    """All of a call that the words of its runs are made of, numbers of the batch and addresses aside.

    kernel              the cell's loops
    threads, parts      how many threads run, and of how many of them share a sequence
    directions, runs    D, and the direction of each item
    inputs, hidden, outputs   I, H, and P: H, or what it is projected to
    projects, biased, resets  whether there is a projection, biases of x and u, a mask of resets
    scalars             the streams that are one number for all units
    heads               parts of the units that U keeps apart
    """

    kernel: Kernel
    threads: int
    parts: int
    directions: int
    runs: tuple[int, ...]
    inputs: int
    hidden: int
    outputs: int
    projects: bool
    biased: tuple[bool, bool]
    resets: bool
    scalars: frozenset[str]
    heads: int

    @property
    def bytes(self) -> int:
        """Of a number."""
        return self.kernel.tile.lanes.bytes

    @property
    def padded(self) -> int:
        """H, filled up to whole registers."""
        return self.kernel.round_to_registers(self.hidden)

    @property
    def operand_columns(self) -> int:
        """The numbers of a row that U multiplies, filled up."""
        return self.kernel.round_to_panels(self.outputs) if self.projects else self.padded

    @property
    def columns(self) -> int:
        """The numbers that a direction gives of each step."""
        return len(self.kernel.cell.results) * self.outputs

    def size(self, state: str) -> int:
        """The numbers of a state."""
        return self.outputs if state == self.kernel.cell.recurrent_state else self.hidden

    def width(self, state: str) -> int:
        """The same, filled up."""
        return self.operand_columns if state == self.kernel.cell.recurrent_state else self.padded

    def gate_columns(self, step: LoopSpec) -> int:
        """The width of a row of gates: whole panels, where a product writes it."""
        columns = step.slots * self.padded
        return self.kernel.round_to_panels(columns) if step.places.inputs else columns


class LayerBinding:
    """A call, its sizes, and the tensors that its runs read.

    `trains` says that it is bound for a training step's loop, forward or back.
    """

    def __init__(self, call: Call, *, trains: bool = True) -> None:
        self.call = call
        dtype = str(call.rows.dtype).removeprefix("torch.")
        self.kernel: Kernel = kernel(call.cell, dtype, call.arithmetic, wanted=call.wanted)
        self.threads = threads_of(call)
        weights = call.weights[0]
        apart = call.record or (trains and (weights.projection is not None or not self.kernel.splits))
        parts = 1 if apart else parts_of(call, self.threads, trains=trains)
        self.tables = tables(tuple(call.batch_sizes), len(call.weights), self.threads // parts)
        self.input_index = self.tables.packed_index if call.input_index is None else call.input_index
        self.output_index = self.tables.packed_index if call.output_index is None else call.output_index
        self.sizes = Sizes(
            self.kernel,
            self.threads,
            parts,
            len(call.weights),
            self.tables.runs,
            call.rows.shape[1],
            call.hidden,
            call.state[0].shape[2],
            weights.projection is not None,
            (weights.input_bias is not None, weights.recurrent_bias is not None),
            call.resets is not None,
            _scalars(call) if call.streams else _NONE,
            call.heads,
        )

    def new_rows(self, index: RowIndex, columns: int) -> Tensor:
        """Rows (number, columns) to be written there, and zero in others."""
        rows = self.call.rows.new_empty(index.number, columns)
        return rows if index.number == self.tables.count else rows.index_fill_(0, index.free, 0.0)

    def whole(self, tensor: Tensor, columns: int) -> Tensor:
        """The last dimension filled up with zeros to so many columns, contiguous."""
        missing = columns - tensor.shape[-1]
        return pad(tensor.detach(), (0, missing)) if missing else tensor.detach().contiguous()

    def fresh(self, word: str) -> dict[str, Tensor]:
        """What a reset restores, of each direction's sequences that have a step, by the name of its word."""
        call, found = self.call, dict[str, Tensor]()
        for s, name in enumerate(call.cell.states if call.resets else ()):
            given = call.fresh[s] if call.fresh else torch.zeros_like(call.state[s])
            for d in range(self.sizes.directions):
                found[of(f"{word}.{name}", d)] = self.whole(given[d, : self.tables.alive], self.sizes.width(name))
        return found

    def matrices(self) -> dict[str, Tensor]:
        """What is packed of the call, by name and direction, contiguous and of the type of its rows."""
        dtype, found = self.call.rows.dtype, dict[str, Tensor]()
        for d, weights in enumerate(self.call.weights):
            for name in _MATRICES:
                if (matrix := getattr(weights, name)) is not None:
                    same = matrix.dtype == dtype
                    found[of(name, d)] = matrix.contiguous() if same else matrix.to(dtype).contiguous()
        return found

    def given(self) -> dict[str, Tensor]:
        """What the loops of both passes read of the call beside, by the names of their words, contiguous."""
        call = self.call
        found = {"x": call.rows.contiguous(), "x_places": self.input_index.index, "y_places": self.output_index.index}
        for d in range(self.sizes.directions):
            if call.cell.parameters:
                found |= {of(name, d): value for name, value in self._extra_parameters(d).items()}
            streams = call.streams[d] if call.streams else {}
            for name in call.cell.streams:  # a kernel reads all of them, so that none may be missing
                scalar, value = name in self.sizes.scalars, streams[name]
                found[of(name, d)] = value.contiguous() if scalar else self.whole(value, self.sizes.padded)
            if call.resets:
                found[of("resets", d)] = call.resets[d].to(torch.uint8).contiguous()
        return found

    def _extra_parameters(self, d: int) -> dict[str, Tensor]:
        """The cell's further parameters under the names of the program's inputs."""
        cell, padded, found = self.call.cell, self.sizes.padded, dict[str, Tensor]()
        for name, shape in cell.parameters.items():
            value = self.call.weights[d].extra_parameters[name]
            if shape == PER_UNIT:
                found[f"p.{name}"] = self.whole(value, padded)
            else:
                parts = value.chunk(len(cell.projections))
                found |= {f"p.{name}.{g}": self.whole(v, padded) for g, v in zip(cell.projections, parts, strict=True)}
        return found


_MATRICES = ("input", "recurrent", "input_bias", "recurrent_bias", "projection")


def addresses(tensors: Mapping[str, Tensor]) -> dict[str, int]:
    """Where tensors are, by name."""
    return {name: tensor.data_ptr() for name, tensor in tensors.items()}


# --- the words of a loop -------------------------------------------------------------------------------
def direction_words(frame: Frame, sizes: Sizes, loop: Loop, d: int) -> dict[str, Word]:
    """The words of a direction that are the same for every loop; all others are 0."""
    words: dict[str, Word] = dict.fromkeys(loop.block.names, 0)
    words |= {"reverse": d, "inputs": sizes.inputs, "hidden": sizes.hidden, "padded": sizes.padded}
    words |= {"outputs": sizes.outputs, "operand_bytes": sizes.operand_columns * sizes.bytes}
    words |= {name: At(name) for name in ("steps", "batch_sizes", "offsets", "x", "x_places", "y_places")}
    words |= {"state_rows": At("offsets"), "starts": At(of("starts", d))}
    words |= {"y": At("y", d * sizes.columns * sizes.bytes)}
    words["y_stride"] = sizes.directions * sizes.columns * sizes.bytes
    words |= {name: At(of(name, d)) for name in loop.step.given}
    if sizes.resets:
        words["resets"] = At(of("resets", d))
    for name in sizes.kernel.cell.states:
        words |= {f"{kind}.{name}": At(of(f"{kind}.{name}", d)) for kind in ("begin", "final")}
        words[f"carry.{name}"] = rows_of(frame, "alive", sizes.width(name) * sizes.bytes)
        if sizes.resets:
            words[f"fresh.{name}"] = At(of(f"fresh.{name}", d))
    return words


def rows_of(frame: Frame, number: str, bytes: int) -> At:
    """Scratch memory of rows of so many bytes, their number by name."""
    return frame.take(lambda batch: batch[number] * bytes)


def add_loop(
    frame: Frame, sizes: Sizes, loop: Loop, directions: Sequence[dict[str, Word]], own: Sequence[At] = ()
) -> None:
    """A part that is a loop over all items, each with scratch memory of its own; `own` holds each item's sums.

    The directions stand once more for each further thread that shares an item, where that has memory of its own.
    """
    first, met = frame.write(loop.block, directions), frame.counts(len(sizes.runs))
    workers = pool()
    functions = {"team": workers.team, "rest": rest()} if workers else {"team": 0, "rest": 0}
    items = list[dict[str, Word]]()
    for number, d in enumerate(sizes.runs):
        item: dict[str, Word] = {name: At(of(name, number)) for name in ("first", "last", "chunk", "capacity")}
        item |= functions | _shared(frame, sizes, loop, number, ahead=not (loop.step.back or directions[d]["gates"]))
        item |= {"parts": sizes.parts, "met": met.after(LINE * number), "own": own[number] if own else 0}
        for part in range(sizes.parts):
            place = (part * sizes.directions + d) % len(directions)
            words: dict[str, Word] = {"part": part, "direction": first.after(loop.block.bytes * place)}
            items.append(item | words | _of_a_part(frame, sizes, loop, number))
    frame.add(_PARTS[loop.step.back], loop.entry, ITEM, items)


_PARTS = {False: "forward loop", True: "backward loop"}


def _shared(frame: Frame, sizes: Sizes, loop: Loop, number: int, *, ahead: bool) -> dict[str, Word]:
    """What the threads of an item share; `ahead` is whether that holds the gates of a chunk."""
    made, padded, size = sizes.kernel, sizes.padded, sizes.bytes
    recurrent = made.round_to_panels(max(len(made.layout.recurrent) * padded, sizes.outputs))
    line = recurrent + made.round_to_panels(padded)
    within = sum(made.round_to_panels(len(product.letters) * padded) for product in made.layout.products)
    turns, sequences = 2 if sizes.parts > 1 else 1, of("sequences", number)
    found: dict[str, Word] = {"products": rows_of(frame, sequences, turns * line * size)}
    found["within"] = rows_of(frame, sequences, within * size)
    gates = sizes.gate_columns(loop.step) * size if ahead else 0
    return found | {"gates": rows_of(frame, of("capacity", number), gates)}


def _of_a_part(frame: Frame, sizes: Sizes, loop: Loop, number: int) -> dict[str, Word]:
    """The memory of one thread of an item."""
    tile, capacity, sequences = sizes.kernel.tile, of("capacity", number), of("sequences", number)
    slots = max(map(len, sizes.kernel.layout.factors_of_u.values()), default=1)
    terms = max(slots * sizes.padded, sizes.outputs)  # of a step's states or cotangents

    def largest(batch: Numbers) -> int:
        """The largest product: of the inputs of a chunk, or of a step."""
        return max(tile.operand_bytes(batch[capacity], sizes.inputs), tile.operand_bytes(batch[sequences], terms))

    return {
        "spill": frame.take(sizes.bytes * loop.spill * sizes.padded),
        "lists": rows_of(frame, capacity, 4 * WORD),
        "operands": frame.take(largest),
    }
