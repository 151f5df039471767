"""The server of a run folder."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from cellwright import tasks
from cellwright.data import datasets
from cellwright.errors import InputError
from cellwright.inspect.recorders import RECORDERS, Recorder
from cellwright.inspect.report import described
from cellwright.models.generation import generate
from cellwright.serve.app import Capabilities, Write, make_app
from cellwright.serve.inference import ANSWER, of_labels
from cellwright.serve.limits import Limits
from cellwright.tasks.lm.run import LanguageRun
from cellwright.tasks.run import Run, load_run

FIRST = "a"
"""A text that loads the kernels, before the first client waits for them."""


def app_of(path: str | Path, limits: Limits, example: str | None = None) -> FastAPI:
    """Load the run at `path`, of whatever task; `example`: a text that its page offers, None for the built-in set's.

    Raises InputError where the run cannot be read.
    """
    run = load_run(path)
    predictor = tasks.get(run.config.task).predictor(run)
    capabilities = _capabilities(run, RECORDERS.get(run.config.task))
    with suppress(InputError):  # a task may read other texts than this one
        predictor.predict([FIRST])
        if capabilities.inspect is not None:
            capabilities.inspect(FIRST, True)
    example = _example(run) if example is None else example
    return make_app(
        predictor,
        capabilities=capabilities,
        name=f"{path}, {run.config.task}",
        model=Path(path).resolve().name,
        example=example,
        limits=limits,
    )


def _example(run: Run[Any, Any]) -> str:
    """A text of the built-in set that the run learned from, where it did."""
    data = run.config.options["data"]
    return datasets.describe(data).example if data in datasets.names() else ""


def _capabilities(run: Run[Any, Any], recorder: Recorder | None) -> Capabilities:
    """What a run can do beside predicting; without a recorder, or of texts that nobody types, no gates are shown."""
    outputs = of_labels(run.config.labels) if run.config.task == "classify" else (ANSWER,)
    if recorder is None or not recorder.typed:
        return Capabilities(write=_write(run), outputs=outputs)

    def inspect(text: str, attributions: bool) -> dict[str, Any]:
        return described(recorder.record(run, text, attributions))

    return Capabilities(
        inspect=inspect, explains=recorder.explains, effort=recorder.effort, write=_write(run), outputs=outputs
    )


def _write(run: Run[Any, Any]) -> Write | None:
    """What goes on from a text."""
    if not isinstance(run, LanguageRun):
        return None
    return lambda prompt, sampling: list(generate(run.model, run.tokenizer, prompt, sampling))
