"""The forward pass."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from torch import Tensor

from cellwright.backends.call import Call, Result
from cellwright.backends.kernels import panels
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
from cellwright.backends.kernels.frame import At, Batch, Frame, Word
from cellwright.backends.kernels.int8_panels import refuse_gradients
from cellwright.backends.kernels.saved import saved_of, sparse_words
from cellwright.compiler.codegen.int8_tile import Int8Tile
from cellwright.compiler.kernel import Loop


class Kind(NamedTuple):
    """What a forward pass does beside its results.

    saves    whether it keeps what the backward pass reads
    letters  what it writes down of each step
    packs    whether it packs the weights, or is given their panels
    """

    saves: bool
    letters: tuple[str, ...]
    packs: bool


class Bound(NamedTuple):
    """A call, its frame, and by name the tensors of its run: what it reads, and what it is to write.

    A state stands in "begin.h" before and in "final.h" after, (D, B, ·); the outputs (N', D·P) in "y"; what the
    backward pass reads, in "saved".
    """

    binding: LayerBinding
    frame: Frame
    kind: Kind
    tensors: dict[str, Tensor]

    def batch(self) -> Batch:
        """The numbers of its batch."""
        return batch_of(self.binding, _loop(self.binding.sizes, self.kind))


def forward(call: Call, *, saves: bool) -> tuple[Result, Tensor | None]:
    """Run a call that kernels can compute; `saves` keeps what `backward` reads (`saved`)."""
    bound = prepare(call, saves=saves)
    bound.frame.run(bound.batch(), addresses(bound.tensors))
    tensors = bound.tensors
    state, alive = tuple(tensors[f"final.{name}"] for name in call.cell.states), call.batch_sizes[0]
    for initial, final in zip(call.state, state, strict=True):
        if alive < initial.shape[1]:  # sequences of no step keep theirs
            final[:, alive:] = initial[:, alive:]
    recorded = [
        {name: compact(tensors[of(f"letter.{name}", d)][:, : call.hidden]) for name in bound.kind.letters}
        for d in range(len(call.weights))
    ]
    return Result(tensors["y"], state, recorded), tensors.get("saved")


def prepare(call: Call, *, saves: bool) -> Bound:
    """What computes a call, and where."""
    if saves:
        refuse_gradients(call)
    binding = LayerBinding(call, trains=saves)
    sizes, tensors, letters = binding.sizes, binding.given(), binding.kernel.letters if call.record else ()
    packs = (saves or call.packed is None) and not isinstance(binding.kernel.tile, Int8Tile)
    tensors |= binding.matrices() if packs else panels.of_frozen(binding)
    tensors["y"] = binding.new_rows(binding.output_index, sizes.directions * sizes.columns)
    for name, initial in zip(call.cell.states, call.state, strict=True):
        tensors[f"begin.{name}"] = initial.contiguous()
        tensors[f"final.{name}"] = initial.new_empty(initial.shape)  # contiguous, whatever that is
    tensors |= binding.fresh("fresh")
    if saves:
        tensors["saved"] = saved_of(sizes).empty(sizes.directions, counts_of(binding))
    for d in range(sizes.directions):
        for letter in letters:
            tensors[of(f"letter.{letter}", d)] = call.rows.new_empty(binding.tables.count, sizes.padded)
    kind = Kind(saves, letters, packs)
    return Bound(binding, _frame(sizes, kind), kind, tensors)


# --- the words -----------------------------------------------------------------------------------------
def _loop(sizes: Sizes, kind: Kind) -> Loop:
    return sizes.kernel.forward(
        saves=kind.saves, projects=sizes.projects, letters=kind.letters, scalars=sizes.scalars, heads=sizes.heads
    )


@lru_cache(maxsize=FRAMES)
def _frame(sizes: Sizes, kind: Kind) -> Frame:
    """The packing of the weights, and the loop."""
    frame, loop = Frame(sizes.threads), _loop(sizes, kind)
    places = {
        name: frame.take(panels.panels_bytes(sizes, matrix)) if kind.packs else At(name)
        for name, matrix in panels.named(sizes)
    }
    if kind.packs and places:
        panels.pack(frame, sizes, [(matrix, places[name]) for name, matrix in panels.named(sizes)])
    every = [
        _direction(frame, sizes, loop, kind, d, copy=part > 0) | _of_weights(frame, sizes, places, d)
        for part in range(1 if kind.saves else sizes.parts)
        for d in range(sizes.directions)
    ]
    add_loop(frame, sizes, loop, every)
    return frame


def _of_weights(frame: Frame, sizes: Sizes, places: Mapping[str, Word], d: int) -> dict[str, Word]:
    """The words of a direction's panels, and of what sums start from: of a factor without a bias, zeros."""
    words: dict[str, Word] = {}
    for name, (matrix, bias) in panels.factors(sizes, d).items():
        words[f"{name}_panels"] = places[of(f"{name}_panels", d)]
        starts = of(f"{name}_starts", d)
        none = matrix._replace(terms=1, bias=True)
        words[f"{name}_starts"] = frame.zeros(panels.panels_bytes(sizes, none)) if bias is None else places[starts]
    return words


def _direction(frame: Frame, sizes: Sizes, loop: Loop, kind: Kind, d: int, *, copy: bool) -> dict[str, Word]:
    """Where the loop reads and writes of direction d; a further thread of an item in inference writes a `copy` of most.

    Many arguments: what the words are made of.
    """
    cell, size = sizes.kernel.cell, sizes.bytes
    words = direction_words(frame, sizes, loop, d)
    words |= {f"letter.{letter}": At(of(f"letter.{letter}", d)) for letter in kind.letters}
    if copy:
        words |= {"y": frame.take(sizes.columns * size), "y_stride": 0}  # a row that nobody reads
        words |= {f"final.{name}": 0 for name in cell.states}
    for name in cell.states:
        if not kind.saves or loop.step.is_half(name):
            words[f"state.{name}"] = rows_of(frame, "alive", 2 * sizes.width(name) * size)
    if kind.saves:
        return words | {"turns": At("turns")} | sparse_words(d) | saved_of(sizes).words(d)
    words["state_rows"] = At("turns")
    if sizes.projects:
        words["whole"] = rows_of(frame, "alive", sizes.padded * size)
    for k in range(len(sizes.kernel.layout.products)):
        words[f"operand.{k}"] = rows_of(frame, "alive", sizes.padded * size)
    return words
