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

import inspect
from collections import namedtuple
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType, SimpleNamespace
from typing import Any

from cellwright.cells.expression import Expression, interval
from cellwright.cells.language import State
from cellwright.errors import DefinitionError

PER_UNIT, PER_PROJECTION = "units", "projections"  # the shapes of a parameter: (H,) or (G × H,)
PER_STEP, PER_SEQUENCE = "step", "sequence"  # how often a stream has a new value: (T, B, H) or (B, H)


@dataclass(frozen=True)
class Trace:
    """The step, written down: the new states, and every value that it gave a letter."""

    states: Mapping[str, Expression]
    letters: Mapping[str, Expression]


@dataclass(frozen=True, eq=False)
class Definition:
    """A recurrent cell.

    name         as the command line and `Recurrent` know it
    step         (x, u, s[, p][, m]) -> State, the equations
    projections  the letters of W and U, in the order of their rows
    gates        those that select: each must come out between 0 and 1
    states       the letters of the states; the first is the output
    normalised   gates that exceed 1 and are brought back by the cell's own normaliser
    parameters   further parameters: name -> PER_UNIT or PER_PROJECTION
    ones         the parameters that start at one (the rest start at zero)
    streams      inputs beside x: name -> PER_STEP or PER_SEQUENCE
    operand      the state that U multiplies
    bias         whether x and u have biases
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
    operand: str = ""
    bias: bool = True
    origin: tuple[Any, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "operand", self.operand or self.states[0])
        object.__setattr__(self, "parameters", MappingProxyType(dict(self.parameters)))
        object.__setattr__(self, "streams", MappingProxyType(dict(self.streams)))
        _check(self)

    def __repr__(self) -> str:
        return f"<cell {self.name}>"

    def __reduce__(self) -> Any:
        # A definition is pickled by reference: its module and name, or the recipe that derived it.
        return self.origin or (_find, (self.step.__module__, self.step.__qualname__))

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
        new = self._run(x, u, s, p, m)
        return self.States(*(getattr(new, name) for name in self.states))

    def _run(self, x: Any, u: Any, s: Any, p: Any, m: Any) -> State:
        extra = ([p] if self.parameters else []) + ([m] if self.streams else [])
        return self.step(x, u, s, *extra)

    @cached_property
    def trace(self) -> Trace:
        """The step run on letters instead of numbers."""
        x, u = (self.Projections(*(_input(f"{v}.{name}") for name in self.projections)) for v in "xu")
        s = self.States(*(_input(f"s.{name}") for name in self.states))
        p = SimpleNamespace(**{name: self._parameter(name) for name in self.parameters})
        m = SimpleNamespace(**{name: _input(f"m.{name}") for name in self.streams})
        try:
            new = self._run(x, u, s, p, m)
        except DefinitionError as error:
            raise DefinitionError(f"cell {self.name}: {error}") from None
        except (AttributeError, TypeError) as error:
            declared = f"projections {' '.join(self.projections)}, states {' '.join(self.states)}"
            raise DefinitionError(f"cell {self.name}: {error}; declared are {declared}") from error
        if not isinstance(new, State):
            raise DefinitionError(f"cell {self.name}: the step returns {type(new).__name__}; expected State(h=…)")
        given = [name for name in vars(new) if name != "letters"]
        if set(given) != set(self.states):
            raise DefinitionError(
                f"cell {self.name}: the step returns the states {' '.join(given)}; declared are {' '.join(self.states)}"
            )
        return Trace({name: getattr(new, name) for name in self.states}, getattr(new, "letters", {}))

    @cached_property
    def inputs(self) -> frozenset[str]:
        """The names of what the new states are made of: "x.i", "u.i", "s.c", "p.…", "m.…"."""
        return frozenset(_inputs(self.trace.states))

    def __deepcopy__(self, memo: Any) -> Definition:
        return self  # nothing in it changes; so a layer of a cell that no module holds can be copied too

    def _parameter(self, name: str) -> Any:
        if self.parameters[name] == PER_UNIT:
            return _input(f"p.{name}")
        return self.Projections(*(_input(f"p.{name}.{part}") for part in self.projections))


def cell(
    *,
    projections: str,
    gates: str,
    state: str,
    normalised: str = "",
    parameters: Mapping[str, str] | None = None,
    ones: str = "",
    bias: bool = True,
) -> Callable[[Callable[..., State]], Definition]:
    """Make a `Definition` of a step; the letters of each list are separated by blanks.

    Raises DefinitionError where the declaration and the equations disagree.
    """

    def define(step: Callable[..., State]) -> Definition:
        return Definition(
            name=step.__name__.replace("_", "-"),
            step=step,
            projections=tuple(projections.split()),
            gates=tuple(gates.split()),
            states=tuple(state.split()),
            normalised=tuple(normalised.split()),
            parameters=parameters or {},
            ones=tuple(ones.split()),
            bias=bias,
        )

    return define


def _input(name: str) -> Expression:
    return Expression("input", name=name)


def _find(module: str, name: str) -> Definition:
    import importlib

    found: Any = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    assert isinstance(found, Definition)
    return found


def _inputs(expressions: Mapping[str, Expression]) -> set[str]:
    """The names of the inputs that the expressions use."""
    used, stack, seen = set(), list(expressions.values()), set()
    while stack:
        e = stack.pop()
        if id(e) not in seen:
            seen.add(id(e))
            stack.extend(e.operands)
            used |= {e.name} if e.op == "input" else set()
    return used


def _check(definition: Definition) -> None:
    """Hold what is declared against the equations."""
    name, trace = definition.name, definition.trace
    for new in (n for n in definition.states if not isinstance(trace.states[n], Expression)):
        raise DefinitionError(
            f"cell {name}: the new state {new} is {trace.states[new]!r}; expected a value of the step"
        )
    used = definition.inputs
    declared = [f"x.{g}" for g in definition.projections] + [
        f"s.{s}" for s in definition.states if s != definition.operand
    ]
    declared += [f"m.{m}" for m in definition.streams]
    for missing in (d for d in declared if d not in used):
        raise DefinitionError(f"cell {name}: {missing} is declared and never used by the step; use it or leave it out")
    for parameter in definition.parameters:
        if not any(u == f"p.{parameter}" or u.startswith(f"p.{parameter}.") for u in used):
            raise DefinitionError(f"cell {name}: parameter {parameter} is declared and never used by the step")
    for gate in definition.gates:
        _check_gate(definition, gate)


def _check_gate(definition: Definition, gate: str) -> None:
    name = definition.name
    if gate not in definition.projections:
        raise DefinitionError(
            f"cell {name}: gate {gate} is no projection; those are {' '.join(definition.projections)}"
        )
    value = definition.trace.letters.get(gate)
    if value is None:
        raise DefinitionError(
            f"cell {name}: the step gives nothing the name {gate}; write {gate} = sigmoid(x.{gate} + …)"
        )
    low, high = interval(value)
    if (low < 0 or high > 1) and gate not in definition.normalised:
        raise DefinitionError(
            f"cell {name}, line {value.line}: gate {gate} = {value} ranges over [{low:g}, {high:g}]; "
            f"a gate selects how much passes, 0 nothing and 1 all, so its activation must map into [0, 1] "
            f"(sigmoid does, relu and tanh do not); "
            f"if the cell normalises it itself, declare normalised={gate!r}"
        )
