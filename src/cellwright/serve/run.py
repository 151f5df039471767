"""The server of a run folder."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from cellwright import tasks
from cellwright.errors import InputError
from cellwright.inspect.recorders import RECORDERS, Recorder
from cellwright.inspect.report import described
from cellwright.models.decode import generate
from cellwright.serve.app import Able, Inspect, Write, make_app
from cellwright.serve.limits import Limits
from cellwright.tasks.lm.run import LanguageRun
from cellwright.tasks.run import Run, load_run

FIRST = "a"
"""A text that loads the kernels, before the first client waits for them."""


def app_of(path: str | Path, limits: Limits) -> FastAPI:
    """Load the run at `path`, of whatever task. Raises InputError where it cannot be read."""
    run = load_run(path)
    predictor = tasks.get(run.config.task).predictor(run)
    recorder = RECORDERS.get(run.config.task)
    inspect = _inspect(run, recorder)
    explains = recorder is not None and inspect is not None and recorder.explains
    able = Able(inspect=inspect, explains=explains, write=_write(run))
    with suppress(InputError):  # a task may read other texts than this one
        predictor.predict([FIRST])
        if able.inspect is not None:
            able.inspect(FIRST, True)
    return make_app(predictor, able=able, name=f"{path}, {run.config.task}", limits=limits)


def _inspect(run: Run[Any, Any], recorder: Recorder | None) -> Inspect | None:
    """What draws the gates of a run; None for one that has none to show, or that takes what nobody types."""
    if recorder is None or not recorder.typed:
        return None
    return lambda text, contributions: described(recorder.record(run, text, contributions))


def _write(run: Run[Any, Any]) -> Write | None:
    """What goes on from a text."""
    if not isinstance(run, LanguageRun):
        return None
    return lambda prompt, sampling: list(generate(run.model, run.tokenizer, prompt, sampling))
