"""How unlike the others each series is: how badly a model that compresses series restores it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, cast

from torch import Tensor

from cellwright.data.readers.values import listed
from cellwright.data.series import SeriesTable
from cellwright.data.series_batches import SeriesBatch
from cellwright.data.splits import SPLITS, Splits
from cellwright.errors import InputError
from cellwright.evaluation import series_baselines
from cellwright.evaluation.report import Report
from cellwright.models.series_autoencoder import SeriesAutoencoder, errors, scored_steps
from cellwright.tasks.predictor import Prediction
from cellwright.tasks.series.config import SeriesConfig
from cellwright.tasks.series.means import means_of
from cellwright.tasks.series.objective import Model, SummedObjective
from cellwright.tasks.series.objective_spec import ObjectiveSpec
from cellwright.tasks.series.predictor import SeriesPredictor
from cellwright.tasks.series.run import SeriesRun
from cellwright.tasks.task import Baseline


class AnomalyObjective(SummedObjective):
    """Mean squared error of a step that was restored, in the channels' deviations."""

    network = SeriesAutoencoder

    def sums(self, model: Model, batch: SeriesBatch) -> tuple[Tensor, Tensor]:
        """Of every step of which something is known and scored."""
        restored = model(batch.values, batch.known, batch.lengths)
        counted = scored_steps(batch.known, batch.first)  # (B, T)
        return (errors(restored, batch.values, batch.known) * counted).sum(), counted.sum()


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


class AnomalyPredictor(SeriesPredictor[Anomaly]):
    """How badly each series is restored, and each of its steps."""

    windowed = True

    @property
    def header(self) -> str:
        """Names of the fields of a line."""
        return "series\terror\tworst step\tits error"

    def _said(self, table: SeriesTable) -> list[Anomaly]:
        read = self.stretches(table)
        found: dict[int, list[float | None]] = {}
        for indices, _, batch, restored in self._outputs(read):
            error, counted = errors(restored, batch.values, batch.known), scored_steps(batch.known, batch.first)
            for row, index in enumerate(indices):
                own = slice(int(batch.first[row]), int(batch.lengths[row]))
                steps = zip(error[row, own].tolist(), counted[row, own].tolist(), strict=True)
                found[index] = [value if known else None for value, known in steps]
        steps_of: list[list[float | None]] = [[] for _ in range(len(table))]
        for index, series in enumerate(read.series):
            steps_of[series] += found[index]
        return [_anomaly(name, steps) for name, steps in zip(table.names, steps_of, strict=True)]


def _anomaly(name: str, steps: list[float | None]) -> Anomaly:
    known = [step for step in steps if step is not None]
    return Anomaly(name, sum(known) / max(len(known), 1), steps)


def _keep_normal(config: SeriesConfig, splits: Splits[SeriesTable]) -> None:
    if config.normal_label is None:
        return
    for split in (
        each for each in SPLITS[:2] if each not in splits.without
    ):  # the test split keeps what is to be found
        splits[split] = _normal(config, splits[split])


def _normal(config: SeriesConfig, table: SeriesTable) -> SeriesTable:
    labels = table.labels or []
    kept = table.take(row for row, label in enumerate(labels) if label == config.normal_label)
    if not len(kept):
        found = listed(sorted(set(labels))) if labels else "no labels"
        raise InputError(
            f"{table.source}: no series is labelled {config.normal_label!r}, which --normal-label names; got {found}"
        )
    return kept


def _baseline(config: SeriesConfig, splits: Splits[SeriesTable], measure: Callable[[Model], float]) -> Baseline:
    return Baseline(measure(series_baselines.mean), "restoring the mean at every step")


def _report(run: SeriesRun, table: SeriesTable, train: SeriesTable | None) -> Report:
    # scikit-learn, which predictions need not load
    from sklearn.metrics import roc_auc_score

    from cellwright.evaluation.series_reports import MODEL, MeanReport

    normal = run.config.learned.normal_label
    models: dict[str, Model] = {MODEL: run.model, "mean": series_baselines.mean}
    means, _ = means_of(models, AnomalyObjective, run, table, ahead=False)
    areas = None
    if normal is not None and table.labels is not None and len({x == normal for x in table.labels}) == 2:
        odd = [label != normal for label in table.labels]
        areas = {name: float(roc_auc_score(odd, _ranks(run, model, table))) for name, model in models.items()}
    return MeanReport("squared error", "error", f"{len(table):,} series", means, areas)


def _ranks(run: SeriesRun, model: Model, table: SeriesTable) -> list[float]:
    """How odd each series is to a model in place of the run's own."""
    predictor = AnomalyPredictor(replace(run, model=cast(Any, model)))
    return [each.score for each in predictor.predict_series(table)]


SPEC = ObjectiveSpec(
    name="anomaly",
    objective=AnomalyObjective,
    predictor=AnomalyPredictor,
    baseline=_baseline,
    report=_report,
    refine=_keep_normal,
    steps_are="restored",
    layers=("encoder", "decoder"),
)
