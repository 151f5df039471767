"""The states of a stack of layers, between the shape that a user has them in and the one that layers compute with."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from cellwright.nn import checks
from cellwright.packing import Layout

State = Tensor | tuple[Tensor, ...]


def as_tuple(state: State) -> tuple[Tensor, ...]:
    """The states, one or several, as a tuple."""
    return (state,) if isinstance(state, Tensor) else state


@dataclass(frozen=True)
class StateShape:
    """How states lie.

    sizes        the last dimension of each, by its letter
    stack        L·D, layers times directions
    batch_first  whether the user has them as (B, L·D, ·) rather than (L·D, B, ·)
    """

    sizes: dict[str, int]
    stack: int
    batch_first: bool = False

    def zeros(self, layout: Layout, like: Tensor) -> list[Tensor]:
        """(L·D, B, ·) each, of the type and on the device of `like`."""
        return [like.new_zeros(self.stack, layout.batch, size) for size in self.sizes.values()]

    def enter(self, who: str, given: State, layout: Layout, rows: Tensor) -> list[Tensor]:
        """The user's states as (L·D, B, ·), sequences in falling length; `who` names the layer in errors."""
        shape: tuple[int, ...] = (self.stack, layout.batch)
        axes = "layers × directions, batch, units"
        if layout.single:
            shape, axes = (self.stack,), "layers × directions, units"
        elif self.batch_first:
            shape, axes = shape[::-1], "batch, layers × directions, units"
        states = checks.state(who, given, self.sizes, shape, axes)
        checks.state_type(who, states, rows)
        if layout.single:
            return [s[:, None] for s in states]
        return [layout.sort(s.transpose(0, 1) if self.batch_first else s) for s in states]

    def leave(self, states: list[Tensor], layout: Layout) -> State:
        """States (L·D, B, ·) in falling length as the user has them: one tensor of one state, else a tuple."""
        states = [layout.unsort(s) for s in states]
        if layout.single:
            states = [s.squeeze(1) for s in states]
        elif self.batch_first:
            states = [s.transpose(0, 1) for s in states]
        return states[0] if len(states) == 1 else tuple(states)
