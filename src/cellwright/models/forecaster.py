"""Series forecasting: after each step the K steps that follow, all at once.

    h_t = recurrent(x_1 … x_t)                                              t = 1 … T
    q_1(x_(t+k)) = x_s + (W h_t + b)_(k,1)                                  k = 1 … K
    q_j(x_(t+k)) = q_(j-1)(x_(t+k)) + softplus((W h_t + b)_(k,j))           j = 2 … Q

where s is t, or with a season the latest step up to t that is whole seasons before t + k,
with the loss of Koenker and Bassett (1978), Regression quantiles: Wen et al. (2017), A multi-horizon quantile recurrent
forecaster, trains at every step t ("forking sequences") as here. Quantiles begin from x_s, so that an untrained
model is nearly the naive forecast, and rise, so that they never cross.

Channels that are 0 or 1 (which notes sound) are forecast by their probabilities: output "bernoulli".
"""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import pad, softplus

from cellwright.models.dropout import Dropout
from cellwright.models.series_architecture import SeriesModelConfig
from cellwright.models.series_input import SeriesInput, series_layers


class Forecaster(nn.Module):
    """Forecasts of numeric series, at every step for the K steps that follow it.

    config = SeriesModelConfig(objective="forecast", channels=2, masked=False, horizon=12, quantiles=(0.1, 0.5))
    model = Forecaster(config)
    ahead = model(values, known, lengths)    # (B, T, C) and their mask, (B) int64 -> (B, T, K, C, Q)
    """

    def __init__(self, config: SeriesModelConfig) -> None:
        super().__init__()
        self.config = config
        self.outputs = len(config.quantiles) if config.likelihood == "quantiles" else 1
        self.input = SeriesInput(config)
        self.recurrent = series_layers(config, self.input.size, bidirectional=False)
        self.dropout = Dropout(config.dropout)
        self.dense = nn.Linear(config.hidden_size, config.horizon * config.channels * self.outputs)

    def forward(self, values: Tensor, known: Tensor, lengths: Tensor) -> Tensor:
        """values (B, T, C), known (B, T, C), lengths (B) int64 -> (B, T, K, C, Q): quantiles; of bernoulli logits."""
        output, _ = self.recurrent(self.input(values, known), lengths=lengths)  # (B, T, H)
        found = self.dense(self.dropout(output))
        found = found.unflatten(-1, (self.config.horizon, self.config.channels, self.outputs))
        if self.config.likelihood == "bernoulli":
            return cast(Tensor, found)
        rises = torch.cat([found[..., :1], softplus(found[..., 1:])], dim=-1)
        return before(values, self.config.horizon, self.config.season_length)[..., None] + rises.cumsum(-1)

    def forecast(self, ahead: Tensor, lengths: Tensor) -> Tensor:
        """(B, T, K, C, Q), lengths (B) from 1 on -> (B, K, C, Q): after each last step; of bernoulli probabilities."""
        last = ahead[torch.arange(ahead.shape[0], device=ahead.device), lengths - 1]
        return last.sigmoid() if self.config.likelihood == "bernoulli" else last


def before(values: Tensor, horizon: int, season: int | None) -> Tensor:
    """values (B, T, C) -> (B, T, K, C): for each of the K steps that follow a step the value x_s, known by then.

    Where no season has gone by before, it is the last value.
    """
    steps = torch.arange(values.shape[1], device=values.device)[:, None]  # (T, 1)
    ahead = torch.arange(1, horizon + 1, device=values.device)  # (K)
    source = steps + (ahead - season * -(-ahead // season) if season else 0 * ahead)  # (T, K), at most the step
    return values[:, torch.where(source >= 0, source, steps)]


def pinball(forecast: Tensor, future: Tensor, quantiles: Tensor) -> Tensor:
    """Forecasts (…, Q) of what came (…), quantiles (Q,) in (0, 1) -> (…): the mean over quantiles of their loss.

    A quantile q that is d below what came costs q·d, one that is d above it (1 − q)·d.
    """
    below = future[..., None] - forecast
    return torch.maximum(quantiles * below, (quantiles - 1) * below).mean(-1)


def ahead_of(values: Tensor, horizon: int) -> Tensor:
    """values (B, T, C) -> (B, T, K, C): at each step the K that follow it, zeros beyond the last."""
    padded = pad(values, (0, 0, 0, horizon))  # (B, T + K, C)
    return padded.unfold(1, horizon, 1)[:, 1:].transpose(2, 3)


def scored(known: Tensor, first: Tensor, horizon: int) -> Tensor:
    """known (B, T, C), first (B) -> (B, T, K, C), 1 where what is forecast was there and is not before `first`."""
    steps = torch.arange(known.shape[1], device=known.device)
    return ahead_of(known * (steps >= first[:, None])[..., None], horizon)
