"""A class of each series."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from cellwright.data.checks import check_known
from cellwright.data.readers.numbers import is_number
from cellwright.data.series import SeriesTable
from cellwright.data.series_batches import SeriesBatch
from cellwright.data.splits import SPLITS, Splits
from cellwright.errors import InputError
from cellwright.evaluation import series_baselines
from cellwright.evaluation.majority import majority_class, majority_share
from cellwright.evaluation.report import Report
from cellwright.models.series_classifier import SeriesClassifier
from cellwright.tasks.predictor import Prediction
from cellwright.tasks.series.config import SeriesConfig
from cellwright.tasks.series.objective import Model, SeriesObjective, answers_of
from cellwright.tasks.series.objective_spec import Learned, ObjectiveSpec
from cellwright.tasks.series.predictor import SeriesPredictor
from cellwright.tasks.series.run import SeriesRun, SeriesRunConfig
from cellwright.tasks.task import Baseline, Metric, Step

MANY = 20
"""So many classes that all are numbers are measured values rather, where hardly two series share one."""


class SeriesClassifyObjective(SeriesObjective):
    """Smoothed cross-entropy in training, accuracy in validation."""

    network = SeriesClassifier
    metric = Metric("accuracy")

    def loss(self, model: Model, batch: SeriesBatch) -> Step:
        """Mean smoothed cross-entropy of a batch, in nats."""
        logits = model(batch.values, batch.known, batch.lengths)
        loss = cross_entropy(logits, answers_of(batch), label_smoothing=self.options.label_smoothing)
        return Step(loss, len(logits), int(batch.lengths.sum()))

    def measure(self, model: Model, batch: SeriesBatch) -> Tensor:
        """(3,): the sum of losses, right answers, series."""
        logits, labels = model(batch.values, batch.known, batch.lengths), answers_of(batch)
        loss = cross_entropy(logits, labels, reduction="sum")
        right = (logits.argmax(-1) == labels).sum()
        return torch.stack([loss.double(), right.double(), right.new_tensor(len(logits)).double()])

    def scores(self, sums: Sequence[float]) -> dict[str, float]:
        """Share labelled correctly, and mean cross-entropy in nats."""
        loss, right, series = sums
        return {"loss": loss / series, "accuracy": right / series}


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


class LabelPredictor(SeriesPredictor[LabelledSeries]):
    """Labels with probabilities."""

    @property
    def header(self) -> str:
        """Names of the fields of a line."""
        return "series\tlabel\tprobability"

    def _said(self, table: SeriesTable) -> list[LabelledSeries]:
        labels = self.run.config.labels
        probabilities = torch.zeros(len(table), len(labels), dtype=torch.float64)
        for indices, *_, logits in self._outputs(self.stretches(table)):
            probabilities[indices] = logits.double().softmax(-1)
        return [
            LabelledSeries(
                name, labels[int(row.argmax())], float(row.max()), dict(zip(labels, row.tolist(), strict=True))
            )
            for name, row in zip(table.names, probabilities, strict=True)
        ]


def check_classes(table: SeriesTable) -> None:
    """Raise InputError for classes that are measured values."""
    labels = set(table.labels or [])
    if len(labels) <= MANY or not all(map(is_number, labels)):
        return
    if 2 * len(labels) > len(table) or not all(float(label).is_integer() for label in labels):
        raise InputError(
            f"{table.source}: {len(labels):,} labels that all are numbers, for {len(table):,} series; expected "
            "classes: --objective regress learns numbers"
        )


def _check_labels(config: SeriesConfig, splits: Splits[SeriesTable]) -> None:
    for split in SPLITS:
        if splits[split].labels is None:
            raise InputError(
                f"{splits[split].source}: the series have no labels, which --objective classify learns; expected a "
                "label of each, in the column of --label in CSV: or give --objective forecast or anomaly"
            )
    labels = _labels(splits["train"])
    check_classes(splits["train"])
    if len(set(labels)) < 2:
        raise InputError(f"{config.data}: every label is {labels[0]!r}; expected at least two classes to tell apart")
    for split in SPLITS[1:]:
        check_known(splits[split], sorted(set(labels)))


def _labels(table: SeriesTable) -> list[str]:
    return table.labels or []


def _learned(config: SeriesConfig, train: SeriesTable) -> Learned:
    return Learned(labels=sorted(set(_labels(train))))


def _answers(run: SeriesRunConfig, table: SeriesTable) -> Mapping[str, float]:
    return {label: index for index, label in enumerate(run.labels)}


def _baseline(config: SeriesConfig, splits: Splits[SeriesTable], measure: Callable[[Model], float]) -> Baseline:
    share = majority_share(_labels(splits["train"]), _labels(splits["validation"]))
    return Baseline(share, "always giving the most frequent label")


def _report(run: SeriesRun, table: SeriesTable, train: SeriesTable | None) -> Report:
    # scikit-learn, which predictions need not load
    from cellwright.evaluation.metrics import score
    from cellwright.evaluation.mistakes import of_labels
    from cellwright.evaluation.series_reports import MODEL, SeriesClasses

    labels = run.config.labels
    if table.labels is None:
        raise InputError(f"{table.source}: the series have no labels to score by; expected one of each")
    answers = LabelPredictor(run).predict_series(table)
    said = [each.label for each in answers]
    models = {MODEL: score(table.labels, said, labels)}
    if train is not None and train.labels is not None:
        scaled = [[run.config.scaling.of(v).apply(v) for v in each.values] for each in (train, table)]
        near = series_baselines.nearest_neighbour(scaled[0], train.labels, scaled[1])
        models["nearest neighbour"] = score(table.labels, near, labels)
        majority = [majority_class(train.labels)] * len(table)
        models["majority class"] = score(table.labels, majority, labels)
    sure = np.array([each.probability for each in answers], np.float32)
    wrong = of_labels(table.labels, said, sure, table.where, ("series", table.names))
    return SeriesClasses(models, wrong)


SPEC = ObjectiveSpec(
    name="classify",
    objective=SeriesClassifyObjective,
    predictor=LabelPredictor,
    baseline=_baseline,
    report=_report,
    learned=_learned,
    refine=_check_labels,
    answers=_answers,
)
