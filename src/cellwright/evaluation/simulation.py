"""How good a simulation is: quantiles at each step beside what was observed, series by series."""

import math
from collections.abc import Mapping, Sequence
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
    quantile_loss: float
    """Mean pinball loss over the quantiles."""
    mae: float
    """Mean absolute error of the middle quantile."""
    coverage: float
    """Share of what was observed between the lowest and the highest quantile, ends included."""
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
        quantile_loss=float((losses * known).sum() / count),
        mae=float((missed / units).sum() / count),
        coverage=float(covered.sum() / count),
        by_channel=tuple(by_channel.tolist()),
        count=int(count),
    )


def median_nse(found: Sequence[Values], observed: Sequence[Values]) -> float:
    """The median over N series and C targets, (T_i, C) each, of those that vary where they were observed, not NaN."""
    efficiencies = []
    for middle, true in zip(found, observed, strict=True):
        for simulated, seen in zip(middle.T, true.T, strict=True):
            there = seen[~np.isnan(seen)]
            if len({*there.tolist()}) > 1:
                error = np.square(simulated[~np.isnan(seen)] - there).sum()
                efficiencies.append(1 - error / np.square(there - there.mean()).sum())
    return float(np.median(efficiencies)) if efficiencies else math.nan


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
                "–" if math.isnan(s.nse) else f"{s.nse:.3f}",
                f"{s.quantile_loss:.4f}",
                f"{s.mae:.4f}",
                *([f"{s.coverage:.3f}" if name == MODEL else ""] if self.interval else []),
            )
            for name, s in self.models.items()
        ]
        columns = ("NSE", "quantile loss", "MAE", *([f"coverage of {self.interval:g}"] if self.interval else []))
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
