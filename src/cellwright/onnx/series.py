"""A model of series in the units of the data: logits, what follows the last step, or how badly steps are restored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn

from cellwright import cells
from cellwright.data.scaling import STILL, original, standard
from cellwright.errors import InputError
from cellwright.models.forecaster import Forecaster
from cellwright.models.series_autoencoder import errors
from cellwright.onnx.graph import BATCH, TIME, Axes, Graph, lengths_of
from cellwright.tasks.series.objectives import spec_of
from cellwright.tasks.series.run import SeriesRun, SeriesRunConfig


class Outputs(NamedTuple):
    """What the model makes of a batch, and of what."""

    model: nn.Module
    config: SeriesRunConfig
    found: Tensor
    lengths: Tensor
    """(B,)"""
    scaled: Tensor
    """(B, T, C)"""
    known: Tensor
    """(B, T, C)"""


class Units(NamedTuple):
    """What scaled values are in units of, each (C,) or (B, 1, C): their mean in two parts, and the deviation."""

    mean: Tensor
    rest: Tensor
    deviation: Tensor


def _logits(outputs: Outputs, units: Units) -> dict[str, Tensor]:
    return {"logits": outputs.found}


def _value(outputs: Outputs, units: Units) -> dict[str, Tensor]:
    numbers = outputs.config.numbers
    assert numbers is not None  # of a run of this objective
    return {"value": original(outputs.found.double(), numbers.mean[0], numbers.deviation[0]).float()}


def _errors(outputs: Outputs, units: Units) -> dict[str, Tensor]:
    return {"errors": errors(outputs.found, outputs.scaled, outputs.known)}


def _forecast(outputs: Outputs, units: Units) -> dict[str, Tensor]:
    ahead = cast(Forecaster, outputs.model).forecast(outputs.found, outputs.lengths)  # (B, K, C, Q)
    return {"forecast": _in_units(ahead, units)}


def _simulation(outputs: Outputs, units: Units) -> dict[str, Tensor]:
    return {"simulation": _in_units(outputs.found, units)}


def _in_units(found: Tensor, units: Units) -> Tensor:
    """Quantiles (…, targets, Q), scaled, in the units of the data."""
    mean, rest, deviation = (part[..., : found.shape[-2], None] for part in units)
    return cast(Tensor, original(found, rest, deviation) + mean)


class Exported(NamedTuple):
    """How an objective's answers stand in the file."""

    answer: Callable[[Outputs, Units], dict[str, Tensor]]
    """The outputs by name, in the units of the data."""
    says: str
    """What the outputs are, for whoever runs the file."""
    longer: str | None = None
    """What the run does with a series longer than its window, which the sentence leaves room for."""


LAST = "of a longer series the run reads the last {} steps"
EXPORTED = {
    "classify": Exported(
        _logits, "softmax over logits gives the probability of each label, in the order of the metadata's labels"
    ),
    "regress": Exported(_value, "value (batch) is in the unit of the numbers learned from"),
    "forecast": Exported(
        _forecast,
        "forecast is (batch, steps ahead, channel, ·), the metadata's quantiles, after each series' last step",
        LAST,
    ),
    "frames": Exported(
        _forecast,
        "forecast is (batch, steps ahead, channel, ·), the probability of a 1, after each series' last step",
        LAST,
    ),
    "simulate": Exported(
        _simulation,
        "simulation is (batch, time, target, ·), the metadata's quantiles at each step; nothing beyond lengths",
        "the run cuts a longer series into stretches of at most {} steps",
    ),
    "anomaly": Exported(
        _errors,
        "errors are squared, of scaled values; those beyond lengths say nothing",
        "the run cuts a longer series into stretches of at most {} steps",
    ),
}
"""Of each objective of `tasks/series/objectives.py`."""


class _Series(nn.Module):
    """The model between the scaling of its inputs and, where they have one, of its outputs."""

    mean: Tensor
    rest: Tensor
    deviation: Tensor
    shared: Tensor
    """(C,): whether a channel's scale is the training split's though others have their own."""

    def __init__(self, config: SeriesRunConfig, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.answer = EXPORTED[spec_of(config.model).name].answer
        self.own = config.scaling.by == "window"
        self.inputs = config.model.inputs
        self.config = config
        # In two parts: what is far from 0 and hardly moves would lose its digits, and not every runtime has float64.
        mean, rest = _in_two(torch.tensor(config.scaling.mean, dtype=torch.float64))
        self.register_buffer("mean", mean)
        self.register_buffer("rest", rest)
        self.register_buffer("deviation", torch.tensor(config.scaling.deviation))
        shared = [channel in config.scaling.shared for channel in range(config.model.channels)]
        self.register_buffer("shared", torch.tensor(shared))

    def forward(self, values: Tensor, lengths: Tensor, known: Tensor | None = None) -> dict[str, Tensor]:
        known = torch.ones_like(values) if known is None else known
        mean, rest, deviation = self.mean, self.rest, self.deviation
        if self.own:
            wide, deviation = self._scale(values.double(), known, lengths)
            (mean, rest), deviation = _in_two(wide), deviation.float()
        read = slice(-self.inputs, None)  # no target that is simulated
        scaled = standard(values - mean[..., read], rest[..., read], deviation[..., read])
        if self.own:  # what no value stands before is the mean, which a caller does not know
            scaled = torch.where(known.cumsum(1) > 0, scaled, 0.0)
        found = cast(Tensor, self.model(scaled, known, lengths))
        outputs = Outputs(self.model, self.config, found, lengths, scaled, known)
        return self.answer(outputs, Units(mean, rest, deviation))

    def _scale(self, values: Tensor, known: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """The mean and the deviation (B, 1, C) of the steps that are known, as `Scaling.of` has them."""
        steps = torch.arange(values.shape[1])
        there = (known > 0) & (steps < lengths[:, None])[..., None]
        count = there.sum(1, keepdim=True).clamp(min=1)
        mean = torch.where(there, values, 0.0).sum(1, keepdim=True) / count
        apart = torch.where(there, values - mean, 0.0)
        deviation = (apart.square().sum(1, keepdim=True) / count).sqrt()
        distance = torch.where(mean == 0, self.deviation, mean.abs())
        deviation = torch.where(deviation <= STILL * mean.abs(), distance, deviation)
        kept = self.mean.double() + self.rest
        return torch.where(self.shared, kept, mean), torch.where(self.shared, self.deviation, deviation)


def _in_two(wide: Tensor) -> tuple[Tensor, Tensor]:
    """Float64 as a sum of two of float32."""
    return wide.float(), (wide - wide.float()).float()


def graph(run: SeriesRun) -> Graph:
    """Values, lengths, and where values may be missing which are known -> what the objective is.

    Raises InputError for a run that was told covariates ahead, and for a process model.
    """
    config, model = run.config, run.config.model
    _check_written(run)
    names = config.channels[-model.inputs :]
    axes: dict[str, Axes] = {"values": (BATCH, TIME, None), "lengths": (BATCH,)}
    if model.masked:
        axes["known"] = (BATCH, TIME, None)
    mean, deviation = (torch.tensor(part[-model.inputs :]) for part in (config.scaling.mean, config.scaling.deviation))

    def draw(batch: int, time: int) -> Mapping[str, Tensor]:
        generator = torch.Generator().manual_seed(batch * time)
        shape = (batch, time, model.inputs)
        found = {"values": original(torch.randn(shape, generator=generator), mean, deviation)}
        found["lengths"] = lengths_of(batch, time, generator)
        if model.masked:
            found["known"] = torch.randint(0, 2, shape, generator=generator).float()
        return found

    metadata: dict[str, Any] = {"objective": model.objective, "channels": names, "labels": config.labels}
    metadata |= {
        "mean": config.scaling.mean[-model.inputs :],
        "quantiles": model.quantiles,
        "targets": config.channels[: model.targets],
    }
    return Graph(_Series(config, run.model), axes, draw, metadata, _feed(config, names))


def _check_written(run: SeriesRun) -> None:
    if run.config.model.roles.future:
        raise InputError(
            f"{run.path}: forecasts with future covariates, which are told beyond the last step, where a file of ONNX "
            "has no room for them; expected a run without: use predict or serve, or train without --future-covariates"
        )
    if run.config.model.units:
        name = cells.get(run.config.model.cell).name
        raise InputError(
            f"{run.path}: a run of --cell {name}, which reads columns by name, is not written as "
            "ONNX; expected one of a network: use predict or serve"
        )


def _feed(config: SeriesRunConfig, names: list[str]) -> list[str]:
    """What whoever feeds the file has to know, `names` being its channels."""
    feed = [f"values are in the units of the data, the channels {', '.join(names)}; anything beyond lengths"]
    if config.model.masked:
        none = "anything" if config.scaling.by == "window" else "the channel's mean (in the metadata)"
        feed.append(
            "known is 1 where a value was there, else 0; a missing value is the last before it in its channel, or "
            f"{none} where there is none"
        )
    exported = EXPORTED[spec_of(config.model).name]
    feed.append(exported.says)
    if config.scaling.by == "window":
        feed.append("each series is scaled by its own steps, in the file")
    if exported.longer is not None:
        feed.append(exported.longer.format(config.options["window"]))
    return feed
