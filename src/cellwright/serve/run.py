"""The server of a run folder."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from cellwright import tasks
from cellwright.errors import InputError
from cellwright.inspect.expectation import expect
from cellwright.inspect.recording import glance, record
from cellwright.inspect.report import described
from cellwright.models.decode import generate
from cellwright.serve.app import Able, Inspect, Write, make_app
from cellwright.serve.limits import Limits
from cellwright.tasks.classify.run import ClassifyRun
from cellwright.tasks.lm.run import LanguageRun
from cellwright.tasks.run import Run, load_run

FIRST = "a"
"""A text that loads the kernels, before the first client waits for them."""


def app_of(path: str | Path, limits: Limits) -> FastAPI:
    """Load the run at `path`, of whatever task. Raises InputError where it cannot be read."""
    run = load_run(path)
    predictor = tasks.get(run.config.task).predictor(run)
    able = Able(inspect=_inspect(run), explains=isinstance(run, ClassifyRun), write=_write(run))
    with suppress(InputError):  # a task may read other texts than this one
        predictor.predict([FIRST])
        if able.inspect is not None:
            able.inspect(FIRST, True)
    return make_app(predictor, able=able, name=f"{path}, {run.config.task}", limits=limits)


def _inspect(run: Run[Any, Any]) -> Inspect | None:
    """What draws the gates of a run; None for a task that has no recording yet."""
    match run:
        case ClassifyRun():
            return lambda text, contributions: described((record if contributions else glance)(run, text))
        case LanguageRun():
            return lambda text, contributions: described(expect(run, text))
        case _:
            return None


def _write(run: Run[Any, Any]) -> Write | None:
    """What goes on from a text."""
    if not isinstance(run, LanguageRun):
        return None
    return lambda prompt, sampling: list(generate(run.model, run.tokenizer, prompt, sampling))
