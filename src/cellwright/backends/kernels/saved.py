"""What a forward pass keeps for its backward pass: one piece of memory, and where what lies in it."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from cellwright.backends.kernels.binding import FRAMES, Sizes, of
from cellwright.backends.kernels.frame import At, Word
from cellwright.compiler.codegen.arguments import SPARSE
from cellwright.compiler.codegen.loop_builder import HALF
from cellwright.compiler.target import LINE


class Counts(NamedTuple):
    """S, the packed rows of a batch, and the rows of a state that is kept before some steps only (`sparse`)."""

    rows: int
    sparse: int


class Saved(NamedTuple):
    """The bytes of a row of what is kept, of each word of the loops that points there; `sparse` are kept of some steps.

    gates (S, slots × padded), rows (S, values a row), whole (S, padded) the output before its projection (nothing where
    there is none), one (S, padded) a state: that before each step, or before some (`sparse`); and one (S, padded) a
    product within the step: what it multiplied. With halves (`compiler.ir.halves`) in place of gates kept and halves,
    and half_state in place of that state. Those of a direction follow each other, those of the next come after.
    """

    rows: dict[str, int]
    sparse: frozenset[str]

    def words(self, d: int) -> dict[str, Word]:
        """Those of direction d."""
        return {name: At(of(f"saved {name}", d)) for name in self.rows}

    def empty(self, directions: int, counts: Counts) -> Tensor:
        """Memory for so many rows."""
        return torch.empty(self._bytes(directions, counts), dtype=torch.uint8, device="cpu")

    def check(self, kept: Tensor, directions: int, counts: Counts) -> None:
        """Raise RuntimeError unless what came back is laid out as this: kernels read it by addresses."""
        wanted = self._bytes(directions, counts)
        if kept.dtype != torch.uint8 or kept.shape != (wanted,) or not (kept.is_cpu and kept.is_contiguous()):
            raise RuntimeError(
                f"what a forward pass kept came back to its backward pass as {kept.dtype} {tuple(kept.shape)} on "
                f"{kept.device}; expected torch.uint8 ({wanted},) on the CPU, contiguous: let saved_tensors_hooks give "
                "back what they were given, and the unit of products stay the same between the passes"
            )

    def pieces(self, counts: Counts) -> dict[str, int]:
        """The bytes of each of them, of a direction."""
        return {name: row * (counts.sparse if name in self.sparse else counts.rows) for name, row in self.rows.items()}

    def _bytes(self, directions: int, counts: Counts) -> int:
        return directions * sum(map(_filled, self.pieces(counts).values()))

    def inside(self, directions: int, counts: Counts) -> dict[str, At]:
        """Where in it each begins."""
        found, place = dict[str, At](), 0
        for d in range(directions):
            for name, size in self.pieces(counts).items():
                found[of(f"saved {name}", d)] = At("saved", place)
                place += _filled(size)
        return found


def sparse_words(d: int) -> dict[str, Word]:
    """Where a direction's loops look up the rows of what is sparse."""
    return {name: At(of(name, d)) for name in SPARSE}


def _filled(size: int) -> int:
    return -(-size // LINE) * LINE


@lru_cache(maxsize=FRAMES)
def saved_of(sizes: Sizes) -> Saved:
    """What a pass over a call of these sizes keeps."""
    made, padded, size = sizes.kernel, sizes.padded, sizes.bytes
    step = made.saving_step(sizes.projects)
    rows = {"rows": step.saved_rows * size, "whole": padded * size if sizes.projects else 0}
    if step.in_gates:
        rows["gates"] = sizes.gate_columns(step) * size
    else:
        half, rest = step.kept
        rows |= {"kept": len(rest) * padded * size, "halves": len(half) * padded * HALF}
    for name in made.cell.states:
        if step.is_half(name):
            rows["half_state"] = padded * HALF
        else:
            rows[f"state.{name}"] = sizes.width(name) * size
    sparse = frozenset(f"state.{name}" for name in step.replayed)
    return Saved(rows | {f"operand.{k}": padded * size for k in range(len(made.layout.products))}, sparse)


def cotangent_bytes(sizes: Sizes) -> int:
    """Of a number among the cotangents of x and u."""
    return HALF if sizes.kernel.halves(sizes.projects) else sizes.bytes
