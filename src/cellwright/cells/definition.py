"""A cell: its equations and what they declare, checked when the cell is made.

    @cell(projections="i f g o", gates="i f o", state="h c")
    def lstm(x, u, s): ...

The layer makes x = W x_t + b and u = U h_{t−1} + b' before the step, one part a projection. What belongs to the step:
    x.i, u.i    the projections                              (batch, hidden)
    s.c         the states before the step                   (batch, hidden)
    p.name      the cell's own parameters, where declared    (hidden,), or one such a projection: p.name.i
    m.name      inputs of a derived cell, masks for example  (batch, hidden)
"""

from __future__ import annotations

import importlib
import inspect
import sys
from collections import namedtuple
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pickle import PicklingError
from types import MappingProxyType
from typing import Any

from cellwright.cells.checks import PER_PROJECTION as PER_PROJECTION
from cellwright.cells.checks import PER_SEQUENCE as PER_SEQUENCE
from cellwright.cells.checks import PER_STEP as PER_STEP
from cellwright.cells.checks import PER_UNIT as PER_UNIT
from cellwright.cells.checks import check_declaration, check_equations, check_mapping, letters_of
from cellwright.cells.language import State
from cellwright.cells.registry import register
from cellwright.cells.trace import Trace, trace, used_inputs
from cellwright.errors import DefinitionError


@dataclass(frozen=True, eq=False)
class Definition:
    """A recurrent cell, made by `cell`.

    Attributes:
        name: As the command line and `Recurrent` know it.
        step: `(x, u, s[, p][, m]) -> State`, the equations.
        projections: The letters of W and U, in the order of their rows.
        gates: Those that select: each must come out between 0 and 1.
        states: The letters of the states; the first is the output.
        normalised: Gates that exceed 1 and are brought back by the cell's own normaliser.
        parameters: Further parameters: name -> PER_UNIT or PER_PROJECTION.
        ones: The parameters that start at one; the others start at zero.
        streams: Inputs beside x: name -> PER_STEP or PER_SEQUENCE.
        recurrent_state: The state that U multiplies.
        bias: Whether x and u have biases.
        origin: Of a derived cell the function that makes it, and that one's arguments.
        key: The text by which a saved program finds it (see `cellwright.cells.registry`).

    """

    name: str
    step: Callable[..., State]
    projections: tuple[str, ...]
    gates: tuple[str, ...]
    states: tuple[str, ...]
    normalised: tuple[str, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)
    ones: tuple[str, ...] = ()
    streams: Mapping[str, str] = field(default_factory=dict)
    recurrent_state: str = ""
    bias: bool = True
    origin: tuple[Any, ...] = ()
    key: str = field(init=False, default="")

    def __post_init__(self) -> None:
        object.__setattr__(self, "recurrent_state", self.recurrent_state or (self.states or ("",))[0])
        for name in ("parameters", "streams"):
            check_mapping(self, name)
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))
        check_declaration(self)
        check_equations(self)
        object.__setattr__(self, "key", register(self))

    def __repr__(self) -> str:
        return f"<cell {self.name}>"

    def __reduce__(self) -> Any:
        # A definition is pickled by reference: its module and name, or the recipe that derived it.
        if self.origin:
            return self.origin
        module, name = self.step.__module__, self.step.__qualname__
        found = _look_up(module, name) if module else None
        if not isinstance(found, Definition):
            raise PicklingError(
                f"cell {self.name} cannot be pickled: {module}.{name} is not the cell; "
                f"define it at the top of a module, and keep it under the name of its step"
            )
        if found.key != self.key:  # the same one defined twice, as a notebook's input that ran again, is the cell
            raise PicklingError(
                f"cell {self.name} cannot be pickled: {module}.{name} has been defined again, with other equations; "
                f"make the layer anew of that one, or give it a name of its own"
            )
        return _find, (module, name)

    @property
    def title(self) -> str:
        """The first line of the step's docstring."""
        return (inspect.getdoc(self.step) or self.name).splitlines()[0].rstrip(".")

    @cached_property
    def Projections(self) -> type[Any]:
        """The named tuple of x and of u."""
        return namedtuple("Projections", self.projections)

    @cached_property
    def States(self) -> type[Any]:
        """The named tuple of the states."""
        return namedtuple("States", self.states)

    def __call__(self, x: Any, u: Any, s: Any, p: Any = None, m: Any = None) -> Any:
        """One step, on tensors or expressions: x and u as `Projections`, s as `States`; returns `States`."""
        new = self.new_state(x, u, s, p, m)
        return self.States(*(getattr(new, name) for name in self.states))

    def new_state(self, x: Any, u: Any, s: Any, p: Any = None, m: Any = None) -> State:
        """The same, as the step returns it: with its letters where it ran on expressions."""
        extra = ([p] if self.parameters else []) + ([m] if self.streams else [])
        return self.step(x, u, s, *extra)

    def per_unit(self, parameter: str) -> bool:
        """Whether that parameter has one value a unit, (H,), rather than one a unit and projection, (G × H,)."""
        return self.parameters[parameter] == PER_UNIT

    @cached_property
    def trace(self) -> Trace:
        """The step run on letters instead of numbers."""
        return trace(self)

    @cached_property
    def inputs(self) -> frozenset[str]:
        """The names of what the new states are made of: "x.i", "u.i", "s.c", "p.…", "m.…"."""
        return used_inputs(self.trace.states.values())

    # Nothing in it changes; so a layer of a cell that no module holds can be copied too.
    def __copy__(self) -> Definition:
        return self

    def __deepcopy__(self, memo: Any) -> Definition:
        return self


def cell(
    bare: None = None,
    /,
    *,
    projections: str | None = None,
    gates: str | None = None,
    state: str | None = None,
    normalised: str = "",
    parameters: Mapping[str, str] | None = None,
    ones: str = "",
    bias: bool = True,
) -> Callable[[Callable[..., State]], Definition]:
    """Make a `Definition` of a step, under the step's name.

    The letters of each list are separated by blanks; the words of a step are those of `cellwright.cells.language`.

    The step is read here, once for every backend. Numbers from outside of it (a closure, a global) are constants of the
    cell from then on: a step that says something else when it is read again is refused, here, where it draws a number,
    and wherever a layer is made, where a number has changed since.

    Many arguments: the parts of a definition, each named where it is used.

    Args:
        bare: Nothing: the decorator has arguments by name only.
        projections: The letters of W and U, in the order of their rows: x.f and u.f in the step.
        gates: Those letters that select; each must come out between 0 and 1.
        state: The letters of the states; the first is the output.
        normalised: Gates that exceed 1 and that the cell brings back by a normaliser of its own.
        parameters: Further parameters, p.name in the step: PER_UNIT is (H,), PER_PROJECTION one such a projection.
        ones: The parameters that start at one; the others start at zero.
        bias: Whether x and u have biases.

    Returns:
        A decorator of a step (x, u, s[, p]) -> State, which makes the definition.

    Raises:
        DefinitionError: The declaration and the equations disagree; it names the line and the letter.

    Examples:
        >>> from cellwright.cells.language import State, sigmoid, tanh
        >>> @cell(projections="f g", gates="f", state="h")
        ... def forgetful(x, u, s):
        ...     f = sigmoid(x.f + u.f)
        ...     g = tanh(x.g + u.g)
        ...     return State(h=f * s.h + (1 - f) * g)
        >>> forgetful
        <cell forgetful>

    """

    lists = {"projections": projections, "gates": gates, "state": state, "normalised": normalised, "ones": ones}

    def define(step: Callable[..., State]) -> Definition:
        name = getattr(step, "__name__", type(step).__name__).replace("_", "-")
        letters = letters_of(name, lists)
        return Definition(
            name=name,
            step=step,
            projections=letters["projections"],
            gates=letters["gates"],
            states=letters["state"],
            normalised=letters["normalised"],
            parameters={} if parameters is None else parameters,
            ones=letters["ones"],
            bias=bias,
        )

    if bare is not None:
        raise DefinitionError(
            f"@cell above {getattr(bare, '__name__', repr(bare))} declares no letters; expected "
            '@cell(projections="z n", gates="z", state="h")'
        )
    return define


def _look_up(module: str, name: str) -> Any:
    found: Any = sys.modules.get(module) or importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    return found


def _find(module: str, name: str) -> Definition:
    found = _look_up(module, name)
    if not isinstance(found, Definition):
        raise DefinitionError(
            f"there is no cell {module}.{name}; it was there when this was pickled: restore it, or change the name back"
        )
    return found
