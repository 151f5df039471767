"""The compiled path: a cell's kernels, called on tensors, with their gradient.

forward   rows = W x + b for some steps at a time; then step by step u = U h + b' and the cell
backward  step by step the cotangents of x and u; then the gradients of the weights, each one large product
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from cellwright.cells.definition import PER_UNIT, Definition
from cellwright.compiler.kernel import Kernel, Loop, kernel, shares
from cellwright.reference import Call, Weights

CHUNK_BYTES = 1 << 18  # of gate rows, multiplied ahead of their steps: a part of the second cache


class Saved(NamedTuple):
    """What one direction's backward pass reads, each tensor as the kernel laid it out.

    gates (S, slots × padded), rows (S, values a row), and one (S, padded) a state: that before each step.
    """

    gates: Tensor
    rows: Tensor
    states: list[Tensor]

    @property
    def tensors(self) -> list[Tensor]:
        """All of them."""
        return [self.gates, self.rows, *self.states]


class Batch:
    """A packed batch: its tables, and how its sequences are shared out among threads."""

    def __init__(self, batch_sizes: Sequence[int], directions: int) -> None:
        self.sizes = np.asarray(batch_sizes, np.int64)
        self.offsets = np.concatenate([[0], np.cumsum(self.sizes)[:-1]])
        self.steps, self.rows, self.alive = len(self.sizes), int(self.sizes.sum()), int(self.sizes[0])
        self.lengths = np.searchsorted(-self.sizes, -np.arange(self.alive), side="left")
        self.threads = torch.get_num_threads()
        runs = shares(self.lengths, -(-self.threads // directions))
        self.items = [(d, first, last) for d in range(directions) for first, last in runs]

    def starts(self, reverse: bool) -> Tensor:
        """The row in which each sequence begins."""
        row = self.offsets[self.lengths - 1] if reverse else 0
        return torch.from_numpy(row + np.arange(self.alive))


def _panels(matrix: Tensor, k: Kernel, slots: Sequence[int], hidden: int) -> Tensor:
    """Weights (G·H, n) as panels (·, n, columns): the slots' columns side by side, each padded to whole registers."""
    n, columns = matrix.shape[1], k.tile.columns
    parts = matrix.view(-1, hidden, n)
    if list(slots) != list(range(len(parts))):
        parts = parts[list(slots)]
    padded = pad(parts, (0, 0, 0, k.padded(hidden) - hidden)).reshape(-1, n)
    padded = pad(padded, (0, 0, 0, -len(padded) % columns))
    return padded.view(-1, columns, n).transpose(1, 2).contiguous()


def _whole(tensor: Tensor, padded: int) -> Tensor:
    """The last dimension padded with zeros, contiguous."""
    return pad(tensor, (0, padded - tensor.shape[-1])).contiguous()


def _own(cell: Definition, weights: Weights, padded: int) -> dict[str, Tensor]:
    """The cell's own parameters under the names of the program's inputs, padded."""
    found: dict[str, Tensor] = {}
    for name, shape in cell.parameters.items():
        value = weights.own[name].detach()
        if shape == PER_UNIT:
            found[f"p.{name}"] = _whole(value, padded)
        else:
            parts = value.chunk(len(cell.projections))
            found |= {f"p.{name}.{g}": _whole(v, padded) for g, v in zip(cell.projections, parts, strict=True)}
    return found


class Direction:
    """The tensors and words of one direction of a call; the tensors live as long as this does."""

    def __init__(self, batch: Batch, k: Kernel, loop: Loop, hidden: int, reverse: bool) -> None:
        self.hidden, self.padded = hidden, k.padded(hidden)
        self.words: dict[str, int] = dict.fromkeys(loop.block.names, 0)
        self.words |= {"reverse": int(reverse), "steps": batch.steps, "hidden": hidden, "padded": self.padded}
        self.words |= {"batch_sizes": batch.sizes.ctypes.data}
        self.words |= {"offsets": batch.offsets.ctypes.data, "state_rows": batch.offsets.ctypes.data}
        self.tensors: dict[str, Tensor] = {}
        self.tables: list[Any] = []

    def give(self, name: str, tensor: Tensor, skip: int = 0) -> Tensor:
        """Hand a tensor to the kernel under a name, from element `skip` on."""
        self.tensors[name] = tensor
        self.words[name] = tensor.data_ptr() + skip * tensor.element_size()
        return tensor


@dataclass
class Result:
    """rows (S, D·H), one (D, B, H) a state, each direction's letters (S, H), and what backward reads."""

    rows: Tensor
    state: tuple[Tensor, ...]
    letters: list[dict[str, Tensor]]
    saved: list[Saved]


def forward(call: Call, *, saves: bool) -> Result:
    """Run the forward loop of a call whose path is "compiled"; `saves` keeps what `backward` reads."""
    k = kernel(call.cell, _dtype(call.rows))
    letters = k.letters if call.record else ()
    loop = k.forward(saves, letters)
    batch = Batch(call.batch_sizes, len(call.weights))
    hidden = call.state[-1].shape[-1]
    rows = call.rows.detach().contiguous()
    y = rows.new_empty(batch.rows, len(call.weights) * hidden)
    directions = [_forward_direction(call, k, loop, batch, rows, y, saves, d) for d in range(len(call.weights))]
    _run(batch, directions, loop, k)
    return Result(
        y,
        tuple(_final(call, directions, name, s) for name, s in zip(call.cell.states, call.state, strict=True)),
        [{name: d.tensors[f"letter.{name}"][:, :hidden] for name in letters} for d in directions],
        [_saved(call.cell, d) for d in directions] if saves else [],
    )


def _forward_direction(
    call: Call, k: Kernel, loop: Loop, batch: Batch, rows: Tensor, y: Tensor, saves: bool, d: int
) -> Direction:
    """Everything the forward loop reads and writes for direction d."""
    weights, hidden, padded = call.weights[d], call.state[-1].shape[-1], k.padded(call.state[-1].shape[-1])
    direction = Direction(batch, k, loop, hidden, reverse=d == 1)
    direction.words |= {"inputs": rows.shape[1], "y_stride": y.stride(0) * y.element_size()}
    direction.give("x", rows)
    direction.give("y", y, skip=d * hidden)
    for name, matrix, bias, letters in (
        ("input", weights.input, weights.input_bias, k.layout.inputs),
        ("recurrent", weights.recurrent, weights.recurrent_bias, k.layout.recurrent),
    ):
        slots = [call.cell.projections.index(letter) for letter in letters]
        direction.give(f"{name}_panels", _panels(matrix.detach(), k, slots, hidden))
        start = matrix.new_zeros(len(matrix)) if bias is None else bias.detach()
        direction.give(f"{name}_starts", _panels(start[:, None], k, slots, hidden))
    _give_inputs(call, direction, d)
    begins_anew = call.resets[d][batch.starts(d == 1)][:, None] if call.resets else None
    for s, name in enumerate(call.cell.states):
        initial = _whole(call.state[s][d, : batch.alive].detach(), padded)
        fresh = torch.zeros_like(initial)
        if call.fresh:
            fresh = _whole(call.fresh[s][d, : batch.alive].detach(), padded)
        initial = initial if begins_anew is None else torch.where(begins_anew, fresh, initial)
        direction.give(f"fresh.{name}", fresh)
        direction.give(f"final.{name}", rows.new_empty(batch.alive, padded))
        _give_state(direction, batch, name, initial, saves, d == 1)
    if saves:
        direction.give("gates", rows.new_empty(batch.rows, _gate_columns(k, loop, padded)))
        direction.give("rows", rows.new_empty(batch.rows, loop.saved_rows))
    for letter in k.letters if call.record else ():
        direction.give(f"letter.{letter}", rows.new_empty(batch.rows, padded))
    return direction


def _give_state(direction: Direction, batch: Batch, name: str, initial: Tensor, saves: bool, reverse: bool) -> None:
    """The buffer of the states before each step: all of them where they are saved, else those of two steps in turn."""
    if saves:
        before = initial.new_empty(batch.rows, initial.shape[1])
        before[batch.starts(reverse) if reverse else slice(batch.alive)] = initial
    else:
        turns = np.arange(batch.steps, dtype=np.int64) % 2 * batch.alive
        direction.words["state_rows"] = turns.ctypes.data
        direction.tables.append(turns)
        before = initial.repeat(2, 1)
    direction.give(f"state.{name}", before)


def _give_inputs(call: Call, direction: Direction, d: int) -> None:
    """The cell's own parameters, its streams and the resets."""
    for name, value in _own(call.cell, call.weights[d], direction.padded).items():
        direction.give(name, value)
    for name, value in (call.streams[d] if call.streams else {}).items():
        direction.give(f"m.{name}", _whole(value.detach(), direction.padded))
    if call.resets:
        direction.give("resets", call.resets[d].to(torch.uint8).contiguous())


def _gate_columns(k: Kernel, loop: Loop, padded: int) -> int:
    """The width of a gate row: whole panels."""
    return -(-loop.slots * padded // k.tile.columns) * k.tile.columns


def _final(call: Call, directions: Sequence[Direction], name: str, initial: Tensor) -> Tensor:
    """The final states (D, B, H); sequences of no step keep theirs."""
    ended = torch.stack([d.tensors[f"final.{name}"][:, : d.hidden] for d in directions])
    return ended if ended.shape[1] == initial.shape[1] else torch.cat([ended, initial[:, ended.shape[1] :]], 1)


def _saved(cell: Definition, direction: Direction) -> Saved:
    states = [direction.tensors[f"state.{name}"] for name in cell.states]
    return Saved(direction.tensors["gates"], direction.tensors["rows"], states)


@dataclass
class Gradients:
    """Of the rows (S, I), of each state (D, B, H) and fresh state (D, B, H), and of each direction's `Weights.flat`."""

    rows: Tensor | None
    state: list[Tensor]
    fresh: list[Tensor]
    weights: list[list[Tensor]]


def backward(
    call: Call, saved: Sequence[Saved], d_rows: Tensor, d_state: Sequence[Tensor], *, wants_rows: bool
) -> Gradients:
    """The gradients of a call from the cotangents of its rows (S, D·H) and final states (D, B, H)."""
    k = kernel(call.cell, _dtype(call.rows))
    loop = k.backward()
    batch = Batch(call.batch_sizes, len(call.weights))
    hidden = call.state[-1].shape[-1]
    dy = d_rows.contiguous()
    directions = [
        _backward_direction(call, k, loop, batch, saved[d], dy, [s[d] for s in d_state], d)
        for d in range(len(call.weights))
    ]
    own = [dy.new_zeros(len(k.own), k.padded(hidden)) for _ in batch.items]
    _run(batch, directions, loop, k, own)
    found = Gradients(
        None, [torch.empty_like(s) for s in call.state], [torch.zeros_like(f) for f in call.fresh or ()], []
    )
    for d, direction in enumerate(directions):
        sums = sum(o for o, item in zip(own, batch.items, strict=True) if item[0] == d)
        _collect(call, k, batch, direction, saved[d], d_state, d, sums, found, wants_rows)
    return found


def _backward_direction(
    call: Call, k: Kernel, loop: Loop, batch: Batch, saved: Saved, dy: Tensor, d_final: Sequence[Tensor], d: int
) -> Direction:
    """Everything the backward loop reads and writes for direction d."""
    hidden = call.state[-1].shape[-1]
    direction = Direction(batch, k, loop, hidden, reverse=d == 1)
    padded = direction.padded
    direction.words["y_stride"] = dy.stride(0) * dy.element_size()
    direction.give("y", dy, skip=d * hidden)
    direction.give("gates", saved.gates)
    direction.give("rows", saved.rows)
    direction.give("columns", dy.new_empty(batch.rows, k.layout.width * padded))
    recurrent = _stacked(call, k, call.weights[d].recurrent, k.layout.recurrent, padded)
    width = k.tile.columns
    whole = pad(recurrent, (0, -hidden % width))
    panels = whole.view(len(whole), -1, width).transpose(0, 1).contiguous()
    direction.give("recurrent_panels", panels)
    direction.give("recurrent_starts", dy.new_zeros(whole.shape[1]))
    _give_inputs(call, direction, d)
    for name, before, last in zip(call.cell.states, saved.states, d_final, strict=True):
        direction.give(f"state.{name}", before)
        carry = direction.give(f"carry.{name}", _whole(last[: batch.alive], padded).clone())
        direction.give(f"fresh.{name}", torch.zeros_like(carry))
    return direction


def _stacked(call: Call, k: Kernel, matrix: Tensor, letters: Sequence[str], padded: int) -> Tensor:
    """Weights (G·H, n) as (slots × padded, n) in the order of the letters."""
    hidden = len(matrix) // len(call.cell.projections)
    parts = matrix.detach().view(-1, hidden, matrix.shape[1])
    slots = [call.cell.projections.index(letter) for letter in letters]
    ordered = parts if slots == list(range(len(parts))) else parts[slots]
    return pad(ordered, (0, 0, 0, padded - hidden)).reshape(-1, matrix.shape[1])


def _collect(
    call: Call, k: Kernel, batch: Batch, direction: Direction, saved: Saved, d_state: Sequence[Tensor], d: int, sums: Any, found: Gradients,
    wants_rows: bool,
) -> None:  # fmt: skip
    """From the cotangents of x and u: the gradients of the rows, the initial states and the weights."""
    weights, hidden, padded, places = call.weights[d], direction.hidden, direction.padded, k.layout
    columns = direction.tensors["columns"]
    at_x = columns[:, : len(places.inputs) * padded]
    at_u = columns[:, places.recurrent_start * padded :]
    rows = call.rows.detach().contiguous()
    if wants_rows:
        inputs = _stacked(call, k, weights.input, places.inputs, padded)
        found.rows = at_x @ inputs if found.rows is None else found.rows.addmm_(at_x, inputs)
    operand = saved.states[call.cell.states.index(call.cell.operand)][:, :hidden]

    def restore(values: Tensor, letters: Sequence[str]) -> Tensor:
        """(slots × padded, …) back to torch's rows (G·H, …); projections without a cotangent are zero."""
        parts = dict(zip(letters, values.view(len(letters), padded, *values.shape[1:])[:, :hidden], strict=True))
        if tuple(letters) == call.cell.projections and padded == hidden:
            return values
        nothing = values.new_zeros(hidden, *values.shape[1:])
        return torch.cat([parts.get(letter, nothing) for letter in call.cell.projections])

    grads = [restore(at_x.t() @ rows, places.inputs), restore(at_u.t() @ operand, places.recurrent)]
    if weights.input_bias is not None:
        grads.append(restore(at_x.sum(0), places.inputs))
    if weights.recurrent_bias is not None:
        grads.append(restore(at_u.sum(0), places.recurrent))
    grads += _own_gradients(call, k, sums, hidden)
    found.weights.append(grads)

    starts = batch.starts(d == 1)
    for s, name in enumerate(call.cell.states):
        gradient = direction.tensors[f"carry.{name}"][:, :hidden]
        if name == call.cell.operand:
            recurrent = _stacked(call, k, weights.recurrent, places.recurrent, padded)
            gradient = gradient + at_u[starts] @ recurrent
        if call.resets:
            begins_anew = call.resets[d][starts][:, None]
            if call.fresh:
                later = direction.tensors[f"fresh.{name}"][:, :hidden]
                found.fresh[s][d, : batch.alive] = later + gradient * begins_anew
            gradient = gradient.masked_fill(begins_anew, 0.0)
        found.state[s][d, : batch.alive] = gradient
        found.state[s][d, batch.alive :] = d_state[s][d, batch.alive :]


def _own_gradients(call: Call, k: Kernel, sums: Tensor, hidden: int) -> list[Tensor]:
    """The gradients of the cell's own parameters from the kernel's sums."""
    place = {name: sums[number, :hidden] for number, name in enumerate(k.own)}
    found = []
    for name, shape in call.cell.parameters.items():
        if shape == PER_UNIT:
            found.append(place[f"p.{name}"])
        else:
            nothing = sums.new_zeros(hidden)
            found.append(torch.cat([place.get(f"p.{name}.{g}", nothing) for g in call.cell.projections]))
    return found


def _dtype(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _run(
    batch: Batch, directions: Sequence[Direction], loop: Loop, k: Kernel, own: Sequence[Tensor] | None = None
) -> None:
    """Run a loop over all items, each with scratch memory of its own."""
    padded, columns, size = directions[0].padded, k.tile.columns, k.tile.lanes.bytes
    line = -(-max(len(k.layout.recurrent), 1) * padded // columns) * columns
    gate_columns = _gate_columns(k, loop, padded)
    items, scratch = [], []
    for number, (d, first, last) in enumerate(batch.items):
        sequences = last - first
        chunk = max(1, min(batch.steps, CHUNK_BYTES // (gate_columns * size * sequences)))
        rows_ahead = 0 if directions[d].words["gates"] else chunk * sequences
        parts = [sequences * line, loop.spill * padded, rows_ahead * gate_columns]
        floats = torch.empty(sum(parts), dtype=directions[d].tensors["y"].dtype)
        lists = torch.empty(4 * chunk * sequences, dtype=torch.int64)
        scratch += [floats, lists]
        places = [floats.data_ptr() + size * sum(parts[:i]) for i in range(3)]
        item = {"direction": d, "first": first, "last": last, "chunk": chunk, "capacity": chunk * sequences}
        item |= {"products": places[0], "spill": places[1], "gates": places[2], "lists": lists.data_ptr()}
        items.append(item | {"own": own[number].data_ptr() if own else 0})
    loop.run([direction.words for direction in directions], items, batch.threads)
