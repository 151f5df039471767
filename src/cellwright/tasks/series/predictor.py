"""Labels, forecasts or scores of series, from a run folder.

predictor = Predictor.load("runs/vowels")
for answer in predictor.predict_series(read_series("more.ts")):
    print(answer.label, answer.probability)

As texts, on standard input and from the server, a series is a JSON object: `data/readers/json_series.py`.
"""

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import torch
from torch import Tensor

from cellwright.data.readers import json_series
from cellwright.data.series import SeriesTable, Values
from cellwright.data.series_batches import SeriesBatch, SeriesExample, collate_series
from cellwright.errors import InputError
from cellwright.models.forecaster import Forecaster
from cellwright.models.series_autoencoder import errors, scored_steps
from cellwright.tasks.predictor import Asked, Prediction, Predictor, Said
from cellwright.tasks.series.data import as_learnt, check_complete, read_alike
from cellwright.tasks.series.examples import Stretch, stretches_of
from cellwright.tasks.series.run import SeriesRun
from cellwright.tasks.texts import batches_of

BATCH_STEPS = 16_384  # padding included


@dataclass(frozen=True)
class LabelledSeries(Prediction):
    """What a classifier says of one series."""

    name: str
    """The series'."""
    label: str
    """The most probable class."""
    probability: float
    """Its probability, in [0, 1]."""
    probabilities: dict[str, float]
    """Of every class; they sum to 1."""

    def line(self, text: str) -> str:
        """Name, label and probability."""
        return f"{self.name}\t{self.label}\t{self.probability:.4f}"


@dataclass(frozen=True)
class NumberedSeries(Prediction):
    """The number that a model of series gives one."""

    name: str
    """The series'."""
    value: float
    """In the unit of the numbers learned from."""

    def line(self, text: str) -> str:
        """Name and number."""
        return f"{self.name}\t{self.value:.6g}"


@dataclass(frozen=True)
class Forecast(Prediction):
    """What a forecaster says of the steps that follow the last one of a series."""

    name: str
    """The series'."""
    ahead: list[dict[str, dict[str, float]]]
    """Of each step ahead, of each channel by name, its quantiles by name, or the probability of a 1."""

    def line(self, text: str) -> str:
        """A line a step ahead and channel: name, steps ahead, channel and the quantiles."""
        shown = [
            {name: f"{v:.6g}" if isinstance(v, float) else str(v) for name, v in r.items()} for r in self.as_rows()
        ]
        return "\n".join("\t".join(row.values()) for row in shown)

    def as_rows(self) -> list[dict[str, Any]]:
        """A row a step ahead and channel, named as in the header of lines."""
        return [
            {"series": self.name, "ahead": k, "channel": channel, **values}
            for k, step in enumerate(self.ahead, start=1)
            for channel, values in step.items()
        ]


@dataclass(frozen=True)
class Anomaly(Prediction):
    """How badly a series was restored."""

    name: str
    """The series'."""
    score: float
    """Mean squared error of a step, in the deviations that its values are scaled by."""
    steps: list[float | None]
    """The same of each step, None where all of it is missing."""

    def line(self, text: str) -> str:
        """Name, score, and the worst step, from 1, with its error."""
        worst = max(range(len(self.steps)), key=lambda step: self.steps[step] or 0.0)
        return f"{self.name}\t{self.score:.4f}\t{worst + 1}\t{self.steps[worst] or 0.0:.4f}"


class SeriesPredictor(Predictor[Said]):
    """A trained model that takes series."""

    echoes = False
    takes_texts = False
    roles = ("series", "time", "values")

    def __init__(self, run: SeriesRun) -> None:
        """Predict with a run that is loaded."""
        self.run: SeriesRun = run

    def asked(self, path: str, given: Mapping[str, Any], *, several: bool = False) -> Asked:
        """The series of a file, as texts; of several files, names begin with their file's."""
        told = {"data": path, **given} if "format" in given else given  # --format is meant for the file that it is of
        options = self.run.config.learnt.model_copy(update=told)
        table = readable(self.run, read_alike(options, path, self.run.config.channels, given, labelled=False))
        if several:
            table = replace(table, names=[f"{path}:{name}" for name in table.names])
        texts = json_series.dump(table)
        return Asked(texts, [[]] * len(texts), table.notes)

    def predict(self, texts: Sequence[str]) -> list[Said]:
        """What the model says of each series, a JSON object each. Raises InputError for one it cannot read."""
        return self.predict_lines(texts, 1)

    def predict_lines(self, texts: Sequence[str], first: int) -> list[Said]:
        """The same of lines from `first` on; a series without a name has its line's number."""
        return self.predict_series(self.table(texts, first)) if texts else []

    def table(self, texts: Sequence[str], first: int = 1) -> SeriesTable:
        """The series of lines from `first` on, each a JSON object. Raises InputError for one that cannot be read."""
        for number, text in enumerate(texts, start=first):
            if not text.strip():
                raise InputError(f"series, line {number}: blank; expected a series, {json_series.EXPECTED}")
        return readable(self.run, json_series.parse(texts, "series", first, options=self.run.config.reading))

    def predict_series(self, table: SeriesTable) -> list[Said]:
        """What the model says of each series. Raises InputError for channels that the run does not know."""
        return self._said(readable(self.run, table))

    @abstractmethod
    def _said(self, table: SeriesTable) -> list[Said]: ...

    def _stretches(self, table: SeriesTable, window: int | None) -> list[Stretch]:
        return stretches_of(table, self.run.config.scaling, window)

    @torch.inference_mode()
    def _outputs(self, found: list[Stretch]) -> Iterator[tuple[list[int], SeriesBatch, Tensor]]:
        """Yield the stretches' indices, batch, and what the model makes of it."""
        for indices in batches_of([len(each.example.values) for each in found], BATCH_STEPS):
            batch = collate_series([found[i].example for i in indices])
            yield indices, batch, self.run.model(batch.values, batch.known, batch.lengths)


class LabelPredictor(SeriesPredictor[LabelledSeries]):
    """Labels with probabilities."""

    @property
    def header(self) -> str:
        """Names of the fields of a line."""
        return "series\tlabel\tprobability"

    def _said(self, table: SeriesTable) -> list[LabelledSeries]:
        labels = self.run.config.labels
        probabilities = torch.zeros(len(table), len(labels), dtype=torch.float64)
        for indices, _, logits in self._outputs(self._stretches(table, None)):
            probabilities[indices] = logits.double().softmax(-1)
        return [
            LabelledSeries(
                name, labels[int(row.argmax())], float(row.max()), dict(zip(labels, row.tolist(), strict=True))
            )
            for name, row in zip(table.names, probabilities, strict=True)
        ]


class NumberPredictor(SeriesPredictor[NumberedSeries]):
    """A number of each series."""

    @property
    def header(self) -> str:
        """Names of the fields of a line."""
        return "series\tvalue"

    def _said(self, table: SeriesTable) -> list[NumberedSeries]:
        scaled = torch.zeros(len(table), 1)
        for indices, _, found in self._outputs(self._stretches(table, None)):
            scaled[indices, 0] = found
        assert self.run.config.numbers is not None  # of a run of this target
        values = self.run.config.numbers.undo(scaled.numpy())[:, 0].tolist()
        return [NumberedSeries(name, value) for name, value in zip(table.names, values, strict=True)]


class ForecastPredictor(SeriesPredictor[Forecast]):
    """The steps that follow the last one, from the last window of a series."""

    @property
    def header(self) -> str:
        """Names of the fields of a line."""
        return "\t".join(["series", "ahead", "channel", *self._names])

    @property
    def _names(self) -> list[str]:
        return [f"{q:g}" for q in self.run.config.model.quantiles] or ["probability"]

    def _said(self, table: SeriesTable) -> list[Forecast]:
        read = self.last_windows(table)
        said: dict[int, Forecast] = {}
        for indices, batch, ahead in self._outputs(read):
            last = cast(Forecaster, self.run.model).forecast(ahead, batch.lengths)  # (B, K, C, Q)
            for index, found in zip(indices, last.transpose(-1, -2).numpy(), strict=True):
                steps = [self._step(read[index].scaling.undo(step)) for step in found]
                said[index] = Forecast(table.names[index], steps)
        return [said[index] for index in range(len(table))]

    def last_windows(self, table: SeriesTable) -> list[Stretch]:
        """As many steps of each series as are read at once, up to its last."""
        window, found = self.run.config.options["window"], []
        for row, values in enumerate(table.values):
            scaling = self.run.config.scaling.of(values[-window:])
            # All of it: what is too far from the others is named by its step in the series.
            found.append(Stretch(SeriesExample(scaling.apply(values, table.where(row))[-window:]), row, scaling))
        return found

    def _step(self, values: Values) -> dict[str, dict[str, float]]:
        """(Q, C) by name."""
        return {
            channel: dict(zip(self._names, values[:, c].tolist(), strict=True))
            for c, channel in enumerate(self.run.config.channels)
        }


class AnomalyPredictor(SeriesPredictor[Anomaly]):
    """How badly each series is restored, and each of its steps."""

    @property
    def header(self) -> str:
        """Names of the fields of a line."""
        return "series\terror\tworst step\tits error"

    def _said(self, table: SeriesTable) -> list[Anomaly]:
        read = self._stretches(table, self.run.config.options["window"])
        found: dict[int, list[float | None]] = {}
        for indices, batch, restored in self._outputs(read):
            error, counted = errors(restored, batch.values, batch.known), scored_steps(batch.known, batch.first)
            for row, index in enumerate(indices):
                own = slice(int(batch.first[row]), int(batch.lengths[row]))
                steps = zip(error[row, own].tolist(), counted[row, own].tolist(), strict=True)
                found[index] = [value if known else None for value, known in steps]
        steps_of: list[list[float | None]] = [[] for _ in range(len(table))]
        for index, stretch in enumerate(read):
            steps_of[stretch.series] += found[index]
        return [_anomaly(name, steps) for name, steps in zip(table.names, steps_of, strict=True)]


def _anomaly(name: str, steps: list[float | None]) -> Anomaly:
    known = [step for step in steps if step is not None]
    return Anomaly(name, sum(known) / max(len(known), 1), steps)


PREDICTORS: dict[str, type[SeriesPredictor[Any]]] = {
    "classify": LabelPredictor,
    "regress": NumberPredictor,
    "forecast": ForecastPredictor,
    "anomaly": AnomalyPredictor,
}
"""The predictor of each target."""


def predictor_of(run: SeriesRun) -> SeriesPredictor[Any]:
    """A run put to use: labels, numbers, forecasts or scores."""
    return PREDICTORS[run.config.model.target](run)


def readable(run: SeriesRun, table: SeriesTable) -> SeriesTable:
    """The table with the run's channels. Raises InputError for others, and where values miss and it learned without."""
    table = as_learnt(table, run.config.channels)
    if not run.config.model.masked:
        check_complete(table)
    return table
