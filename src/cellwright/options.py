"""Options that were given become a pydantic model; whatever is wrong with them ends in one sentence."""

from collections.abc import Collection, Mapping
from difflib import get_close_matches
from types import NoneType
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from cellwright.errors import InputError, expected_of

Model = TypeVar("Model", bound=BaseModel)

OFF = "none"  # typed for the None of an option that may be None
LARGEST_INTEGER = 2**63 - 1  # of torch
BOUNDS = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}  # pydantic's words, and ours


def configured(model: type[Model], given: Mapping[str, Any]) -> Model:
    """Make the model of the options that were given; None stands for one that was not.

    Raises InputError, naming each option that is out of its range, its value and what was expected.
    """
    values = {name: value for name, value in given.items() if value is not None}
    off = {name: None for name, value in values.items() if value == OFF and _can_be_off(model.model_fields[name])}
    try:
        made = model(**{**values, **off})
    except ValidationError as error:
        raise InputError("; ".join(_sentence(model, dict(each)) for each in error.errors())) from None
    for name, value in made:
        if isinstance(value, int) and value > LARGEST_INTEGER:
            raise InputError(f"{flag(name)} is {value}; expected {LARGEST_INTEGER} at most")
    return made


def check_names(who: str, known: Collection[str], given: Mapping[str, Any]) -> None:
    """Raise InputError for an option that there is not; `known` are those there are."""
    for name in given:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise InputError(f"{who}: no option {name!r}; expected one of {', '.join(sorted(known))}{hint}")


def flag(name: str) -> str:
    """The option as the command line spells it."""
    return "--" + name.replace("_", "-")


def bounds(field: FieldInfo) -> list[str]:
    """Its limits in words: "at least 1"."""
    limits = [(rule, bound) for rule in field.metadata for bound in BOUNDS if hasattr(rule, bound)]
    return [f"{BOUNDS[bound]} {_number(getattr(rule, bound))}" for rule, bound in limits]


def _number(limit: float) -> str:
    return str(limit) if isinstance(limit, int) else f"{limit:g}"


def _can_be_off(field: FieldInfo) -> bool:
    return NoneType in get_args(field.annotation)


def _sentence(model: type[BaseModel], error: Mapping[str, Any]) -> str:
    name = str(error["loc"][0])
    expected = expected_of(error["msg"]).partition(", unable to parse")[0]
    if BOUNDS.keys() & error.get("ctx", {}).keys():
        expected = " and ".join(bounds(model.model_fields[name]))
    given = "''" if error["input"] == "" else error["input"]
    return f"{flag(name)} is {given}; expected {expected}"
