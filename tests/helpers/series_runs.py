"""Models of series, trained and scored as a test asks."""

import json
from collections.abc import Callable
from typing import Any

from cellwright import tasks
from cellwright.tasks.run import load_run
from cellwright.tasks.series import SeriesConfig
from cellwright.training import FitResult, fit

Options = Callable[..., dict[str, Any]]
"""Of the fixture `options`: what a file holds, and changes of what is trained."""


def train(given: dict[str, Any]) -> FitResult:
    """Train by these options, in silence."""
    return fit(SeriesConfig(**given), progress=False, say=lambda sentence: None)


def report(given: dict[str, Any]) -> dict[str, Any]:
    """The scores of the run on the test split of its own data, as JSON holds them; nothing is said beside them."""
    run = load_run(given["out"])
    said: list[str] = []
    found = tasks.get("series").evaluate(run, given["data"], "test", {}, said.append)
    assert not said
    return json.loads(json.dumps(found.as_json()))
