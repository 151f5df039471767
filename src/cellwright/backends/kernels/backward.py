"""The backward pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import NamedTuple

import torch
from torch import Tensor

from cellwright.backends.call import Call
from cellwright.backends.kernels import panels, products
from cellwright.backends.kernels.batch import batch_of, counts_of
from cellwright.backends.kernels.binding import (
    FRAMES,
    LayerBinding,
    Sizes,
    add_loop,
    addresses,
    compact,
    direction_words,
    of,
    rows_of,
)
from cellwright.backends.kernels.frame import At, Frame, Word
from cellwright.backends.kernels.int8_panels import refuse_gradients
from cellwright.backends.kernels.products import Factors, Rows
from cellwright.backends.kernels.saved import cotangent_bytes, saved_of, sparse_words
from cellwright.backends.kernels.weight_gradients import GRADIENTS, cotangents, of_weights, stretch_of
from cellwright.cells.definition import PER_SEQUENCE, PER_UNIT
from cellwright.compiler.kernel import Loop


@dataclass
class Gradients:
    """Of the rows (N, I), of each state and fresh state (D, B, ·), and of each direction's `Weights.flat` and streams.

    None where they were not wanted.
    """

    rows: Tensor | None
    state: Sequence[Tensor | None]
    fresh: Sequence[Tensor | None]
    weights: list[list[Tensor]]
    streams: list[list[Tensor | None]]


def backward(
    call: Call, saved: Tensor, d_rows: Tensor, d_state: Sequence[Tensor], *, wants_rows: bool, wants_state: bool
) -> Gradients:
    """The gradients of a call from what `forward` saved and the cotangents of its rows and final states.

    Those are (N', D·P) and one (D, B, ·) a state. Raises RuntimeError where `saved` is laid out otherwise.
    """
    refuse_gradients(call)
    binding = LayerBinding(call)
    sizes = binding.sizes
    saved_of(sizes).check(saved, sizes.directions, counts_of(binding))
    tensors = binding.given() | binding.matrices() | binding.fresh("restored")
    tensors |= {"saved": saved, "y": d_rows.contiguous()}
    tensors |= {f"begin.{name}": last.contiguous() for name, last in zip(call.cell.states, d_state, strict=True)}
    tensors |= _results(binding, d_state if wants_state else ())
    wants_rows_of_w = wants_rows and call.cell.multiplies_input
    if wants_rows_of_w:
        tensors["d x"] = call.rows.new_empty(binding.input_index.number, sizes.inputs)
    frame = _frame(sizes, Wanted(wants_rows_of_w, wants_state, call.wanted))
    frame.run(batch_of(binding, _loop(sizes)), addresses(tensors))
    rows = _of_rows(binding, tensors) if wants_rows else None
    state, fresh = _of_states(binding, tensors, d_state) if wants_state else _no_states(call)
    weights = [_of_weights(binding, tensors, d) for d in range(sizes.directions)]
    return Gradients(rows, state, fresh, weights, [_of_streams(binding, tensors, d) for d in range(sizes.directions)])


def _results(binding: LayerBinding, d_state: Sequence[Tensor]) -> dict[str, Tensor]:
    """What is to be written: the gradients of the states, where they are wanted, and of each direction."""
    call, sizes, tables = binding.call, binding.sizes, binding.tables
    found = {f"final.{n}": d.new_empty(d.shape) for n, d in zip(call.cell.states, d_state, strict=False)}
    if call.cell.parameters:
        sums = len(tables.items), len(_loop(sizes).step.own), sizes.padded
        found["own"] = call.rows.new_zeros(sums)
    for d, weights in enumerate(call.weights):
        for name in GRADIENTS:
            if (weight := getattr(weights, name)) is not None:
                apart = name == "recurrent" and sizes.heads > 1  # zero between heads
                found[of(f"d {name}", d)] = (call.rows.new_zeros if apart else call.rows.new_empty)(weight.shape)
        for name in call.wanted:
            once = call.cell.streams[name] == PER_SEQUENCE
            rows = call.rows.new_zeros(call.state[0].shape[1], sizes.padded) if once else None
            found[of(f"grad.{name}", d)] = call.rows.new_empty(tables.count, sizes.padded) if rows is None else rows
        if call.resets:
            for name in call.cell.states:
                found[of(f"fresh.{name}", d)] = call.rows.new_empty(tables.alive, sizes.width(name))
    return found


# --- what came of it -----------------------------------------------------------------------------------
def _of_rows(binding: LayerBinding, tensors: Mapping[str, Tensor]) -> Tensor:
    """The gradient of the rows: zero where none was read."""
    if "d x" not in tensors:
        return torch.zeros_like(binding.call.rows)
    rows, index = tensors["d x"], binding.input_index
    return rows if index.number == binding.tables.count else rows.index_fill_(0, index.free, 0.0)


def _of_states(
    binding: LayerBinding, tensors: Mapping[str, Tensor], d_state: Sequence[Tensor]
) -> tuple[list[Tensor], list[Tensor]]:
    """The gradients of the initial and of the fresh states; sequences of no step hand theirs through."""
    call, alive = binding.call, binding.tables.alive
    initial = [tensors[f"final.{name}"] for name in call.cell.states]
    if alive < call.state[0].shape[1]:
        for found, last in zip(initial, d_state, strict=True):
            found[:, alive:] = last[:, alive:]
    fresh = [torch.zeros_like(f) for f in call.fresh or ()]
    for name, found in zip(call.cell.states, fresh, strict=False):
        for d in range(binding.sizes.directions):
            found[d, :alive] = tensors[of(f"fresh.{name}", d)][:, : found.shape[2]]
    return initial, fresh


def _no_states(call: Call) -> tuple[list[None], list[None]]:
    return [None] * len(call.state), [None] * len(call.fresh or ())


def _of_weights(binding: LayerBinding, tensors: Mapping[str, Tensor], d: int) -> list[Tensor]:
    """The gradients of a direction's weights, in the order of `Weights.flat`."""
    named = (of(f"d {name}", d) for name in GRADIENTS)
    found = [tensors[name] for name in named if name in tensors]
    return found + _of_parameters(binding, tensors["own"], d) if "own" in tensors else found


def _of_parameters(binding: LayerBinding, own: Tensor, d: int) -> list[Tensor]:
    """The gradients of the cell's further parameters, from each item's sums; one without a cotangent is zero."""
    cell, hidden = binding.call.cell, binding.sizes.hidden
    mine = [sums for sums, item in zip(own, binding.tables.items, strict=True) if item[0] == d]
    sums = torch.stack(mine).sum(0)
    place = {name: sums[number, :hidden] for number, name in enumerate(_loop(binding.sizes).step.own)}
    nothing = sums.new_zeros(hidden)
    return [
        compact(place[f"p.{name}"])
        if shape == PER_UNIT
        else torch.cat([place.get(f"p.{name}.{g}", nothing) for g in cell.projections])
        for name, shape in cell.parameters.items()
    ]


def _of_streams(binding: LayerBinding, tensors: Mapping[str, Tensor], d: int) -> list[Tensor | None]:
    """The gradients of a direction's streams; what is one number for all units gets the sum over them."""
    call, sizes, found = binding.call, binding.sizes, list[Tensor | None]()
    for name in call.streams[d] if call.streams else {}:
        if name not in call.wanted:
            found.append(None)
        else:
            each = tensors[of(f"grad.{name}", d)][:, : sizes.hidden]
            found.append(each.sum(-1, keepdim=True) if name in sizes.scalars else compact(each))
    return found


# --- the words -----------------------------------------------------------------------------------------
class Wanted(NamedTuple):
    """Whether the gradients of the rows and of the states are, and of which streams."""

    rows: bool
    state: bool
    streams: frozenset[str]


def _loop(sizes: Sizes) -> Loop:
    return sizes.kernel.backward(projects=sizes.projects, scalars=sizes.scalars, heads=sizes.heads)


@lru_cache(maxsize=FRAMES)
def _frame(sizes: Sizes, wanted: Wanted) -> Frame:
    """The transposes; of each stretch the loop and the products over its rows; their results to where they belong."""
    frame, directions = Frame(sizes.threads), range(sizes.directions)
    places = {of(name, d): m for d in directions for name, m in panels.transposes(sizes, d, rows=wanted.rows).items()}
    taken = {name: frame.take(prod(panels.transposed_shape(sizes, m)) * sizes.bytes) for name, m in places.items()}
    if places:
        panels.transpose(frame, sizes, [(matrix, taken[name]) for name, matrix in places.items()])
    words = [_direction(frame, sizes, wanted, taken, d) for d in directions]
    each = len(_loop(sizes).step.own) * sizes.padded * sizes.bytes
    own = [At("own", number * each) for number in range(len(sizes.runs))]
    with frame.each_stretch():
        add_loop(frame, sizes, _loop(sizes), words, own if sizes.kernel.cell.parameters else ())
        if wanted.rows:
            _add_rows(frame, sizes, words, [taken[of("input", d)] for d in directions])
        copies = of_weights(frame, sizes, words)
    products.copy(frame, sizes.kernel, copies)
    return frame


def _direction(frame: Frame, sizes: Sizes, wanted: Wanted, taken: Mapping[str, Word], d: int) -> dict[str, Word]:
    """Where the loop reads and writes of direction d."""
    made = sizes.kernel
    words = direction_words(frame, sizes, _loop(sizes), d) | sparse_words(d) | saved_of(sizes).words(d)
    words |= {name: At(of(name, d)) for name in ("since", "until", "before")}
    words["columns"] = rows_of(frame, "longest", made.layout.width * sizes.padded * cotangent_bytes(sizes))
    for name, matrix in panels.transposes(sizes, d).items():
        number, _, columns = panels.transposed_shape(sizes, matrix)
        words |= {f"{name}_panels": taken[of(name, d)], f"{name}_starts": frame.zeros(number * columns * sizes.bytes)}
    for name in _loop(sizes).step.replayed:
        words[f"replayed.{name}"] = rows_of(frame, "longest", sizes.width(name) * sizes.bytes)
        if sizes.resets:
            words[f"restored.{name}"] = At(of(f"restored.{name}", d))
    words |= {f"grad.{name}": At(of(f"grad.{name}", d)) for name in wanted.streams}
    if sizes.projects:
        words["projected"] = rows_of(frame, "longest", sizes.operand_columns * sizes.bytes)
    if not wanted.state:
        words |= {f"final.{name}": 0 for name in made.cell.states}
    return words


def _add_rows(frame: Frame, sizes: Sizes, words: Sequence[Mapping[str, Word]], factors: Sequence[Word]) -> None:
    """The gradient of the rows: through W, summed over the directions."""
    slots, n = len(sizes.kernel.layout.inputs), sizes.inputs
    given = [
        Factors(cotangents(sizes, one, 0, slots), w, stretch_of(d)._replace(adds=At(of("added", d))), of("share", d))
        for d, (one, w) in enumerate(zip(words, factors, strict=True))
    ]
    products.of_rows(frame, sizes.kernel, given, Rows(At("d x"), n, n), At("x_places"))
