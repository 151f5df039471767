"""What a resumed run must share with the one that was started: its options, but for limits, and its data."""

import hashlib
import json
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from cellwright.data.column import AsAList
from cellwright.data.documents import Documents
from cellwright.data.tokenizer import TOGETHER
from cellwright.errors import InputError
from cellwright.options import flag
from cellwright.stages import staged
from cellwright.tasks.config import LIMITS, ONE_CALL, FitConfig
from cellwright.tasks.run import RunConfig

Options = TypeVar("Options", bound=FitConfig)
Described = TypeVar("Described", bound=RunConfig)


def merged(given: Options, before: RunConfig) -> Options:
    """The options of the run being resumed, with the limits that were given.

    Raises InputError for another option that was given and differs: it would make it another run.
    """
    if given.task != before.task:
        raise InputError(
            f"{given.out}: was started with --task {before.task}, and {given.task} is given now; leave the option out "
            "to resume, or start another run"
        )
    # An option that is younger than the run has its default there.
    started = type(given).model_validate(before.options | {"out": given.out, "resume": True})
    was, now = (options.model_dump(mode="json") for options in (started, given))
    for name in sorted(given.model_fields_set - LIMITS):
        if now[name] != was[name]:
            raise InputError(
                f"{given.out}: was started with {flag(name)} {was[name]!r}, and {now[name]!r} is given now; "
                "leave the option out to resume, or start another run"
            )
    limits = {name: getattr(given, name) for name in given.model_fields_set & LIMITS}
    return type(given).model_validate(before.options | limits)


def gone_on(before: Described | None, config: FitConfig, rows: Callable[[], Any]) -> Described | None:
    """The description of a run that goes on from another on other rows, with options that may differ; None of none."""
    return before and before.model_copy(update={"fingerprint": fingerprint(rows()), "options": kept_options(config)})


def kept_options(config: FitConfig) -> dict[str, Any]:
    """The options as `config.json` keeps them."""
    return config.model_dump(mode="json", exclude=set(ONE_CALL))


@staged(lambda rows: "taking the fingerprint of the data")
def fingerprint(rows: Any) -> str:
    """SHA-256 of rows as JSON has them, which is at no time in memory whole."""
    digest = hashlib.sha256()
    for part in _json(rows):
        digest.update(part.encode())
    return digest.hexdigest()


def _json(rows: Any) -> Iterator[str]:
    """Yield rows as JSON, those of columns some at a time, which json sees as lists."""
    if isinstance(rows, Documents) and len(rows) == len(rows.pieces):
        yield from _json(rows.pieces)
    elif isinstance(rows, Documents):
        for place, pieces in enumerate(rows.each()):
            yield ', "' if place else '["'
            yield from (json.dumps(piece)[1:-1] for piece in pieces)
            yield '"'
        yield "]"
    elif isinstance(rows, AsAList):
        yield "["
        for start in range(0, len(rows), TOGETHER):
            yield (", " if start else "") + json.dumps(list(rows[start : start + TOGETHER]))[1:-1]
        yield "]"
    elif isinstance(rows, dict) and any(map(_holds_column, rows.values())):
        for place, (name, value) in enumerate(rows.items()):
            yield f"{', ' if place else '{'}{json.dumps(name)}: "
            yield from _json(value)
        yield "}"
    elif isinstance(rows, list) and any(map(_holds_column, rows)):
        for place, value in enumerate(rows):
            yield ", " if place else "["
            yield from _json(value)
        yield "]"
    else:
        yield from json.JSONEncoder().iterencode(rows)


def _holds_column(rows: Any) -> bool:
    return isinstance(rows, AsAList) or (isinstance(rows, list) and any(isinstance(each, AsAList) for each in rows))
