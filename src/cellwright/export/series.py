"""A model of series in the units of the data: logits, what follows the last step, or how badly steps are restored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import Tensor, nn

from cellwright.data.scaling import Scaling, original, standard
from cellwright.export.graph import BATCH, TIME, Axes, Graph, lengths_of
from cellwright.models.forecaster import Forecaster
from cellwright.models.series_autoencoder import errors
from cellwright.tasks.series.run import SeriesRun


class _Series(nn.Module):
    """The model between the scaling of its inputs and, where it foretells them, of its outputs."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, model: nn.Module, target: str, scaling: Scaling) -> None:
        super().__init__()
        self.model = model
        self.target = target
        # In float64: what is far from 0 and hardly moves would lose its digits.
        self.register_buffer("mean", torch.tensor(scaling.mean, dtype=torch.float64))
        self.register_buffer("deviation", torch.tensor(scaling.deviation, dtype=torch.float64))

    def forward(self, values: Tensor, lengths: Tensor, known: Tensor | None = None) -> dict[str, Tensor]:
        scaled = standard(values.double(), self.mean, self.deviation).float()
        known = torch.ones_like(scaled) if known is None else known
        found = cast(Tensor, self.model(scaled, known, lengths))
        if self.target == "classify":
            return {"logits": found}
        if self.target == "anomaly":
            return {"errors": errors(found, scaled, known)}
        ahead = cast(Forecaster, self.model).foretold(found, lengths).transpose(-1, -2)  # (B, K, Q, C)
        return {"forecast": original(ahead.double(), self.mean, self.deviation).transpose(-1, -2).float()}


def graph(run: SeriesRun) -> Graph:
    """Values, lengths, and where values may be missing which are known -> what the target is."""
    config, model = run.config, run.config.model
    axes: dict[str, Axes] = {"values": (BATCH, TIME, None), "lengths": (BATCH,)}
    if model.masked:
        axes["known"] = (BATCH, TIME, None)
    mean, deviation = (torch.tensor(each) for each in config.scaling)

    def draw(batch: int, time: int) -> Mapping[str, Tensor]:
        generator = torch.Generator().manual_seed(batch * time)
        shape = (batch, time, model.channels)
        found = {"values": original(torch.randn(shape, generator=generator), mean, deviation)}
        found["lengths"] = lengths_of(batch, time, generator)
        if model.masked:
            found["known"] = torch.randint(0, 2, shape, generator=generator).float()
        return found

    metadata: dict[str, Any] = {"target": model.target, "channels": config.channels, "labels": config.labels}
    metadata |= {"mean": config.scaling.mean, "quantiles": model.quantiles}
    feed = [f"values are in the units of the data, the channels {', '.join(config.channels)}; anything beyond lengths"]
    if model.masked:
        feed.append(
            "known is 1 where a value was there, else 0; a missing value is the last before it in its channel, or the "
            "channel's mean (in the metadata) where there is none"
        )
    feed.append(_answer(model.target, model.output))
    if model.target == "forecast":
        feed.append(f"of a longer series the run reads the last {config.options['window']} steps")
    if model.target == "anomaly":
        feed.append(f"the run cuts a longer series into stretches of at most {config.options['window']} steps")
    return Graph(_Series(run.model, model.target, config.scaling), axes, draw, metadata, feed)


def _answer(target: str, output: str) -> str:
    if target == "classify":
        return "softmax over logits gives the probability of each label, in the order of the metadata's labels"
    if target == "anomaly":
        return "errors are squared, in standard deviations of the training side; those beyond lengths say nothing"
    each = "the metadata's quantiles" if output == "quantiles" else "the probability of a 1"
    return f"forecast is (batch, steps ahead, channel, ·), {each}, after each series' last step"
