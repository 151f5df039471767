"""Series forecasting: after each step the K steps that follow, all at once.

    h_t = recurrent(x_1 … x_t)                                              t = 1 … T
    q_1(x_(t+k)) = x_s + (W h_t + b)_(k,1)                                  k = 1 … K
    q_j(x_(t+k)) = q_(j-1)(x_(t+k)) + softplus((W h_t + b)_(k,j))           j = 2 … Q

where s is t, or with a season the latest step up to t that is whole seasons before t + k,
with the loss of Koenker and Bassett (1978), Regression quantiles: Wen et al. (2017), A multi-horizon quantile recurrent
forecaster, trains at every step t ("forking sequences") as here. Quantiles begin from x_s, so that an untrained
model is nearly the naive forecast, and rise, so that they never cross.

Where covariates f are known ahead, all that is known of the K steps takes its place beside h_t, as the global layer of
the same authors has it (their section 3.1):

    a_t = [h_t, f_(t+1) … f_(t+K)]                                          [a_t, tanh(A a_t + d)] in place of h_t

Channels that are 0 or 1 (which notes sound) are forecast by their probabilities: output "bernoulli".
"""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import pad, softplus

from cellwright.models.dropout import Dropout
from cellwright.models.series_architecture import SeriesModelConfig
from cellwright.models.series_input import SeriesInput, SeriesParameters, series_layers


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
        self.parameters_given = SeriesParameters(config)
        self.recurrent = series_layers(config, self.input.size, bidirectional=False)
        self.dropout = Dropout(config.dropout)
        self.told = config.horizon * config.roles.future * (2 if config.masked else 1)
        self.context = nn.Linear(config.hidden_size + self.told, config.hidden_size) if self.told else None
        features = config.hidden_size + (self.told + config.hidden_size if self.told else 0)
        self.dense = nn.Linear(features, config.horizon * config.targets * self.outputs)

    def forward(self, values: Tensor, known: Tensor, lengths: Tensor) -> Tensor:
        """values (B, T, C), known (B, T, C), lengths (B) int64 -> (B, T, K, C, Q): quantiles; of bernoulli logits.

        Of the C channels that are read only the targets are forecast. Beyond the lengths values of future covariates
        are told, and nothing else is read.
        """
        given = self.parameters_given(values, known)
        output, _ = self.recurrent(self.input(values, known), lengths=lengths, parameters=given)  # (B, T, H)
        found = self.dense(self._features(self.dropout(output), values, known))
        found = found.unflatten(-1, (self.config.horizon, self.config.targets, self.outputs))
        if self.config.likelihood == "bernoulli":
            return cast(Tensor, found)
        own = values[..., : self.config.targets]
        return before(own, self.config.horizon, self.config.season_length)[..., None] + rising(found)

    def _features(self, state: Tensor, values: Tensor, known: Tensor) -> Tensor:
        """What forecasts are made of: the state (B, T, H), and what is told ahead."""
        if self.context is None:
            return state
        roles = self.config.roles
        ahead = slice(self.config.targets + roles.past, self.config.targets + roles.past + roles.future)
        parts = [values, known] if self.config.masked else [values]
        told = [ahead_of(part[..., ahead], self.config.horizon).flatten(2) for part in parts]
        features = torch.cat([state, *told], -1)
        return torch.cat([features, self.context(features).tanh()], -1)

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


def rising(found: Tensor) -> Tensor:
    """Any numbers (…, Q) -> Q quantiles (…, Q), none of which is below the one before: the first as it is."""
    return torch.cat([found[..., :1], softplus(found[..., 1:])], dim=-1).cumsum(-1)


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


def scored(known: Tensor, first: Tensor, horizon: int, ends: Tensor | None = None) -> Tensor:
    """known (B, T, C), first (B) -> (B, T, K, C), 1 where what is forecast was there and is not before `first`.

    ends: (B), the steps of which covariates are told ahead: none is forecast where these are not told of all K.
    """
    steps = torch.arange(known.shape[1], device=known.device)
    counted = ahead_of(known * (steps >= first[:, None])[..., None], horizon)
    return counted if ends is None else counted * (steps + horizon < ends[:, None])[..., None, None]
