"""A cell: its equations and what they declare, checked when the cell is made.

    @cell(projections="i f g o", gates="i f o", state="h c")
    def lstm(x, u, s): ...

The layer makes x = W x_t + b and u = U h_{t−1} + b' before the step, one part a projection. What belongs to the step:
    x.i, u.i    the projections                              (batch, hidden)
    u.n(a)      U_n a + b'_n, of a value a of the step       (batch, hidden)
    x.rain      an input as it is given, where declared      (batch, hidden) or (batch, 1)
    s.c         the states before the step                   (batch, hidden)
    p.name      the cell's own parameters, where declared    (hidden,), or one such a projection: p.name.i,
                or given with each call                      (batch, hidden) or (batch, 1)
    m.name      masks of a derived cell                      (batch, hidden)

A step takes those of x, u, s and p that it names. Without projections there is no W, and without u no U: no weight is
made, and none is multiplied.

    @cell(inputs="rain", parameters={"rate": PER_UNIT}, state="store", outputs="flow")
    def reservoir(x, s, p):
        flow = p.rate * s.store
        return State(store=s.store + x.rain - flow, flow=flow)
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
from cellwright.cells.checks import arguments_of, check_declaration, check_equations, check_mapping, letters_of
from cellwright.cells.language import State
from cellwright.cells.registry import register
from cellwright.cells.trace import Trace, trace, used_inputs
from cellwright.errors import DefinitionError


@dataclass(frozen=True, eq=False)
class Definition:
    """A recurrent cell, made by `cell`.

    Attributes:
        name: As the command line and `Recurrent` know it.
        step: `(x, u, s[, p][, m]) -> State`, the equations; it takes those that it names.
        projections: The letters of W and U, in the order of their rows.
        gates: The letters that select: each must come out between 0 and 1.
        states: The letters of the states; the first is the output.
        normalised: Gates that exceed 1 and are brought back by the cell's own normaliser.
        parameters: Further parameters that are learned: name -> PER_UNIT or PER_PROJECTION.
        ones: The parameters that start at one; the others start at zero.
        given: Parameters that come with each call: name -> PER_STEP or PER_SEQUENCE.
        inputs: The inputs that the step reads as they are given, at each step.
        outputs: What the layer gives of each step, in order; the first state where there is nothing here.
        masks: Of a derived cell, what its layer draws: name -> PER_STEP or PER_SEQUENCE.
        recurrent_state: The state that U multiplies; empty where there is no U.
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
    given: Mapping[str, str] = field(default_factory=dict)
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    masks: Mapping[str, str] = field(default_factory=dict)
    recurrent_state: str = ""
    bias: bool = True
    origin: tuple[Any, ...] = ()
    key: str = field(init=False, default="")

    def __post_init__(self) -> None:
        for name in ("parameters", "given", "masks"):
            check_mapping(self, name)
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))
        check_declaration(self)
        if not self.recurrent_state and self.multiplies_state:
            object.__setattr__(self, "recurrent_state", self.states[0])
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
        """The named tuple of u, of what is learned of each projection, and of x but for its inputs."""
        return namedtuple("Projections", self.projections)

    @cached_property
    def Inputs(self) -> type[Any]:
        """The named tuple of x: the projections, then the inputs as they are given."""
        return namedtuple("Inputs", (*self.projections, *self.inputs))

    @cached_property
    def States(self) -> type[Any]:
        """The named tuple of the states."""
        return namedtuple("States", self.states)

    def __call__(self, x: Any, u: Any, s: Any, p: Any = None, m: Any = None) -> Any:
        """One step, on tensors or expressions: x as `Inputs`, u as `Projections`, s as `States`; returns `States`.

        Of a letter that multiplies within the step, u.n(a), u has what takes the value a.
        """
        new = self.new_state(x, u, s, p, m)
        return self.States(*(getattr(new, name) for name in self.states))

    def new_state(self, x: Any, u: Any, s: Any, p: Any = None, m: Any = None) -> State:
        """The same, as the step returns it: with its outputs, and its letters where it ran on expressions."""
        given = {"x": x, "u": u, "s": s, "p": p, "m": m}
        return self.step(*(given[name] for name in arguments_of(self)))

    @cached_property
    def streams(self) -> dict[str, str]:
        """What comes with each call beside W's operand: "x.rain", "p.rate", "m.mask" -> PER_STEP or PER_SEQUENCE."""
        found = {f"x.{name}": PER_STEP for name in self.inputs}
        found |= {f"p.{name}": kind for name, kind in self.given.items()}
        return found | {f"m.{name}": kind for name, kind in self.masks.items()}

    @cached_property
    def differentiable_streams(self) -> frozenset[str]:
        """Those of the streams that have a gradient: all but masks."""
        return frozenset(self.streams) - {f"m.{name}" for name in self.masks}

    @cached_property
    def results(self) -> tuple[str, ...]:
        """What the layer gives of each step: the outputs, or the first state."""
        return self.outputs or self.states[:1]

    @cached_property
    def takes_x_alone(self) -> bool:
        """Whether all that it reads of a call is what W multiplies, as torch.nn's cells do."""
        return self.multiplies_input and not self.streams

    @cached_property
    def multiplies_input(self) -> bool:
        """Whether there is a W."""
        return any(f"x.{name}" in self.reads for name in self.projections)

    @cached_property
    def multiplies_state(self) -> bool:
        """Whether there is a U."""
        return any(f"u.{name}" in self.reads for name in self.projections)

    @cached_property
    def multiplies_before(self) -> bool:
        """Whether U multiplies a state before the step, and not only values of the step."""
        return any(f"u.{name}" in self.reads and name not in self.trace.within for name in self.projections)

    def per_unit(self, parameter: str) -> bool:
        """Whether that parameter has one value a unit, (H,), rather than one a unit and projection, (G × H,)."""
        return self.parameters[parameter] == PER_UNIT

    @cached_property
    def trace(self) -> Trace:
        """The step run on letters instead of numbers."""
        return trace(self)

    @cached_property
    def reads(self) -> frozenset[str]:
        """The names of what new states and outputs are made of: "x.i", "u.i", "s.c", "p.…", "m.…"."""
        return used_inputs(self.trace.results.values())

    # Nothing in it changes; so a layer of a cell that no module holds can be copied too.
    def __copy__(self) -> Definition:
        return self

    def __deepcopy__(self, memo: Any) -> Definition:
        return self


def cell(
    bare: None = None,
    /,
    *,
    projections: str = "",
    gates: str | None = None,
    state: str | None = None,
    normalised: str = "",
    parameters: Mapping[str, str] | None = None,
    ones: str = "",
    bias: bool = True,
    inputs: str = "",
    outputs: str = "",
) -> Callable[[Callable[..., State]], Definition]:
    """Make a `Definition` of a step, under the step's name.

    The letters of each list are separated by blanks; the words of a step are those of `cellwright.cells.language`.

    The step is read here, once for every backend. Numbers from outside of it (a closure, a global) are constants of the
    cell from then on: a step that says something else when it is read again is refused, here, where it draws a number,
    and wherever a layer is made, where a number has changed since.

    Many arguments: the parts of a definition, each named where it is used.

    Args:
        bare: Nothing: the decorator has arguments by name only.
        projections: The letters of W and U, in the order of their rows: x.f and u.f in the step. Empty: neither.
        gates: The letters of the step that select; each must come out between 0 and 1. To be left out only where there
            are no projections.
        state: The letters of the states; the first is the output.
        normalised: Gates that exceed 1 and that the cell brings back by a normaliser of its own.
        parameters: Further parameters, p.name in the step. Learned: PER_UNIT is (H,), PER_PROJECTION one such a
            projection. Given with each call: PER_SEQUENCE is (B, H) or (B, 1), PER_STEP (T, B, H) or (T, B, 1).
        ones: The learned ones that start at one; the others start at zero.
        bias: Whether x and u have biases.
        inputs: Inputs that the step reads as they are given, x.name in the step: (T, B, H) or (T, B, 1) each.
        outputs: What the layer gives of each step, (T, B, H) each: names that State(…) returns, states or others. The
            first is the layer's output. Where there is none here, it is the first state.

    Returns:
        A decorator of a step (x, u, s, p) -> State, of which it takes those that it names, which makes the definition.

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

    lists: dict[str, Any] = {"projections": projections, "gates": gates, "state": state, "normalised": normalised}
    lists |= {"ones": ones, "inputs": inputs, "outputs": outputs}
    if gates is None and not projections:
        lists["gates"] = ""
    kinds = {} if parameters is None else parameters

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
            parameters=_of_kinds(kinds, given=False),
            ones=letters["ones"],
            bias=bias,
            given=_of_kinds(kinds, given=True),
            inputs=letters["inputs"],
            outputs=letters["outputs"],
        )

    if bare is not None:
        raise DefinitionError(
            f"@cell above {getattr(bare, '__name__', repr(bare))} declares no letters; expected "
            '@cell(projections="z n", gates="z", state="h")'
        )
    return define


def _of_kinds(parameters: Any, *, given: bool) -> Any:
    """Those of the parameters that come with a call, or all others; what is no mapping is refused later."""
    if not isinstance(parameters, Mapping):
        return {} if given else parameters
    return {name: kind for name, kind in parameters.items() if (kind in (PER_STEP, PER_SEQUENCE)) == given}


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
