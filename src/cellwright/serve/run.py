"""The server of a run folder."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from cellwright import tasks
from cellwright.errors import InputError
from cellwright.inspect.recording import glance, record
from cellwright.inspect.report import described
from cellwright.serve.app import Inspect, make_app
from cellwright.serve.limits import Limits
from cellwright.tasks.classify.run import ClassifyRun
from cellwright.tasks.run import Run, load_run

FIRST = "a"
"""A text that loads the kernels, before the first client waits for them."""


def app_of(path: str | Path, limits: Limits) -> FastAPI:
    """Load the run at `path`, of whatever task. Raises InputError where it cannot be read."""
    run = load_run(path)
    predictor, inspect = tasks.get(run.config.task).predictor(run), _inspect(run)
    with suppress(InputError):  # a task may read other texts than this one
        predictor.predict([FIRST])
        if inspect is not None:
            inspect(FIRST, True)
    return make_app(predictor, inspect=inspect, name=f"{path}, {run.config.task}", limits=limits)


def _inspect(run: Run[Any, Any]) -> Inspect | None:
    """What draws the gates of a run; so far, of a classifier's."""
    if not isinstance(run, ClassifyRun):
        return None
    return lambda text, contributions: described((record if contributions else glance)(run, text))
