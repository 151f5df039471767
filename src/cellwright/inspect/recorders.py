"""Which runs can be looked into, and how: the one place that knows.

recording = record(load_run("runs/first"), "很好用")
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cellwright.errors import InputError
from cellwright.inspect import autoencoder, classifier, language_model, series, tagger, transducer
from cellwright.inspect.attribution import MOST_READ
from cellwright.inspect.probes import Probe
from cellwright.inspect.recording import Recording
from cellwright.tasks.run import Run


@dataclass(frozen=True)
class Recorder:
    """How runs of a task are looked into.

    record   of a run and a text, with the attributions or without
    explains whether there are attributions
    squared  whether it reads each of a text's beginnings, which costs the square of its length
    typed    whether its texts are what people type; a series is not
    follow   which units of a run follow which features of a text, where that is looked for
    """

    record: Callable[[Any, str, bool], Recording]
    explains: bool = False
    squared: bool = False
    typed: bool = True
    follow: Callable[[Any], list[Probe]] | None = None

    def effort(self, text: str, reasons: bool) -> int:
        """At most about how many tokens the run reads to record a text that it reads by characters."""
        read = len(text) * (len(text) + 1) // 2 if self.squared else len(text)
        return read + MOST_READ if reasons and self.explains else read


RECORDERS = {
    "classify": Recorder(classifier.record, explains=True, squared=True),
    "tag": Recorder(tagger.record),
    "lm": Recorder(language_model.record, follow=language_model.units_that_follow),
    "transduce": Recorder(transducer.record),
    "autoencode": Recorder(autoencoder.record),
    "series": Recorder(series.record, explains=True, squared=True, typed=False),
}
"""Of each task that has one."""


def recorder_of(run: Run[Any, Any]) -> Recorder:
    """The recorder of a run. Raises InputError where its task has none."""
    task = run.config.task
    if task not in RECORDERS:
        raise InputError(
            f"{run.path}: a run of task {task}; expected one of {', '.join(RECORDERS)}, which can be shown"
        )
    return RECORDERS[task]


def record(run: Run[Any, Any], text: str, reasons: bool = True) -> Recording:
    """Record what a run of whatever task does on a text. Raises InputError."""
    return recorder_of(run).record(run, text, reasons)
