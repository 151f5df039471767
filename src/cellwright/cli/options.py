"""Command-line options made from the fields of a pydantic model: name, type, help and default stand there only."""

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from types import NoneType
from typing import Annotated, Any, get_args

import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from cellwright.options import OFF, bounds, flag


def options_of(
    model: type[BaseModel],
    *,
    arguments: frozenset[str] = frozenset(),
    several: frozenset[str] = frozenset(),
    default: str | None = None,
    flags: bool = True,
) -> list[inspect.Parameter]:
    """Return one keyword parameter a field, as Typer reads a signature; those in `arguments` have no `--name`.

    several: those of the arguments that take one word of the command line or more, which come as a list.
    default: what the help says stands for an option that is not given, in place of the model's defaults.
    flags: whether a bool is `--name` or `--no-name`; else it takes a value as every other option does.

    An option that is not given is None: `configured` leaves its default to the model, which so knows what was given.
    """
    return [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if field.is_required() else None,
            annotation=_argument(name, field, name in several)
            if name in arguments
            else _option(name, field, default, flags),
        )
        for name, field in model.model_fields.items()
    ]


def command_of(function: Callable[..., Any], parameters: Iterable[inspect.Parameter]) -> Any:
    """A command that calls the function with these parameters by name, some of them its `**options`."""
    command: Any = functools.wraps(function)(lambda **options: function(**options))
    command.__signature__ = inspect.Signature(list(parameters))
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command()(command)
    return typer.main.get_command(app)


def as_given(model: type[BaseModel], values: Mapping[str, Any]) -> list[str]:
    """Return the arguments by which a command line gives these values, as JSON holds them, without the defaults."""
    given = []
    for name, field in model.model_fields.items():
        value = values.get(name, field.default)
        if field.is_required() or value == field.default:
            continue
        spelled = flag(name)
        if isinstance(value, bool):
            given.append(spelled if value else f"--no-{spelled[2:]}")
        else:
            given += [spelled, OFF if value is None else str(value)]
    return given


def is_flag(field: FieldInfo) -> bool:
    """Whether an option is true or false."""
    return bool in (field.annotation, *get_args(field.annotation))


def _argument(name: str, field: FieldInfo, several: bool) -> Any:
    if several:
        return Annotated[list[str], typer.Argument(help=field.description, metavar=f"{name.upper()}…")]
    return Annotated[str, typer.Argument(help=field.description)]


def _option(name: str, field: FieldInfo, default: str | None, flags: bool) -> Any:
    """Return a flag for a bool. Else a string: pydantic reads it, so that whatever is wrong ends in one sentence."""
    spelled = flag(name)
    if flags and is_flag(field):
        spelling = spelled if field.default is False else f"{spelled}/--no-{spelled[2:]}"
        return Annotated[bool | None, typer.Option(spelling, help=_help(field, default), show_default=False)]
    option = typer.Option(spelled, help=_help(field, default), show_default=False, metavar=_metavar(field.annotation))
    return Annotated[str, option] if field.is_required() else Annotated[str | None, option]


def _metavar(annotation: Any) -> str:
    """Return what stands for the value in the help: INT, PATH, last|max|mean, FLOAT|none."""
    choices = get_args(annotation)
    if not choices:
        return str(annotation.__name__).upper()
    return "|".join(OFF if each is NoneType else each if isinstance(each, str) else _metavar(each) for each in choices)


def _help(field: FieldInfo, default: str | None) -> str:
    """Return the field's docstring, its range and its default: `Recurrent layers (at least 1; default 1).`."""
    notes = [*bounds(field), *(_default(field) if default is None else [f"default {default}"])]
    text = (field.description or "").rstrip(".")
    return f"{text} ({'; '.join(notes)})." if notes else f"{text}."


def _default(field: FieldInfo) -> list[str]:
    """Return the default as the help shows it; a flag that is off and an option without a value show none."""
    if field.is_required() or field.default is None or field.default is False:
        return []
    return ["default on" if field.default is True else f"default {field.default}"]
