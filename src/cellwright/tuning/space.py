"""Options of `fit` that each have one value, a range LOW..HIGH, or choices with commas between them.

    --hidden-size 64..512 --learning-rate 1e-4..1e-2 --cell lstm,gru --clip-norm none,0.5,1 --num-layers 2

Numbers can be ranges. Numbers, words out of a fixed set, true and false, and cells can be choices; any other option,
a column's name say, is what it says, commas and all.

A range runs on a logarithmic scale where its upper end is at least LOG_FROM times the lower one and the option has no
upper limit of its own: sizes, rates, decays. Shares, which lie below 1, and short ranges run on a linear scale.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, create_model
from pydantic.fields import FieldInfo

from cellwright.cells.from_file import is_file
from cellwright.errors import InputError
from cellwright.options import OFF, check_names, configured, flag
from cellwright.tasks.config import FIXED, LIMITS, ONE_CALL, FitConfig, Locations
from cellwright.tasks.files import TableFiles

BETWEEN, CHOICE = "..", ","
LOG_FROM = 8
TRIALS_OWN = ONE_CALL | {"data"}
"""Options that a search gives to each trial itself."""
SAME = LIMITS - {"max_epochs", "patience"}
"""Options that change no step, so that trials have nothing to choose there."""


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`, both included; whole ones where both are whole."""

    low: float
    high: float
    log: bool


@dataclass(frozen=True)
class Choices:
    """Different values, no order among them."""

    values: tuple[Any, ...]


@dataclass(frozen=True)
class Space:
    """What a search is told of the options of `fit`."""

    fixed: Mapping[str, Any]
    """Options with one value, by name."""
    searched: Mapping[str, Range | Choices]
    """Those with several."""

    @classmethod
    def of(cls, config: type[FitConfig], given: Mapping[str, Any]) -> "Space":
        """Read the options of a task as they were given, by name.

        Raises InputError for an option that there is not, a range or choices that cannot be read, values out of an
        option's range, several values where trials could not be compared, and where every option has one value.
        """
        check_names(f"search, task {config.task}", config.model_fields.keys() - TRIALS_OWN, given)
        read = {name: _read(config, name, spelled(value)) for name, value in given.items()}
        searched = {name: each for name, each in read.items() if isinstance(each, Range | Choices)}
        for name in searched:
            _check_searched(config, name, spelled(given[name]))
        if not searched:
            raise InputError(
                "every option has one value, so that all trials would be one; expected at least one range or several "
                "choices: --hidden-size 64..512, say, or --cell lstm,gru"
            )
        return cls({name: value for name, value in read.items() if name not in searched}, searched)


def as_given(value: Any) -> Any:
    """A value as `configured` takes it, for which None is an option that was not given."""
    return OFF if value is None else value


def spelled(value: Any) -> str:
    """A value that a program gave, as the command line would."""
    if isinstance(value, list | tuple):
        return CHOICE.join(map(spelled, value))
    return str(as_given(value)).lower() if isinstance(value, bool) else str(as_given(value))


def _read(config: type[FitConfig], name: str, text: str) -> Any:
    field = config.model_fields[name]
    kinds = _kinds(field)
    numeric = bool(kinds & {int, float})
    if numeric and BETWEEN in text:
        return _range(config, name, text)
    if CHOICE in text and (numeric or bool in kinds or Literal in kinds or name == "cell"):
        return _choices(config, name, text)
    value = _checked(config, name, text)
    if name == "cell":
        _check_cells(config, [value])
    return value


def _range(config: type[FitConfig], name: str, text: str) -> Range:
    ends = text.split(BETWEEN)
    if len(ends) != 2 or not all(ends) or CHOICE in text:
        raise InputError(f"{flag(name)} is {text}; expected a range LOW..HIGH, one value, or choices with commas")
    low, high = (_checked(config, name, end) for end in ends)
    if low is None or high is None or not low < high:
        raise InputError(f"{flag(name)} is {text}; expected two numbers LOW..HIGH, the first below the second")
    limited = any(hasattr(rule, bound) for rule in config.model_fields[name].metadata for bound in ("lt", "le"))
    return Range(low, high, log=not limited and low > 0 and high >= LOG_FROM * low)


def _choices(config: type[FitConfig], name: str, text: str) -> Choices:
    parts = text.split(CHOICE)
    if not all(parts):
        raise InputError(f"{flag(name)} is {text!r}, a choice of which is empty; expected values with commas between")
    values = tuple(_checked(config, name, part) for part in parts)
    if len({*values}) < len(values):
        raise InputError(f"{flag(name)} is {text}, where a value stands twice; expected different ones")
    if name == "cell":
        _check_cells(config, values)
    return Choices(values)


def _checked(config: type[FitConfig], name: str, text: str) -> Any:
    """The value of one option, whatever the others are. Raises InputError in the sentence of `fit`."""
    field = config.model_fields[name]
    only: Any = {name: (field.annotation, field)}
    alone: type[BaseModel] = create_model("Alone", __config__=FIXED, **only)
    return getattr(configured(alone, {name: text}), name)


def _check_cells(config: type[FitConfig], cells: Sequence[str]) -> None:
    config.check_cells([cell for cell in cells if not is_file(cell)])


def _check_searched(config: type[FitConfig], name: str, text: str) -> None:
    """Raise InputError for several values of an option in which trials must not differ, or need not."""
    if name in SAME:
        raise InputError(f"{flag(name)} is {text}, and changes no score; give one value")
    if name in config.incomparable | Locations.model_fields.keys() | TableFiles.model_fields.keys():
        raise InputError(
            f"{flag(name)} is {text}, and scores of runs that differ in it cannot be compared; give one value"
        )


def _kinds(field: FieldInfo) -> set[Any]:
    """The types that its values have."""
    annotation = field.annotation
    if get_origin(annotation) is Literal:
        return {Literal}
    parts = [each for each in get_args(annotation) if each is not NoneType]
    return {Literal if get_origin(each) is Literal else each for each in parts} or {annotation}


def shown(value: Any) -> str:
    """A value for people: numbers with four digits."""
    if isinstance(value, float) and math.isfinite(value):
        return f"{value:.4g}"
    return spelled(value)
