"""What the evaluation of a model of series found, beside its baselines."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cellwright.evaluation.classification_report import MOST_CLASSES, classes_section, confusion_section
from cellwright.evaluation.confusion_matrix import draw_confusion
from cellwright.evaluation.metrics import Scores
from cellwright.evaluation.mistakes import Mistakes
from cellwright.evaluation.report import CONFUSION, Report, Section
from cellwright.evaluation.series_scores import ForecastScores

MODEL = "this model"
"""Name of the network among the baselines, the first of them."""


@dataclass(frozen=True)
class SeriesClasses(Report):
    """Labels of series: the model, the nearest neighbour and the majority class on the same series."""

    models: Mapping[str, Scores]
    mistakes: Mistakes | None = None

    @property
    def counted(self) -> str:
        """How many series."""
        return f"{self.models[MODEL].texts:,} series"

    def sections(self) -> list[Section]:
        """The scores of the models, of each class, and the confusion matrix where it is not too wide."""
        rows = [(name, f"{s.accuracy:.3f}", f"{s.macro_f1:.3f}") for name, s in self.models.items()]
        model = self.models[MODEL]
        sections = [Section("scores", ("accuracy", "macro-F1"), rows), classes_section(model, "series")]
        return sections + ([confusion_section(model)] if len(model.labels) <= MOST_CLASSES else [])

    def as_json(self) -> dict[str, Any]:
        """Scores of each model, and of the network each class and the confusion matrix."""
        model = self.models[MODEL]
        return {
            "series": model.texts,
            "labels": list(model.labels),
            "models": {name: {"accuracy": s.accuracy, "macro_f1": s.macro_f1} for name, s in self.models.items()},
            "classes": [asdict(each) for each in model.classes],
            "confusion": [list(row) for row in model.confusion],
        }

    def verdict(self) -> str:
        """What the network adds to the best of the baselines."""
        return verdict("accuracy", {name: s.accuracy for name, s in self.models.items()}, higher=True)

    def pictures(self) -> dict[str, Callable[[Path], None]]:
        """The confusion matrix."""
        return {CONFUSION: lambda path: draw_confusion(self.models[MODEL], path)}


@dataclass(frozen=True)
class ForecastReport(Report):
    """Forecasts of numbers: the model, the last value, and the value a season before."""

    models: Mapping[str, ForecastScores]
    channels: Sequence[str]
    unit: str
    """What errors are measured in."""
    interval: float
    """Share of what comes that shall lie between the lowest and the highest quantile; of one quantile 0."""

    @property
    def counted(self) -> str:
        """How many numbers."""
        return f"{self.models[MODEL].count:,} numbers forecast"

    def sections(self) -> list[Section]:
        """The scores of the models; then the mean absolute errors of each step ahead, and of each channel."""
        rows = [
            (
                name,
                f"{s.quantile_loss:.4f}",
                f"{s.mae:.4f}",
                "–" if math.isnan(s.mase) else f"{s.mase:.3f}",
                *([] if s.coverage is None else [f"{s.coverage:.3f}" if name == MODEL else ""]),
            )
            for name, s in self.models.items()
        ]
        columns = ("quantile loss", "MAE", "MASE", *([f"coverage of {self.interval:g}"] if self.interval else []))
        sections = [Section(f"scores, in {self.unit}", columns, rows)]
        names = list(self.models)
        steps = [
            (str(k), *(f"{s.by_step[k - 1]:.4f}" for s in self.models.values()))
            for k in _some(len(self.models[MODEL].by_step))
        ]
        channels = [
            (name, *(f"{s.by_channel[c]:.4g}" for s in self.models.values()))
            for c, name in enumerate(self.channels[:MOST_CLASSES])
        ]
        return [
            *sections,
            *([Section("MAE by steps ahead", names, steps)] if len(steps) > 1 else []),
            Section("MAE of each channel, in its own units", names, channels),
        ]

    def as_json(self) -> dict[str, Any]:
        """Scores of each model."""
        return {
            "interval": self.interval,
            "channels": list(self.channels),
            "unit": self.unit,
            "models": {name: finite(asdict(scores)) for name, scores in self.models.items()},
        }

    def verdict(self) -> str:
        """What the network adds to the best of the baselines."""
        return verdict("MAE", {name: s.mae for name, s in self.models.items()}, higher=False)


@dataclass(frozen=True)
class MeanReport(Report):
    """One mean a model, the less the better, and how well it ranks what is labelled as an anomaly."""

    name: str
    """Of the mean, as tables call it."""
    key: str
    """The same in JSON."""
    scored: str
    """What was scored."""
    models: Mapping[str, float]
    areas: Mapping[str, float] | None = None
    """ROC AUC of each model; None where there are no labels to tell by."""

    @property
    def counted(self) -> str:
        """What was scored."""
        return self.scored

    def sections(self) -> list[Section]:
        """The means, and the areas where there are some."""
        areas = self.areas or {}
        rows = [
            (name, f"{mean:.4f}", *([f"{areas[name]:.3f}"] if self.areas else [])) for name, mean in self.models.items()
        ]
        return [Section("scores", (self.name, *(["ROC AUC"] if self.areas else [])), rows)]

    def as_json(self) -> dict[str, Any]:
        """The same for machines."""
        return {self.key: dict(self.models), "roc_auc": self.areas and dict(self.areas)}

    def verdict(self) -> str:
        """What the network adds to the best of the baselines."""
        if self.areas:
            return verdict("ROC AUC", self.areas, higher=True)
        return verdict(self.name, self.models, higher=False)


def finite(scores: dict[str, Any]) -> dict[str, Any]:
    """The scores with None for NaN, which JSON has not."""
    return {
        name: [_finite(each) for each in value] if isinstance(value, tuple) else _finite(value)
        for name, value in scores.items()
    }


def _finite(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else value


def _some(steps: int) -> list[int]:
    """The first steps, then every so many: twelve at most, the last among them."""
    stride = -(-steps // MOST_CLASSES)
    return sorted({*range(stride, steps + 1, stride), 1, steps})


OF_NETWORKS = "train longer, or with another --cell, --hidden-size or --learning-rate"
"""What may help a network that adds nothing."""


def verdict(name: str, scores: Mapping[str, float], higher: bool, advice: str = OF_NETWORKS) -> str:
    """What MODEL, among the scores, adds to the best of the others, in a sentence; advice: what to do if nothing."""
    model = scores[MODEL]
    baselines = {other: score for other, score in scores.items() if other != MODEL}
    if not baselines:
        return f"The {name} of {MODEL} is {model:.4g}."
    best = (max if higher else min)(baselines, key=baselines.__getitem__)
    gain = (model - baselines[best]) * (1 if higher else -1)
    if gain <= 0:
        ahead = f"{-gain:.3g} ahead of {MODEL}" if gain else f"as good as {MODEL}"
        return f"The {best} is {ahead} in {name}: {advice}."
    return f"{MODEL.capitalize()} is {gain:.3g} ahead of the {best} in {name}."
