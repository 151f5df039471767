"""The step run on letters instead of numbers: the program that every backend computes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from operator import attrgetter
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NoReturn

from cellwright.cells import language
from cellwright.cells.advice import WRITTEN, offer
from cellwright.cells.expression import Expression
from cellwright.cells.language import State
from cellwright.cells.source_location import place_of
from cellwright.errors import DefinitionError

if TYPE_CHECKING:
    from cellwright.cells.definition import Definition


@dataclass(frozen=True)
class Product:
    """A product within the step: U's rows of `projections`, the letters, times `operand`."""

    operand: Expression
    projections: tuple[str, ...]


@dataclass(frozen=True)
class Trace:
    """The step, written down: the new states, the outputs by name, and every value and named number with a letter."""

    states: Mapping[str, Expression]
    letters: Mapping[str, Expression]
    constants: Mapping[str, Expression]
    outputs: Mapping[str, Expression]

    @property
    def results(self) -> Mapping[str, Expression]:
        """The new states and the outputs."""
        return {**self.states, **self.outputs}

    @cached_property
    def order(self) -> tuple[Expression, ...]:
        """All that letters, states and outputs are made of, each once, operands first."""
        return ordered([*self.letters.values(), *self.results.values()])

    @cached_property
    def products(self) -> tuple[Product, ...]:
        """The products within the step, in an order in which they can be made; those of equal values are one."""
        found: dict[int, tuple[Expression, list[str]]] = {}
        same = equal(self.order)
        for e in self.order:
            if e.op == "product":
                (operand,) = e.operands
                letters = found.setdefault(same[id(operand)], (operand, []))[1]
                if e.name[2:] not in letters:
                    letters.append(e.name[2:])
        return tuple(Product(operand, tuple(letters)) for operand, letters in found.values())

    @cached_property
    def within(self) -> tuple[str, ...]:
        """The letters of u that multiply within the step."""
        return tuple(name for product in self.products for name in product.projections)

    @cached_property
    def lines(self) -> tuple[str, ...]:
        """The program as text: a line for each of `order`, then one for each name."""
        places = {id(e): k for k, e in enumerate(self.order, 2)}  # from 2, as in the keys of programs saved before
        written = [f"{e.op} {[places[id(o)] for o in e.operands]} {e.name} {e.number!r}" for e in self.order]
        named = [*self.letters.items(), *self.results.items()]
        return (*written, *(f"{name} = {places[id(e)]}" for name, e in named))

    def on(self, x: Any, u: Any, s: Any, p: Any, m: Any) -> State:
        """The same program on other letters, as a step returns it: what was read, not what the step says now."""
        given, made = SimpleNamespace(x=x, u=u, s=s, p=p, m=m), dict[int, Expression]()
        for e in self.order:
            operands, of = (tuple(made.get(id(o), o) for o in each) for each in (e.operands, e.of))
            if e.op in ("input", "number"):
                made[id(e)] = attrgetter(e.name)(given) if e.op == "input" else e
            elif e.op == "product":
                made[id(e)] = replace(attrgetter(e.name)(given)(*operands), line=e.line)
            else:
                made[id(e)] = replace(e, operands=operands, of=of)
        state = State(**{name: made[id(e)] for name, e in self.results.items()})
        state.letters = {name: made[id(e)] for name, e in self.letters.items()}
        state.constants = dict(self.constants)
        return state


def trace(cell: Definition) -> Trace:
    """Run the step of `cell` on expressions.

    Raises DefinitionError, naming the line, where the step uses what it cannot, or returns what was not declared.
    """
    x = cell.Inputs(*(_input(f"x.{name}") for name in (*cell.projections, *cell.inputs)))
    u = cell.Projections(*(_input(f"u.{name}") for name in cell.projections))
    s = cell.States(*(_input(f"s.{name}") for name in cell.states))
    p = SimpleNamespace(**{name: _parameter(cell, name) for name in (*cell.parameters, *cell.given)})
    m = SimpleNamespace(**{name: _input(f"m.{name}") for name in cell.masks})
    try:
        new = cell.new_state(x, u, s, p, m)
    except DefinitionError as error:
        raise DefinitionError(f"cell {cell.name}: {error}") from None
    except AttributeError as error:
        _explain(cell, error, {"x": x, "u": u, "s": s, "p": p, "m": m})
    except Exception as error:  # a mistake within the step is said as the others are, with its line
        raise DefinitionError(f"cell {cell.name}: {place_of(error.__traceback__)}: {_said(cell, error)}") from error
    values = _results(cell, new)
    states, outputs = ({name: values[name] for name in names} for names in (cell.states, cell.outputs))
    return Trace(states, new.letters, new.constants, outputs)


def used_inputs(expressions: Iterable[Expression]) -> frozenset[str]:
    """The names of the inputs that the expressions are made of, and of the letters of u whose rows multiply within."""
    return frozenset(e.name for e in ordered(expressions) if e.op in ("input", "product"))


def equal(order: Iterable[Expression]) -> dict[int, int]:
    """By id, a number that expressions share which say the same; operands come first."""
    numbers: dict[object, int] = {}
    found: dict[int, int] = {}
    for e in order:
        says = (e.op, tuple(found[id(o)] for o in e.operands), e.name, repr(e.number))
        found[id(e)] = numbers.setdefault(says, len(numbers))
    return found


def ordered(expressions: Iterable[Expression]) -> tuple[Expression, ...]:
    """All that the expressions are made of, themselves included, each once, operands first."""
    found: dict[int, Expression] = {}

    def visit(e: Expression) -> None:
        if id(e) not in found:
            for operand in e.operands:
                visit(operand)
            found[id(e)] = e

    for e in expressions:
        visit(e)
    return tuple(found.values())


def _input(name: str) -> Expression:
    return Expression("input", name=name)


def _parameter(cell: Definition, name: str) -> Any:
    if name in cell.given or cell.per_unit(name):
        return _input(f"p.{name}")
    return cell.Projections(*(_input(f"p.{name}.{part}") for part in cell.projections))


def _results(cell: Definition, new: Any) -> dict[str, Expression]:
    """The new states and the outputs, as the step returned them."""
    wanted = dict.fromkeys((*cell.states, *cell.outputs))
    if not isinstance(new, State):
        example = ", ".join(f"{name}=…" for name in wanted)
        raise DefinitionError(f"cell {cell.name}: the step returns {_kind(new)}; expected State({example})")
    given = [name for name in vars(new) if name not in ("letters", "constants")]
    if set(given) != set(wanted):
        further = f" and the outputs {' '.join(cell.outputs)}" if cell.outputs else ""
        raise DefinitionError(
            f"cell {cell.name}: the step returns the states {' '.join(given) or '(none)'}; declared are "
            f"{' '.join(cell.states)}{further}: make state=…, outputs=… and State(…) agree"
        )
    for name in given:
        if not isinstance(getattr(new, name), Expression):
            kind = "new state" if name in cell.states else "output"
            raise DefinitionError(
                f"cell {cell.name}: the {kind} {name} is {_kind(getattr(new, name))}; "
                f"expected a value made of x, u and s"
            )
    return {name: getattr(new, name) for name in wanted}


def _kind(value: Any) -> str:
    return repr(value) if value is None or isinstance(value, int | float) else f"a {type(value).__name__}"


def _said(cell: Definition, error: Exception) -> str:
    if isinstance(error, TypeError):
        return f"{error}; {offer()}"
    if isinstance(error, NameError):
        named = {"p": (*cell.parameters, *cell.given), "s": cell.states, "x": (*cell.projections, *cell.inputs)}
        for root, names in named.items():
            if error.name in names:
                return f"{error}; write {root}.{error.name}, and take {root} among the step's arguments"
    if isinstance(error, NameError) and hasattr(language, str(error.name)):
        return f"{error}; write from cellwright.cells.language import {error.name}"
    if isinstance(error, NameError):
        return f"{error}; {offer(str(error.name))}"
    return f"{type(error).__name__}: {error}; expected a step that runs"


def _explain(cell: Definition, error: AttributeError, roots: Mapping[str, Any]) -> NoReturn:
    """Raise the error of a letter that was not declared, or of an attribute that does not exist."""
    declared = {
        "x": ("projections and inputs" if cell.inputs else "projections", (*cell.projections, *cell.inputs)),
        "u": ("projections", cell.projections),
        "s": ("states", cell.states),
        "p": ("parameters", (*cell.parameters, *cell.given)),
        "m": ("masks", tuple(cell.masks)),
    }
    where = f"cell {cell.name}: {place_of(error.__traceback__)}"
    for letter, root in roots.items():
        if error.obj is root:
            kind, names = declared[letter]
            raise DefinitionError(
                f"{where} uses {letter}.{error.name}; the declared {kind} are {' '.join(names)}: "
                f"declare {error.name}, or correct the letter"
            ) from error
    advice = f"; {WRITTEN}" if error.name is None else ""  # an assignment: s.h = …
    raise DefinitionError(f"{where}: {error}{advice}") from error
