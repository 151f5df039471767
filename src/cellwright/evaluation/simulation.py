"""How good a simulation is: quantiles at each step beside what was observed, series by series."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch

from cellwright.data.series import Values
from cellwright.evaluation.report import Report, Section
from cellwright.evaluation.series_reports import MODEL, OF_NETWORKS, finite, verdict
from cellwright.models.forecaster import pinball

OF_PROCESSES = "train longer, or with another --cell, --learning-rate or --parameter-ranges"
"""What may help a process model that is no better than a baseline."""


@dataclass(frozen=True)
class SimulationScores:
    """Means over what was scored, in deviations of the training split where nothing else is said."""

    nse: float
    """The median over series and targets of 1 - mean squared error / variance; NaN where none varies.

    Nash and Sutcliffe (1970), River flow forecasting through conceptual models: 1 is best, 0 as good as the mean of
    what was observed.
    """
    kge: float
    """The median likewise of 1 - √((r - 1)² + (α - 1)² + (β - 1)²); NaN where none varies about a mean other than 0.

    r is the correlation with what was observed, α the ratio of deviations, β that of means. Gupta et al. (2009),
    Decomposition of the mean squared error and NSE performance criteria: 1 is best. A simulation that does not vary has
    no correlation; its r is 0, so that the mean of what was observed has 1 - √2 = -0.41.
    """
    quantile_loss: float
    """Mean pinball loss over the quantiles."""
    mae: float
    """Mean absolute error of the middle quantile."""
    coverage: float | None
    """Share of what was observed between the lowest and the highest quantile, ends included; None of one quantile."""
    by_channel: tuple[float, ...]
    """Mean absolute error of each target, in its own units; NaN where nothing was observed."""
    count: int
    """Numbers that were scored."""


def score_simulation(
    found: Sequence[Values], observed: Sequence[Values], quantiles: Sequence[float], deviations: Sequence[float]
) -> SimulationScores:
    """Score the simulation of N series.

    Args:
        found: quantiles (T_i, Q, C) of each; of Q = 1 the one stands for all.
        observed: (T_i, C) of each, NaN where it was not.
        quantiles: Q levels, the middle one the simulation.
        deviations: (C,), above 0, of the training split.

    """
    true = np.concatenate(observed)  # (T, C)
    told = np.concatenate([np.broadcast_to(f, (len(f), len(quantiles), f.shape[-1])) for f in found])  # (T, Q, C)
    known, units = ~np.isnan(true), np.array(deviations)
    count = known.sum()
    seen = np.where(known, true, 0)
    levels = torch.tensor(quantiles, dtype=torch.float64)
    losses = pinball(torch.from_numpy(told / units).transpose(1, 2), torch.from_numpy(seen / units), levels).numpy()
    missed = np.where(known, np.abs(told[:, len(quantiles) // 2] - seen), 0)
    covered = (told[:, 0] <= seen) & (seen <= told[:, -1]) & known
    with np.errstate(invalid="ignore"):  # of a target that was never observed
        by_channel = missed.sum(0) / known.sum(0)
    middles = [each[:, each.shape[1] // 2] for each in found]
    return SimulationScores(
        nse=median_nse(middles, observed),
        kge=_median(_kge(*each) for each in _varying(middles, observed)),
        quantile_loss=float((losses * known).sum() / count),
        mae=float((missed / units).sum() / count),
        coverage=float(covered.sum() / count) if len(quantiles) > 1 else None,
        by_channel=tuple(by_channel.tolist()),
        count=int(count),
    )


def median_nse(found: Sequence[Values], observed: Sequence[Values]) -> float:
    """The median over N series and C targets, (T_i, C) each, of those that vary where they were observed, not NaN."""
    return _median(_nse(*each) for each in _varying(found, observed))


def _varying(found: Sequence[Values], observed: Sequence[Values]) -> Iterator[tuple[Values, Values]]:
    """Each series of each target that varies: (T,) of it simulated and as it was, where it was observed."""
    for middle, true in zip(found, observed, strict=True):
        for simulated, seen in zip(middle.T, true.T, strict=True):
            there = ~np.isnan(seen)
            if len({*seen[there].tolist()}) > 1:
                yield simulated[there], seen[there]


def _nse(simulated: Values, seen: Values) -> float:
    return float(1 - np.square(simulated - seen).sum() / np.square(seen - seen.mean()).sum())


def _kge(simulated: Values, seen: Values) -> float:
    if seen.mean() == 0:
        return math.nan
    spread = simulated.std() * seen.std()
    together = np.mean((simulated - simulated.mean()) * (seen - seen.mean()))
    correlation = together / spread if len({*simulated.tolist()}) > 1 else 0
    ratios = simulated.std() / seen.std(), simulated.mean() / seen.mean()
    return 1 - math.hypot(correlation - 1, *(each - 1 for each in ratios))


def _median(scores: Iterable[float]) -> float:
    """The median of the scores that are there, NaN where none is."""
    known = [each for each in scores if not math.isnan(each)]
    return float(np.median(known)) if known else math.nan


@dataclass(frozen=True)
class SimulationReport(Report):
    """Simulations: the model, a linear model of the inputs, and the mean of the training split."""

    models: Mapping[str, SimulationScores]
    channels: Sequence[str]
    """The targets."""
    interval: float
    """Share of what is observed that shall lie between the lowest and the highest quantile; of one quantile 0."""
    parameters: Mapping[str, Sequence[float]]
    """Of a process model the parameters of each series, by name."""

    @property
    def counted(self) -> str:
        """How many numbers."""
        return f"{self.models[MODEL].count:,} numbers simulated"

    def sections(self) -> list[Section]:
        """The scores of the models; then the mean absolute errors of each target."""
        rows = [
            (
                name,
                *("–" if math.isnan(each) else f"{each:.3f}" for each in (s.nse, s.kge)),
                f"{s.quantile_loss:.4f}",
                f"{s.mae:.4f}",
                *([] if s.coverage is None else [f"{s.coverage:.3f}" if name == MODEL else ""]),
            )
            for name, s in self.models.items()
        ]
        columns = ("NSE", "KGE", "quantile loss", "MAE", *([f"coverage of {self.interval:g}"] if self.interval else []))
        channels = [
            (name, *(f"{s.by_channel[c]:.4g}" for s in self.models.values())) for c, name in enumerate(self.channels)
        ]
        told = [
            (name, *(f"{each:.4g}" for each in (np.median(found), min(found), max(found))))
            for name, found in self.parameters.items()
        ]
        return [
            Section("scores, in standard deviations of the training split", columns, rows),
            Section("MAE of each target, in its own units", list(self.models), channels),
            *([Section("parameters, over the series", ("median", "lowest", "highest"), told)] if told else []),
        ]

    def as_json(self) -> dict[str, Any]:
        """Scores of each model."""
        return {
            "interval": self.interval,
            "channels": list(self.channels),
            "parameters": {name: list(found) for name, found in self.parameters.items()},
            "models": {name: finite(asdict(scores)) for name, scores in self.models.items()},
        }

    def verdict(self) -> str:
        """What the model adds to the best of the baselines."""
        scores = {name: s.mae for name, s in self.models.items()}
        return verdict("MAE", scores, higher=False, advice=OF_PROCESSES if self.parameters else OF_NETWORKS)
