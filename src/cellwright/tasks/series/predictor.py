"""Labels, forecasts or scores of series, from a run folder.

predictor = Predictor.load("runs/vowels")
for answer in predictor.predict_series(read_series("more.ts")):
    print(answer.label, answer.probability)

As texts, on standard input and from the server, a series is a JSON object: `data/readers/json_series.py`.
"""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import torch
from torch import Tensor

from cellwright.data.readers import json_series
from cellwright.data.readers.series import read_series
from cellwright.data.series import SeriesTable, Values
from cellwright.data.series_batches import SeriesBatch, SeriesExample, collate_series
from cellwright.errors import InputError
from cellwright.models.forecaster import Forecaster
from cellwright.models.series_autoencoder import errors, scored_steps
from cellwright.tasks.predictor import Prediction, Predictor, Said
from cellwright.tasks.series.examples import examples_of
from cellwright.tasks.series.run import SeriesRun
from cellwright.tasks.series.sides import check_channels, check_complete
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
class Forecast(Prediction):
    """What a forecaster says of the steps that follow the last one of a series."""

    name: str
    """The series'."""
    ahead: list[dict[str, dict[str, float]]]
    """Of each step ahead, of each channel by name, its quantiles by name, or the probability of a 1."""

    def line(self, text: str) -> str:
        """A line a step ahead and channel: name, steps ahead, channel and the quantiles."""
        return "\n".join(
            "\t".join([self.name, str(k), channel, *(f"{value:.6g}" for value in values.values())])
            for k, step in enumerate(self.ahead, start=1)
            for channel, values in step.items()
        )


@dataclass(frozen=True)
class Anomaly(Prediction):
    """How badly a series was restored."""

    name: str
    """The series'."""
    score: float
    """Mean squared error of a step, in standard deviations of the training side."""
    steps: list[float | None]
    """The same of each step, None where all of it is missing."""

    def line(self, text: str) -> str:
        """Name, score, and the worst step, from 1, with its error."""
        worst = max(range(len(self.steps)), key=lambda step: self.steps[step] or 0.0)
        return f"{self.name}\t{self.score:.4f}\t{worst + 1}\t{self.steps[worst] or 0.0:.4f}"


class SeriesPredictor(Predictor[Said]):
    """A trained model that takes series."""

    echoes = False

    def __init__(self, run: SeriesRun) -> None:
        """Predict with a run that is loaded."""
        self.run = run

    def texts_of(self, arguments: Sequence[str], encoding: str) -> list[str]:
        """The series of the files of those names, as texts; of several files, names begin with their file's."""
        config, texts = self.run.config, []
        for path in arguments:
            table = read_series(path, config.columns, encoding=encoding, format=config.options["format"])
            check_readable(self.run, table)
            if len(arguments) > 1:
                table = replace(table, names=[f"{path}:{name}" for name in table.names])
            texts += json_series.dump(table)
        return texts

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
        table = json_series.parse(texts, "series", first)
        return replace(table, channels=self._channels(table))

    def predict_series(self, table: SeriesTable) -> list[Said]:
        """What the model says of each series. Raises InputError for channels that the run does not know."""
        check_readable(self.run, table)
        return self._said(table)

    @abstractmethod
    def _said(self, table: SeriesTable) -> list[Said]: ...

    def _channels(self, table: SeriesTable) -> tuple[str, ...]:
        """The run's names of the channels, which JSON leaves out."""
        if len(table.channels) != len(self.run.config.channels):
            raise InputError(
                f"{table.where(0)}: {len(table.channels)} channels; expected {len(self.run.config.channels)}, as in "
                "training"
            )
        return tuple(self.run.config.channels)

    def _examples(self, table: SeriesTable, window: int | None) -> tuple[list[SeriesExample], list[int]]:
        return examples_of(table, self.run.config.scaling, window)

    @torch.inference_mode()
    def _outputs(self, examples: list[SeriesExample]) -> Iterator[tuple[list[int], SeriesBatch, Tensor]]:
        """Yield the examples' indices, batch, and what the model makes of it."""
        for indices in batches_of([len(example.values) for example in examples], BATCH_STEPS):
            batch = collate_series([examples[i] for i in indices])
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
        for indices, _, logits in self._outputs(self._examples(table, None)[0]):
            probabilities[indices] = logits.double().softmax(-1)
        return [
            LabelledSeries(
                name, labels[int(row.argmax())], float(row.max()), dict(zip(labels, row.tolist(), strict=True))
            )
            for name, row in zip(table.names, probabilities, strict=True)
        ]


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
        scaling, window = self.run.config.scaling, self.run.config.options["window"]
        examples = [
            SeriesExample(scaling.apply(values, table.where(row))[-window:]) for row, values in enumerate(table.values)
        ]
        said: dict[int, Forecast] = {}
        for indices, batch, ahead in self._outputs(examples):
            last = cast(Forecaster, self.run.model).foretold(ahead, batch.lengths)  # (B, K, C, Q)
            for index, found in zip(indices, last.transpose(-1, -2).numpy(), strict=True):
                said[index] = Forecast(table.names[index], [self._step(scaling.undo(step)) for step in found])
        return [said[index] for index in range(len(table))]

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
        examples, owners = self._examples(table, self.run.config.options["window"])
        found: dict[int, list[float | None]] = {}
        for indices, batch, restored in self._outputs(examples):
            error, counted = errors(restored, batch.values, batch.known), scored_steps(batch.known, batch.first)
            for row, index in enumerate(indices):
                own = slice(int(batch.first[row]), int(batch.lengths[row]))
                steps = zip(error[row, own].tolist(), counted[row, own].tolist(), strict=True)
                found[index] = [value if known else None for value, known in steps]
        steps_of: list[list[float | None]] = [[] for _ in range(len(table))]
        for index, owner in enumerate(owners):
            steps_of[owner] += found[index]
        return [_anomaly(name, steps) for name, steps in zip(table.names, steps_of, strict=True)]


def _anomaly(name: str, steps: list[float | None]) -> Anomaly:
    known = [step for step in steps if step is not None]
    return Anomaly(name, sum(known) / max(len(known), 1), steps)


PREDICTORS: dict[str, type[SeriesPredictor[Any]]] = {
    "classify": LabelPredictor,
    "forecast": ForecastPredictor,
    "anomaly": AnomalyPredictor,
}
"""The predictor of each target."""


def check_readable(run: SeriesRun, table: SeriesTable) -> None:
    """Raise InputError for channels that are not the run's, and for missing values if it learned from none."""
    check_channels(table, run.config.channels)
    if not run.config.model.masked:
        check_complete(table)
