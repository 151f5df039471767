"""The step run on letters instead of numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NoReturn

from cellwright.cells.expression import Expression, offer
from cellwright.cells.language import State
from cellwright.cells.place import place_of
from cellwright.errors import DefinitionError

if TYPE_CHECKING:
    from cellwright.cells.definition import Definition


@dataclass(frozen=True)
class Trace:
    """The step, written down: the new states, and every value that it gave a letter."""

    states: Mapping[str, Expression]
    letters: Mapping[str, Expression]


def trace(cell: Definition) -> Trace:
    """Run the step of `cell` on expressions.

    Raises DefinitionError, naming the line, where the step uses what it cannot, or returns what was not declared.
    """
    x, u = (cell.Projections(*(_input(f"{v}.{name}") for name in cell.projections)) for v in "xu")
    s = cell.States(*(_input(f"s.{name}") for name in cell.states))
    p = SimpleNamespace(**{name: _parameter(cell, name) for name in cell.parameters})
    m = SimpleNamespace(**{name: _input(f"m.{name}") for name in cell.streams})
    try:
        new = cell.new_state(x, u, s, p, m)
    except DefinitionError as error:
        raise DefinitionError(f"cell {cell.name}: {error}") from None
    except AttributeError as error:
        _explain(cell, error, {"x": x, "u": u, "s": s, "p": p, "m": m})
    except TypeError as error:
        raise DefinitionError(f"cell {cell.name}: {place_of(error.__traceback__)}: {error}; {offer()}") from error
    return Trace(_states(cell, new), new.letters)


def used_inputs(expressions: Iterable[Expression]) -> frozenset[str]:
    """The names of the inputs that the expressions are made of."""
    used, stack, seen = set(), list(expressions), set()
    while stack:
        e = stack.pop()
        if id(e) not in seen:
            seen.add(id(e))
            stack.extend(e.operands)
            used |= {e.name} if e.op == "input" else set()
    return frozenset(used)


def _input(name: str) -> Expression:
    return Expression("input", name=name)


def _parameter(cell: Definition, name: str) -> Any:
    if cell.per_unit(name):
        return _input(f"p.{name}")
    return cell.Projections(*(_input(f"p.{name}.{part}") for part in cell.projections))


def _states(cell: Definition, new: Any) -> dict[str, Expression]:
    if not isinstance(new, State):
        example = ", ".join(f"{name}=…" for name in cell.states)
        raise DefinitionError(f"cell {cell.name}: the step returns {_kind(new)}; expected State({example})")
    given = [name for name in vars(new) if name != "letters"]
    if set(given) != set(cell.states):
        raise DefinitionError(
            f"cell {cell.name}: the step returns the states {' '.join(given) or '(none)'}; declared are "
            f"{' '.join(cell.states)}: make state=… and State(…) agree"
        )
    for name in given:
        if not isinstance(getattr(new, name), Expression):
            raise DefinitionError(
                f"cell {cell.name}: the new state {name} is {_kind(getattr(new, name))}; "
                f"expected a value made of x, u and s"
            )
    return {name: getattr(new, name) for name in cell.states}


def _kind(value: Any) -> str:
    return repr(value) if value is None or isinstance(value, int | float) else f"a {type(value).__name__}"


def _explain(cell: Definition, error: AttributeError, roots: Mapping[str, Any]) -> NoReturn:
    """Raise the error of a letter that was not declared, or of an attribute that does not exist."""
    declared = {
        "x": ("projections", cell.projections),
        "u": ("projections", cell.projections),
        "s": ("states", cell.states),
        "p": ("parameters", tuple(cell.parameters)),
        "m": ("streams", tuple(cell.streams)),
    }
    where = f"cell {cell.name}: {place_of(error.__traceback__)}"
    for letter, root in roots.items():
        if error.obj is root:
            kind, names = declared[letter]
            raise DefinitionError(
                f"{where} uses {letter}.{error.name}; the declared {kind} are {' '.join(names)}: "
                f"declare {error.name}, or correct the letter"
            ) from error
    raise DefinitionError(f"{where}: {error}") from error
