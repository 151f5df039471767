"""Cells derived from a cell: zoneout, dropout on the recurrent connection, and the cell with one output alone.

All keep the letters of the cell. The first two add masks, whose values the layer draws.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from cellwright.cells.definition import PER_SEQUENCE, PER_STEP, Definition
from cellwright.cells.expression import Expression
from cellwright.cells.language import State
from cellwright.cells.registry import derivation
from cellwright.cells.trace import used_inputs
from cellwright.errors import DefinitionError


@derivation
@cache
def zoneout(cell: Definition) -> Definition:
    """`cell`, each unit of whose states may keep its old value for a step.

    Krueger et al. 2017, "Zoneout: regularizing RNNs by randomly preserving hidden activations", for each state s

        s_t = k_{s,t} · s_{t−1} + (1 − k_{s,t}) · s_{new,t}

    where s_new is the state that the cell computes, and the mask keep_s holds k_s: in training 1 where the unit keeps
    its old value and 0 elsewhere, a new mask each step; in evaluation the rate, which gives the expectation.

    Where the cell normalises its own gates (slstm), only the output is kept: its other states are scaled anew each
    step, so that an old and a new one do not add up.

    Raises DefinitionError where the cell has zoneout already.
    """
    if cell.origin[:1] == (recurrent_dropout,):  # the mask is of the state that zoneout leaves
        return recurrent_dropout(zoneout(*cell.origin[1]))
    kept = {name: f"keep_{name}" for name in (cell.states[:1] if cell.normalised else cell.states)}

    def step(x: Any, u: Any, s: Any, p: Any, m: Any) -> State:
        new = _run(cell, x, u, s, p, m)
        values = _values(cell, new)
        for name, mask in kept.items():
            k = getattr(m, mask)
            values[name] = k * getattr(s, name) + (1 - k) * values[name]
        return _state(values, new, kept)

    return _derive(cell, "zoneout", step, dict.fromkeys(kept.values(), PER_STEP), origin=(zoneout, (cell,)))


@derivation
@cache
def recurrent_dropout(cell: Definition) -> Definition:
    """`cell`, whose U multiplies v = mask · h: one mask for all steps of a sequence, and of u.n(a) mask · a.

    Gal and Ghahramani 2016, "A theoretically grounded application of dropout in recurrent neural networks". The
    mask holds 0 or 1 / (1 − rate); in evaluation 1. The state v (v1, where the cell has a v of its own), the last,
    starts at mask · h_0.

    Raises DefinitionError where the cell has recurrent dropout already, or no U.
    """
    if not cell.multiplies_state:
        raise DefinitionError(f"cell {cell.name}: recurrent dropout is of what U multiplies, and the cell has no U")
    output, taken = cell.recurrent_state, {*cell.states, *cell.outputs, *cell.trace.letters}
    masked = next(name for name in ("v", *map("v{}".format, range(1, len(taken) + 1))) if name not in taken)
    within = cell.trace.within

    def step(x: Any, u: Any, s: Any, p: Any, m: Any) -> State:
        masked_once = _Masked(m.mask)
        letters = (masked_once.product(getattr(u, n)) if n in within else getattr(u, n) for n in cell.projections)
        new = _run(cell, x, cell.Projections(*letters), s, p, m)
        added = {masked: m.mask * getattr(new, output)} if cell.multiplies_before else {}
        return _state(_values(cell, new) | added, new, ())

    changes = {"states": (*cell.states, masked), "recurrent_state": masked} if cell.multiplies_before else {}
    origin = (recurrent_dropout, (cell,))
    return _derive(cell, "recurrent dropout", step, {"mask": PER_SEQUENCE}, origin=origin, **changes)


@derivation
@cache
def first_output(cell: Definition) -> Definition:
    """`cell` without its outputs after the first, for calls that do not ask for them: nothing stores them then.

    The cell itself where it has no others, or where some of what it reads is for them alone.
    """
    names = dict.fromkeys((*cell.states, cell.results[0]))
    if len(cell.results) == 1 or used_inputs(cell.trace.results[name] for name in names) != cell.reads:
        return cell

    def step(x: Any, u: Any, s: Any, p: Any, m: Any) -> State:
        new = _run(cell, x, u, s, p, m)
        return _state({name: getattr(new, name) for name in names}, new, ())

    step.__doc__ = f"{cell.title}."
    return replace(cell, step=step, outputs=cell.results[:1], origin=(first_output, (cell,)))


class _Masked:
    """Products within the step, of what a mask leaves of a value: the same of each value, that they stay one."""

    def __init__(self, mask: Any) -> None:
        self._mask = mask
        self._made: dict[int, tuple[Any, Any]] = {}  # with the value itself, whose id is not given away then

    def product(self, of: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """The product of what is left."""

        def multiply(value: Any) -> Any:
            return of(self._made.setdefault(id(value), (value, self._mask * value))[1])

        return multiply


def _run(cell: Definition, x: Any, u: Any, s: Any, p: Any, m: Any) -> Any:
    run = cell.trace.on if isinstance(s[0], Expression) else cell.new_state
    return run(x, u, s, p, m)


def _values(cell: Definition, new: Any) -> dict[str, Any]:
    """What a step of the cell returned, by name."""
    return {name: getattr(new, name) for name in (*cell.states, *cell.outputs)}


def _letters(new: State, renamed: Iterable[str]) -> dict[str, Any]:
    """The letters of the cell's own step; a state that is changed afterwards gets the addition _new."""
    letters = new.letters | {name: getattr(new, name) for name in renamed}
    return {f"{name}_new" if name in renamed else name: value for name, value in letters.items()}


def _state(values: Mapping[str, Any], new: Any, renamed: Iterable[str]) -> State:
    """The values as a step returns them, with the names that the cell's own step, which gave `new`, has for them."""
    state = State(**values)
    if hasattr(new, "letters"):  # else the step ran on numbers
        state.letters, state.constants = _letters(new, renamed), new.constants
    return state


def _derive(cell: Definition, what: str, step: Any, masks: Mapping[str, str], **changes: Any) -> Definition:
    if twice := [name for name in masks if name in cell.masks]:
        raise DefinitionError(f"cell {cell.name}: it has {what} already (the mask {twice[0]}); apply it once")
    step.__doc__ = f"{cell.title}, with {what}."
    masks = {**cell.masks, **masks}
    return replace(cell, name=f"{what.replace(' ', '-')}({cell.name})", step=step, masks=masks, **changes)
