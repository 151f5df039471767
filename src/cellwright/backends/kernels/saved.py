"""What a forward pass keeps for its backward pass: one piece of memory, and where what lies in it."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from cellwright.backends.kernels.binding import FRAMES, Sizes, of
from cellwright.backends.kernels.frame import At, Word
from cellwright.compiler.codegen.loop_builder import HALF
from cellwright.compiler.target import LINE


class Saved(NamedTuple):
    """The bytes of a row of what is kept, of each word of the loops that points there.

    gates (S, slots × padded), rows (S, values a row), whole (S, padded) the output before its projection (nothing where
    there is none), one (S, padded) a state: that before each step, and one (S, padded) a product within the step: what
    it multiplied. With halves (`compiler.ir.halves`) in place of gates kept and halves, and half_state in place of that
    state. Those of a direction follow each other, those of the next come after.
    """

    rows: dict[str, int]

    def words(self, d: int) -> dict[str, Word]:
        """Those of direction d."""
        return {name: At(of(f"saved {name}", d)) for name in self.rows}

    def empty(self, directions: int, count: int) -> Tensor:
        """Memory for so many packed rows."""
        return torch.empty(self._bytes(directions, count), dtype=torch.uint8, device="cpu")

    def check(self, kept: Tensor, directions: int, count: int) -> None:
        """Raise RuntimeError unless what came back is laid out as this: kernels read it by addresses."""
        wanted = self._bytes(directions, count)
        if kept.dtype != torch.uint8 or kept.shape != (wanted,) or not (kept.is_cpu and kept.is_contiguous()):
            raise RuntimeError(
                f"what a forward pass kept came back to its backward pass as {kept.dtype} {tuple(kept.shape)} on "
                f"{kept.device}; expected torch.uint8 ({wanted},) on the CPU, contiguous: let saved_tensors_hooks give "
                "back what they were given, and the unit of products stay the same between the passes"
            )

    def _bytes(self, directions: int, count: int) -> int:
        return directions * sum(_filled(count * row) for row in self.rows.values())

    def inside(self, directions: int, count: int) -> dict[str, At]:
        """Where in it each begins."""
        found, place = dict[str, At](), 0
        for d in range(directions):
            for name, row in self.rows.items():
                found[of(f"saved {name}", d)] = At("saved", place)
                place += _filled(count * row)
        return found


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
    return Saved(rows | {f"operand.{k}": padded * size for k in range(len(made.layout.products))})


def cotangent_bytes(sizes: Sizes) -> int:
    """Of a number among the cotangents of x and u."""
    return HALF if sizes.kernel.halves(sizes.projects) else sizes.bytes
