"""How well numbers of series are told: coefficient of determination and errors, beside models without a network."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

from cellwright.evaluation.report import Report, Section
from cellwright.evaluation.series_reports import MODEL, verdict


@dataclass(frozen=True)
class NumberScores:
    """Of one model, in the numbers' own unit."""

    r2: float | None
    """Share of the variance that is explained; below 0 is worse than their mean; None where they do not vary."""
    mae: float
    rmse: float


@dataclass(frozen=True)
class SeriesNumbers(Report):
    """Numbers of series: the model, a linear model, and the mean of the training split."""

    series: int
    models: Mapping[str, NumberScores]

    @property
    def counted(self) -> str:
        """How many series."""
        return f"{self.series:,} series"

    def sections(self) -> list[Section]:
        """The scores of the models."""
        rows = [
            (name, "–" if s.r2 is None else f"{s.r2:.3f}", f"{s.mae:.4g}", f"{s.rmse:.4g}")
            for name, s in self.models.items()
        ]
        return [Section("scores", ("R²", "MAE", "RMSE"), rows)]

    def as_json(self) -> dict[str, Any]:
        """The same for machines."""
        return {"series": self.series, "models": {name: asdict(scores) for name, scores in self.models.items()}}

    def verdict(self) -> str:
        """What the network adds to the best of the baselines."""
        return verdict("RMSE", {name: s.rmse for name, s in self.models.items()}, higher=False)


def score_numbers(told: Mapping[str, Sequence[float]], true: Sequence[float]) -> SeriesNumbers:
    """Score the numbers of each model, MODEL among them, against the true ones."""
    varied = len(set(true)) > 1
    models = {
        name: NumberScores(
            r2=float(r2_score(true, numbers)) if varied else None,
            mae=float(mean_absolute_error(true, numbers)),
            rmse=float(root_mean_squared_error(true, numbers)),
        )
        for name, numbers in told.items()
    }
    assert MODEL in models
    return SeriesNumbers(len(true), models)
