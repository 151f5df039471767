"""What costs nothing with numeric series: models without a weight, called as models of series are.

Values and their mask (B, T, C), in deviations from each channel's mean, and lengths (B). T time, B batch, C channels, K
steps ahead, Q quantiles.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cellwright.data.series import Values
from cellwright.models.forecaster import before

LAGS = 30
"""Steps whose inputs a linear filter sees."""
LINEAR_FILTER = f"linear model of {LAGS} steps"
Numbers = NDArray[np.floating]
Model = Callable[[Tensor, Tensor, Tensor], Tensor]


def repeated(horizon: int, quantiles: int, season: int | None = None, targets: int | None = None) -> Model:
    """The last value, or that a season before, for all Q quantiles -> (B, T, K, C, Q).

    targets: how many channels, the first, are forecast; None: all.
    """

    def forecast(values: Tensor, known: Tensor, lengths: Tensor) -> Tensor:
        return before(values[..., :targets], horizon, season)[..., None].expand(-1, -1, -1, -1, quantiles)

    return forecast


def frequencies(frames: Sequence[Values], horizon: int) -> Model:
    """How often each channel is 1 in the frames (T_i, C) -> logits (B, T, K, C, 1), the same at every step."""
    share = _share(np.concatenate(frames))
    logits = torch.tensor(np.log(share / (1 - share)), dtype=torch.float32)

    def forecast(values: Tensor, known: Tensor, lengths: Tensor) -> Tensor:
        return logits[:, None].expand(*values.shape[:2], horizon, -1, 1)

    return forecast


def held(frames: Sequence[Values], horizon: int) -> Model:
    """How often each channel is 1, k steps after it was 0 and after it was 1 -> logits (B, T, K, C, 1)."""
    tables = []
    for k in range(1, horizon + 1):
        before = np.concatenate([series[:-k] for series in frames])
        after = np.concatenate([series[k:] for series in frames])
        shares = [_share(np.where(before == state, after, np.nan)) for state in (0, 1)]
        tables.append([np.log(share / (1 - share)) for share in shares])
    logits = torch.tensor(np.array(tables), dtype=torch.float32)  # (K, 2, C)

    def forecast(values: Tensor, known: Tensor, lengths: Tensor) -> Tensor:
        on = values[:, :, None]  # (B, T, 1, C)
        return (logits[:, 0] * (1 - on) + logits[:, 1] * on)[..., None]

    return forecast


def constant(numbers: Numbers, quantiles: int) -> Model:
    """These numbers (targets,) at every step, for all Q quantiles -> (B, T, targets, Q)."""
    told = torch.tensor(numbers, dtype=torch.float32)[:, None]
    return lambda values, known, lengths: told.expand(*values.shape[:2], -1, quantiles)


def linear_filter(train: Sequence[Numbers], targets: Sequence[Values], asked: Sequence[Numbers]) -> list[Values]:
    """The targets of each step by ridge regression on the inputs of that step and of the LAGS - 1 before it.

    Args:
        train: inputs (T_i, I) of each series learned from, in deviations; a missing one is 0, the mean.
        targets: (T_i, C) of the same, NaN where missing.
        asked: inputs (T_j, I) of others.

    Returns:
        (T_j, C) of each of `asked`.

    """
    channels = targets[0].shape[1]
    weights = []
    for channel in range(channels):
        products, sums = np.eye(LAGS * train[0].shape[1] + 1), 0.0  # a penalty of 1, of what is scaled
        for inputs, values in zip(train, targets, strict=True):
            known = ~np.isnan(values[:, channel])
            rows = _lagged(inputs)[known]
            products, sums = products + rows.T @ rows, sums + rows.T @ values[known, channel]
        weights.append(np.linalg.solve(products, sums))
    return [_lagged(inputs) @ np.array(weights).T for inputs in asked]


def _lagged(inputs: Numbers) -> Values:
    """(T, I) -> (T, LAGS · I + 1): a one, and the inputs of as many steps up to each; zeros before the first."""
    known = np.nan_to_num(inputs).astype(np.float64)
    padded = np.concatenate([np.zeros((LAGS - 1, known.shape[1])), known])
    lagged = np.lib.stride_tricks.sliding_window_view(padded, LAGS, axis=0).reshape(len(known), -1)
    return np.concatenate([np.ones((len(known), 1)), lagged], axis=1)


def mean(values: Tensor, known: Tensor, lengths: Tensor) -> Tensor:
    """Every step restored as the mean (B, T, C)."""
    return torch.zeros_like(values)


def mean_number(values: Tensor, known: Tensor, lengths: Tensor) -> Tensor:
    """The mean of the numbers learned from, for every series (B)."""
    return values.new_zeros(len(values))


def linear_model(train: Sequence[Numbers], numbers: Sequence[float], asked: Sequence[Numbers]) -> list[float]:
    """The number of each series by ridge regression on its values, fitted on `train`.

    Series are brought to one length as in `nearest_neighbour`; the penalty is chosen on `train` by leaving one out.
    """
    from sklearn.linear_model import RidgeCV

    steps = max(map(len, train))
    model = RidgeCV(alphas=np.logspace(-3, 5, 17))
    model.fit([_stretched(series, steps) for series in train], numbers)
    return [float(number) for number in model.predict([_stretched(series, steps) for series in asked])]


def nearest_neighbour(train: Sequence[Numbers], labels: Sequence[str], unlabelled: Sequence[Numbers]) -> list[str]:
    """The label of the nearest series of `train` for each of `unlabelled`, by Euclidean distance.

    Values (T_i, C) are brought to one length by linear interpolation; a missing one is 0, the mean.
    """
    from sklearn.neighbors import KNeighborsClassifier  # slow to load, and the other baselines do without

    steps = max(map(len, train))
    model = KNeighborsClassifier(n_neighbors=1)
    model.fit([_stretched(series, steps) for series in train], labels)
    return [str(label) for label in model.predict([_stretched(series, steps) for series in unlabelled])]


def _stretched(series: Numbers, steps: int) -> Values:
    """(T, C) -> (steps · C)."""
    old, new = np.linspace(0, 1, len(series)), np.linspace(0, 1, steps)
    return np.concatenate([np.interp(new, old, channel) for channel in np.nan_to_num(series).T])


def _share(values: Values) -> Values:
    """Share of ones (C,) of (T, C), as if one more 0 and one more 1 had been seen: never 0 or 1."""
    ones, known = np.nansum(values, axis=0), (~np.isnan(values)).sum(0)
    share: Values = (ones + 1) / (known + 2)
    return share
