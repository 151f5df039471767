"""Which runs can be exported, and as what: the one place that knows.

written = export(load_run("runs/first"), Path("first.onnx"))
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from cellwright.errors import InputError
from cellwright.onnx import classifier, language_model, series, tagger
from cellwright.onnx.file import Written, write
from cellwright.onnx.graph import Graph
from cellwright.tasks.run import Run

EXPORTERS: dict[str, Callable[[Any], Graph]] = {
    "classify": classifier.graph,
    "tag": tagger.graph,
    "lm": language_model.graph,
    "series": series.graph,
}
"""Of each task that has one."""


def graph_of(run: Run[Any, Any]) -> Graph:
    """What of a run is exported. Raises InputError where its task has no exporter, or the run does what none can."""
    task = run.config.task
    if task not in EXPORTERS:
        raise InputError(
            f"{run.path}: a run of task {task}; expected one of {', '.join(EXPORTERS)}, which are exported"
        )
    graph = EXPORTERS[task](run)
    own = {"task": task, "cell": run.config.model.cell}
    return replace(graph, metadata=own | dict(graph.metadata))


def export(
    run: Run[Any, Any],
    path: Path,
    *,
    overwrite: bool = False,
    portable: bool = False,
    check: Sequence[str] | None = None,
) -> Written:
    """Write a run to an ONNX file, checked and compared as `to_onnx` does. Raises InputError."""
    return write(graph_of(run), path, overwrite=overwrite, portable=portable, check=check)
