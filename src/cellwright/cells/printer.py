"""How expressions are written: with brackets where they are needed, and letters in place of what they stand for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cellwright.cells.operations import LOOSE, NEGATION, OPERATIONS, WHOLE, Operation

if TYPE_CHECKING:
    from cellwright.cells.expression import Expression


@dataclass(frozen=True)
class Notation:
    """One way to write.

    operations  the template of each operation, and how tightly it binds
    leaf        an input, "x.i", as (text, how tightly that holds together)
    number      a number of the step
    function    a function of the language that is no operation: its name and what it is of
    merged      a text for the whole of an expression where the notation has one, else None
    """

    operations: Mapping[str, Operation]
    leaf: Callable[[str], tuple[str, int]]
    number: Callable[[float], str]
    function: Callable[[str, list[str]], str]
    merged: Callable[[Expression], tuple[str, int] | None] = lambda expression: None


def number(value: float) -> str:
    """A number in as few digits as tell it apart: 1, −0.5, 1e−05."""
    text = repr(value).removesuffix(".0")
    return text.replace("-", "−")


def function(name: str, of: list[str]) -> str:
    """softplus(a), and norm(a | b, c) for what is normalised among others."""
    first, *others = of
    return f"{name}({first} | {', '.join(others)})" if others else f"{name}({first})"


PLAIN = Notation(OPERATIONS, lambda name: (name, WHOLE), number, function)


def write(
    expression: Expression, notation: Notation = PLAIN, letters: Mapping[int, str] | None = None, ask: int = LOOSE
) -> str:
    """`expression` as mathematics; `letters` (by id) stand for the values that have one."""
    text, binds = _write(expression, notation, letters or {})
    return f"({text})" if binds < ask else text


def write_below(expression: Expression, notation: Notation, letters: Mapping[int, str]) -> str:
    """The same, for the right-hand side of its own letter."""
    return write(expression, notation, {key: text for key, text in letters.items() if key != id(expression)})


def _write(e: Expression, notation: Notation, letters: Mapping[int, str]) -> tuple[str, int]:
    if id(e) in letters:
        return letters[id(e)], WHOLE
    if merged := notation.merged(e):
        return merged
    if e.called:
        return notation.function(e.called, [write(o, notation, letters) for o in e.of]), WHOLE
    if e.op == "input":
        return notation.leaf(e.name)
    if e.op == "number" and e.of:
        return _write(e.of[0], notation, letters)
    if e.op == "number":
        return notation.number(e.number), NEGATION if e.number < 0 else WHOLE
    row = notation.operations[e.op]
    asks = row.asks or (LOOSE,) * row.arity
    texts = [write(o, notation, letters, ask) for o, ask in zip(e.operands, asks, strict=True)]
    return row.written.format(*texts), row.binds
