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
    product     U's rows of a projection, "u.i", times a value of the step, written by the second as it is asked for
    merged      a text for the whole of an expression where the notation has one, else None; the second writes its parts
    """

    operations: Mapping[str, Operation]
    leaf: Callable[[str], tuple[str, int]]
    number: Callable[[float], str]
    function: Callable[[str, list[str]], str]
    product: Callable[[str, Callable[[int], str]], tuple[str, int]] = lambda name, of: (f"{name}({of(LOOSE)})", WHOLE)
    merged: Callable[[Expression, Callable[[Expression, int], str]], tuple[str, int] | None] = lambda e, part: None


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

    def part(o: Expression, ask: int) -> str:
        return write(o, notation, letters, ask)

    if merged := notation.merged(e, part):
        return merged
    if e.called:
        return notation.function(e.called, [write(o, notation, letters) for o in e.of]), WHOLE
    if e.op == "input":
        return notation.leaf(e.name)
    if e.op == "number" and e.of:
        return _write(e.of[0], notation, letters)
    if e.op == "number":
        return notation.number(e.number), NEGATION if e.number < 0 else WHOLE
    if e.op == "product":
        return notation.product(e.name, lambda ask: part(e.operands[0], ask))
    row = notation.operations[e.op]
    asks = row.asks or (LOOSE,) * row.arity
    texts = [part(o, ask) for o, ask in zip(e.operands, asks, strict=True)]
    return row.written.format(*texts), row.binds
