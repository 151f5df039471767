"""How selective the gates are, and how long a unit remembers; from a recording's letters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellwright.cells import Definition
from cellwright.cells.expression import Expression
from cellwright.inspect.recording import Letters

CLOSED, OPEN = 0.1, 0.9  # a gate below the one lets nothing through, above the other all

Array = NDArray[np.floating]


@dataclass(frozen=True)
class Saturation:
    """Shares of a gate's values, over all tokens and units, that are below CLOSED and above OPEN; and their mean."""

    closed: float
    open: float
    mean: float


def saturation(gate: Array) -> Saturation:
    """Of the values of a gate, of any shape."""
    return Saturation(float((gate < CLOSED).mean()), float((gate > OPEN).mean()), float(gate.mean()))


def half_lives(cell: Definition, letters: Letters) -> dict[str, Array]:
    """For each state of `cell` that fades by a known factor, the tokens after which half of it is left: (H,) each.

    What is left of c after n steps is the product of n factors f, so that a unit's half-life is ln ½ / mean(ln f), the
    mean over the tokens; infinite where nothing fades. The factor is f in lstm, z in gru, 1 − f in mgu: what multiplies
    the old state in the new one's equation. A state that enters through a function (rnn's h) has none.
    """
    found = {state: kept(cell, state, letters.values) for state in cell.states}
    return {state: half_life(factor) for state, factor in found.items() if factor is not None}


def half_life(factor: Array) -> Array:
    """(T, H) factors of each step -> (H,) steps."""
    with np.errstate(divide="ignore"):  # a factor of 0 forgets at once, one of 1 never
        rate = -np.log(np.abs(factor)).mean(0)
        return np.where(rate > 0, np.log(2) / np.maximum(rate, 0), np.inf)


def kept(cell: Definition, state: str, values: Mapping[str, Array]) -> Array | None:
    """(T, H): what multiplies `state` in the equation of its new value; None where no known factor does."""
    named = dict(cell.trace.letters) | dict(cell.trace.states)
    known = {id(e): values[name] for name, e in named.items() if e.op != "input"}
    try:
        factor = _factor(cell.trace.states[state], f"s.{state}", known)
    except _NotGivenError:
        return None
    return None if factor is None else np.broadcast_to(factor, next(iter(values.values())).shape)


class _NotGivenError(Exception):
    """The letters do not give the factor."""


_ARITHMETIC: dict[str, Callable[..., Array]] = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
    "negate": np.negative,
}


def _factor(e: Expression, state: str, known: Mapping[int, Array]) -> Array | None:
    """The factor of an input in a value, the other values being given; None where it enters through functions alone."""
    if e.op == "input":
        return np.ones(()) if e.name == state else None
    if e.op not in _ARITHMETIC:
        return None
    factors = [_factor(operand, state, known) for operand in e.operands]
    if all(factor is None for factor in factors):
        return None
    if e.op in ("add", "subtract", "negate"):
        return _ARITHMETIC[e.op](*(np.zeros(()) if factor is None else factor for factor in factors))
    first, second = factors
    if second is None:
        return _ARITHMETIC[e.op](first, _value(e.operands[1], known))
    if first is None and e.op == "multiply":
        return _value(e.operands[0], known) * second
    raise _NotGivenError  # its square, or what is divided by it


def _value(e: Expression, known: Mapping[int, Array]) -> Array:
    """A value made of letters and numbers."""
    if id(e) in known:
        return known[id(e)]
    if e.op == "number":
        return np.array(e.number)
    if e.op not in _ARITHMETIC:
        raise _NotGivenError
    return _ARITHMETIC[e.op](*(_value(operand, known) for operand in e.operands))
