"""A definition held against its own equations, when it is made."""

from __future__ import annotations

import functools
import inspect
import keyword
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from cellwright.cells.expression import Expression, interval
from cellwright.cells.printer import PLAIN, write_below
from cellwright.cells.source_location import place_of_definition
from cellwright.cells.trace import equal, trace
from cellwright.errors import DefinitionError

if TYPE_CHECKING:
    from cellwright.cells.definition import Definition

PER_UNIT, PER_PROJECTION = "units", "projections"  # the shapes of a parameter: (H,) or (G × H,)
PER_STEP, PER_SEQUENCE = "step", "sequence"  # how often a stream has a new value: (T, B, H) or (B, H)
_OF_LAYERS = {"weight_ih", "weight_hh", "weight_hq", "weight_hr", "bias_ih", "bias_hh"}


def letters_of(name: str, given: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """The letters of each list that the cell `name` was given, each list one text, by the argument's name."""
    for argument, text in given.items():
        if text is None:
            none = ', or gates="" where none selects' if argument == "gates" else ""
            raise DefinitionError(
                f'cell {name}: {argument}= is missing; expected letters separated by blanks: {argument}="z n"{none}'
            )
        if not isinstance(text, str):
            example = " ".join(map(str, text)) if isinstance(text, list | tuple) else "z n"
            raise DefinitionError(
                f"cell {name}: {argument} is {text!r}; expected letters separated by blanks in one text: "
                f'{argument}="{example}"'
            )
    return {argument: tuple(text.split()) for argument, text in given.items()}


def check_mapping(cell: Definition, name: str) -> None:
    """That the parameters, or the masks, are a mapping."""
    given: object = getattr(cell, name)
    if not isinstance(given, Mapping):
        _fail(cell, f"{name} is {given!r}; expected a mapping, as parameters={{'w': PER_UNIT}}")


def check_declaration(cell: Definition) -> None:
    """What can be seen before the step runs: names, lists that must agree, and the step's arguments."""
    if not inspect.isfunction(cell.step) or cell.step.__name__ == "<lambda>":
        _fail(cell, "its step is a lambda or no function; expected def name(x, u, s): …, whose name becomes the cell's")
    for kind, names in (
        ("projection", cell.projections),
        ("state", cell.states),
        ("parameter", (*cell.parameters, *cell.given)),
        ("mask", cell.masks),
        ("projection or input", (*cell.projections, *cell.inputs)),
        ("output", cell.outputs),
    ):
        _check_names(cell, kind, names)
    if not cell.states:
        _fail(cell, "there is no state; expected at least one letter")
    if not cell.projections and not cell.inputs and not cell.given:
        _fail(cell, "it has neither projections nor inputs; expected at least one letter of either")
    for name in _OF_LAYERS & cell.parameters.keys():
        _fail(cell, f"the parameter {name} has the name of one that the layer has itself; choose another")
    _check_subset(cell, "normalised", cell.normalised, "gates", cell.gates)
    _check_subset(cell, "ones", cell.ones, "parameters", cell.parameters)
    _check_subset(cell, "recurrent_state", (cell.recurrent_state or cell.states[0],), "states", cell.states)
    if not isinstance(cell.bias, bool):
        _fail(cell, f"bias is {cell.bias!r}; expected True or False")
    learned = {"PER_UNIT": PER_UNIT, "PER_PROJECTION": PER_PROJECTION}
    _check_kinds(cell, "parameter", cell.parameters, learned, (*learned, "PER_SEQUENCE", "PER_STEP"))
    _check_arguments(cell)


def check_equations(cell: Definition) -> None:
    """What the traced step must agree with: all that is declared is used, letters are free, gates select."""
    _check_used(cell)
    _check_products(cell)
    _check_letters(cell)
    for name, value in cell.trace.results.items():
        if value.per_row:
            kind = "new state" if name in cell.states else "output"
            _fail(cell, f"{_line(cell, value)}: the {kind} {name} is one number a row; expected one a unit")
    for gate in cell.gates:
        _check_gate(cell, gate)
    check_unchanged(cell)


def check_unchanged(cell: Definition) -> None:
    """Read the step once more; raises DefinitionError where it says what it did not say when the cell was defined."""
    again = trace(cell)
    if again.lines == cell.trace.lines:
        return
    order = cell.trace.order
    pairs = zip(order, again.order, strict=False)
    one, other = next(((a, b) for a, b in pairs if repr(a.number) != repr(b.number)), (order[-1], again.order[-1]))
    changed = (
        f"{one.number!r} has become {other.number!r}" if one.op == other.op == "number" else "it says other things"
    )
    user = next((e for e in order if any(o is one for o in e.operands)), one)
    _fail(
        cell,
        f"{_line(cell, user)}: {changed} since the step was first read; a step is read when the cell is defined, and "
        "numbers from outside of it (a closure, a global, random()) are constants then: define the cell anew after a "
        "change, and take noise from recurrent_dropout= or zoneout=",
    )


def _fail(cell: Definition, message: str) -> NoReturn:
    raise DefinitionError(f"cell {cell.name}: {message}")


def _line(cell: Definition, value: Expression) -> str:
    return f"line {value.line}" if value.line else place_of_definition(cell.step)


def _check_names(cell: Definition, kind: str, names: Iterable[str]) -> None:
    seen = set()
    for name in names:
        if not isinstance(name, str):
            _fail(cell, f"the {kind} {name!r} is no text; expected its name")
        if not name.isidentifier() or keyword.iskeyword(name) or name.startswith("_") or name == "letters":
            fix = "separate letters by blanks alone" if "," in name else "choose another letter"
            _fail(cell, f"the {kind} {name!r} cannot be written as an attribute; {fix}")
        if name in seen:
            _fail(cell, f"the {kind} {name} is declared twice; each letter stands for one")
        seen.add(name)


def _check_subset(cell: Definition, kind: str, names: Iterable[str], of: str, allowed: Iterable[str]) -> None:
    for name in names:
        if name not in allowed:
            _fail(cell, f"{kind} names {name}, which is none of the {of}; those are {' '.join(allowed) or '(none)'}")


def _check_kinds(
    cell: Definition, what: str, given: Mapping[str, str], kinds: Mapping[str, str], offered: Sequence[str]
) -> None:
    for name, kind in given.items():
        if kind not in kinds.values():
            _fail(cell, f"the {what} {name} is declared {kind!r}; expected {', '.join(offered[:-1])} or {offered[-1]}")


def _check_arguments(cell: Definition) -> None:
    signature = inspect.signature(cell.step)
    try:
        signature.bind(*arguments_of(cell))
        fits = bool(cell.origin) or set(arguments_of(cell)) <= set(_arguments(cell))
    except TypeError:
        fits = False
    if not fits:
        _fail(
            cell,
            f"{place_of_definition(cell.step)}: the step takes {signature}; expected "
            f"({', '.join(_arguments(cell))}), or those of them that it uses, under these names",
        )


def _arguments(cell: Definition) -> list[str]:
    """What a step of the cell may be given."""
    u = ["u"] if cell.projections else []
    return ["x", *u, "s", *(["p"] if cell.parameters or cell.given else []), *(["m"] if cell.masks else [])]


@functools.cache
def arguments_of(cell: Definition) -> tuple[str, ...]:
    """What its step is given, in order: those that it names, or where it has names of its own all that there are."""
    names = tuple(inspect.signature(cell.step).parameters)
    return names if set(names) <= set("xuspm") else tuple(_arguments(cell))


def _check_used(cell: Definition) -> None:
    # W's rows of what multiplies within the step may go unread: it takes its value from there.
    declared = []
    if cell.multiplies_input or not cell.inputs:
        declared = [f"x.{name}" for name in cell.projections if name not in cell.trace.within]
    first = cell.results[0] if cell.results[0] in cell.states else ""
    declared += [f"s.{name}" for name in cell.states if name not in (first, cell.recurrent_state)]
    declared += cell.streams.keys()
    if "u" in arguments_of(cell) and not cell.multiplies_state and not cell.origin:
        _fail(
            cell,
            f"{place_of_definition(cell.step)}: no new state depends on u = U h + b', so that the layer's weight_hh "
            f"would learn nothing; use u.{cell.projections[0]}, or leave u out of the step's arguments",
        )
    for missing in (name for name in declared if name not in cell.reads):
        _fail(
            cell,
            f"{place_of_definition(cell.step)}: {missing} is declared and no new state depends on it; "
            f"use it or leave it out",
        )
    for name in cell.parameters:
        if not any(used == f"p.{name}" or used.startswith(f"p.{name}.") for used in cell.reads):
            _fail(
                cell,
                f"{place_of_definition(cell.step)}: the parameter {name} is declared and no new state depends on it; "
                f"use p.{name} or leave it out",
            )


def _check_products(cell: Definition) -> None:
    """That what U multiplies reaches a result, and that its rows of a projection multiply one value."""
    for e in cell.trace.order:
        if e.op in ("input", "product") and e.name.startswith("u.") and e.name not in cell.reads:
            _fail(
                cell,
                f"{_line(cell, e)}: {e.name} is made and no new state or output depends on it, so that its rows of U "
                "would learn nothing; use it or leave it out",
            )
    before = {e.name for e in cell.trace.order if e.op == "input"}
    seen: dict[str, Expression] = {}
    same = equal(cell.trace.order)
    for e in (e for e in cell.trace.order if e.op == "product"):
        (operand,) = e.operands
        first = seen.setdefault(e.name, operand)
        if e.name in before or same[id(first)] != same[id(operand)]:
            other = "the state before the step" if e.name in before else f"{first}"
            _fail(
                cell,
                f"{_line(cell, e)}: {e.name} multiplies {operand}, and also {other}; the rows of U of a projection "
                f"multiply one value: declare a further projection for the second",
            )


def _check_letters(cell: Definition) -> None:
    arguments = () if cell.origin else inspect.signature(cell.step).parameters  # the letters are the inner cell's
    for name, value in cell.trace.letters.items():
        if name in arguments:
            _fail(
                cell, f"{_line(cell, value)} gives a value the name {name}, an argument of the step; use another letter"
            )
        if name in cell.trace.results and value is not cell.trace.results[name]:
            kind = "new state" if name in cell.states else "output"
            _fail(
                cell,
                f"{_line(cell, value)} gives the name {name} to what is not the {kind} {name}; "
                f"use another letter, or return State({name}={name})",
            )


def _check_gate(cell: Definition, gate: str) -> None:
    value = cell.trace.letters.get(gate)
    if value is None:
        _fail(
            cell,
            f"the step gives nothing the name {gate} of its gate; write {gate} = sigmoid(x.{gate} + u.{gate}), or take "
            f"{gate} out of gates=…",
        )
    low, high = interval(value)
    if not (low >= 0 and (high <= 1 or gate in cell.normalised)):
        names = {id(letter): name for name, letter in cell.trace.letters.items()}
        _fail(
            cell,
            f"{_line(cell, value)}: the gate {gate} = {write_below(value, PLAIN, names)} ranges over "
            f"[{PLAIN.number(low)}, {PLAIN.number(high)}]; a gate selects how much passes, 0 nothing and 1 all, so its "
            f"activation must map into [0, 1] (sigmoid does, relu and tanh do not); take {gate} out of gates=… where "
            f"it is no gate, or declare normalised={gate!r} where the cell itself brings it back below 1",
        )
