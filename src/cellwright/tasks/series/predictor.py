"""A run of series put to use: what the predictors of all objectives have in common.

predictor = Predictor.load("runs/vowels")
for answer in predictor.predict_series(read_series("more.ts")):
    print(answer.label, answer.probability)

As texts, on standard input and from the server, a series is a JSON object: `data/readers/json_series.py`.
"""

import json
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from cellwright.data.readers import json_series
from cellwright.data.readers.series import FORMATS
from cellwright.data.series import SeriesTable
from cellwright.data.series_batches import SeriesBatch, collate_series
from cellwright.errors import InputError
from cellwright.tasks.predictor import FileRequest, Predicted, Predictor
from cellwright.tasks.series.covariates import described
from cellwright.tasks.series.examples import Stretch, Stretches, examples_of, stretches_of
from cellwright.tasks.series.files import as_learned, check_complete, read_alike
from cellwright.tasks.series.process import check_possible
from cellwright.tasks.series.run import SeriesRun

BATCH_STEPS = 16_384  # padding included


class SeriesPredictor(Predictor[Predicted]):
    """A trained model that takes series."""

    echoes = False
    takes_texts = False
    formats = FORMATS
    roles = ("series", "time", "values", "ignore")
    windowed = False
    """Whether a long series is read in windows, rather than whole."""

    def __init__(self, run: SeriesRun) -> None:
        """Predict with a run that is loaded."""
        self.run: SeriesRun = run

    @property
    def reads(self) -> str:  # type: ignore[override]  # of others it is the same of all runs
        """What a series has to hold, with an example."""
        roles, channels = self.run.config.model.roles, self.run.config.channels
        begin, ahead = len(channels) - roles.covariates, len(channels) - roles.static - roles.future
        known = 1 + (self.run.config.model.horizon if roles.future else 0)
        values: dict[str, Any] = {}
        for place, name in enumerate(channels):
            if place >= begin or not roles.simulated:  # of a simulation nobody has to know the targets
                values[name] = [0.0] * (known if place >= ahead else 1)
        values |= dict.fromkeys(channels[ahead + roles.future :], 0.0)
        follows = f"It says {described(channels, roles)}. " if roles.covariates else ""
        return f"{follows}A series is a JSON object: {json.dumps({'values': values}, ensure_ascii=False)}"

    def request(self, path: str, given: Mapping[str, Any], *, several: bool = False) -> FileRequest:
        """The series of a file, as texts; of several files, names begin with their file's."""
        told = {"data": path, **given} if "format" in given else given  # --format is meant for the file that it is of
        options = self.run.config.learned.model_copy(update=told)
        channels = self.run.config.channels
        if self.run.config.model.roles.simulated:  # what is to be said of them need not be there
            channels = channels[self.run.config.model.targets :]
        table = readable(self.run, read_alike(options, path, channels, given, labelled=False))
        if several:
            table = replace(table, names=[f"{path}:{name}" for name in table.names])
        notes = (*table.notes, *self.unread(table))
        texts = json_series.dump(table, self.ahead(table))
        return FileRequest.at_once(texts, [[]] * len(texts), notes)

    def ahead(self, table: SeriesTable) -> list[list[str]]:
        """Of each series when the steps come that are forecast; none unless some are."""
        return []

    def unread(self, table: SeriesTable) -> list[str]:
        """Sentences on the steps of the series that have no part in the answer.

        Raises InputError where the answer asks for steps that are not there.
        """
        return []

    def predict(self, texts: Sequence[json_series.Line]) -> list[Predicted]:
        """What the model says of each series, a JSON object each, as a text or as Python has it.

            predictor.predict([{"name": "spree", "values": {"flow": [2.25, 2.5], "rain": [4.5, 0, 8], "area": 35}}])

        `values` are steps of channels in the order of the run's, or channels by name: lists or arrays, each with as
        many steps as are known of it, and future covariates with those of the horizon too. Raises InputError for a
        series that it cannot read, or is told too little of.
        """
        return self.predict_lines(texts, 1)

    def predict_lines(self, texts: Sequence[json_series.Line], first: int) -> list[Predicted]:
        """The same of lines from `first` on; a series without a name has its line's number."""
        return self.predict_series(self.table(texts, first)) if texts else []

    def table(self, texts: Sequence[json_series.Line], first: int = 1) -> SeriesTable:
        """The series of lines from `first` on, each a JSON object. Raises InputError for one that cannot be read."""
        for number, text in enumerate(texts, start=first):
            if json_series.is_blank(text):
                raise InputError(f"series, line {number}: blank; expected a series, {json_series.EXPECTED}")
        return readable(self.run, json_series.parse(texts, "series", first, options=self.run.config.reading))

    def predict_series(self, table: SeriesTable) -> list[Predicted]:
        """What the model says of each series. Raises InputError for channels that the run does not know."""
        table = readable(self.run, table)
        self.unread(table)  # which refuses
        return self._said(table)

    @abstractmethod
    def _said(self, table: SeriesTable) -> list[Predicted]: ...

    @property
    def window(self) -> int | None:
        """Most steps that are read at once; None is all of a series."""
        return self.run.config.options["window"] if self.windowed else None

    def stretches(self, table: SeriesTable) -> Stretches:
        """What the model reads of the series of a table, in their order; of a long one stretch after stretch."""
        return stretches_of(table, self.run.config.scaling, self.window)

    @torch.inference_mode()
    def _outputs(self, found: Stretches) -> Iterator[tuple[list[int], list[Stretch], SeriesBatch, Tensor]]:
        """Yield some stretches' indices, themselves, their batch, and what the model makes of it."""
        for indices, rows in found.batches(BATCH_STEPS):
            batch = collate_series(examples_of(rows))
            yield indices, rows, batch, self.run.model(batch.values, batch.known, batch.lengths)


def readable(run: SeriesRun, table: SeriesTable) -> SeriesTable:
    """The table with the run's channels. Raises InputError for others, and where values miss and it learned without."""
    table = as_learned(table, run.config.channels, run.config.model.roles, run.config.learned.fill)
    check_possible(table, run.config.model.cell)
    if not run.config.model.masked:
        check_complete(table)
    return table
