"""What is dropped: single numbers, and at all steps alike units (locked dropout), whole tokens, weights (DropConnect).

Gal and Ghahramani 2016, "A theoretically grounded application of dropout in recurrent neural networks"; Merity, Keskar
and Socher 2017, "Regularizing and optimizing LSTM language models".
"""

from typing import Any

import numpy as np
import torch
from numpy.random.bit_generator import ISeedSequence
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils import parametrize

from cellwright.data.special_tokens import PADDING, UNKNOWN
from cellwright.nn import Recurrent

LEVELS = 2**16
"""A rate is rounded to this share of 1."""


def dropout(values: Tensor, rate: float) -> Tensor:
    """A share `rate` of the numbers becomes 0, the rest grows by 1 / (1 - rate); values of any shape.

    torch.nn.functional.dropout draws 53 bits for each number, which on a CPU takes longer than a recurrent layer needs
    for the same numbers; here 64 bits serve four.
    """
    dropped = min(round(rate * LEVELS), LEVELS - 1)
    kept = _sixteen_bits(values) >= dropped - LEVELS // 2
    return values * kept.to(values.dtype).mul_(LEVELS / (LEVELS - dropped))


def _sixteen_bits(values: Tensor) -> Tensor:
    """An int16 for each of `values`, each of 2¹⁶ equally likely; torch's generator decides which."""
    count = -(-values.numel() // 4)
    if values.device.type == "cpu":  # numpy's takes half the time of torch's
        drawn = torch.from_numpy(np.random.SFC64(_BY_TORCH).random_raw(count).view(np.int16))
    else:
        drawn = _words(count, values.device).view(torch.int16)
    return drawn[: values.numel()].view(values.shape)


def _words(count: int, device: torch.device) -> Tensor:
    """(count) int64 of 64 random bits each, by torch's generator."""
    return torch.empty(count, dtype=torch.int64, device=device).random_(-(2**63), None)


class _ByTorch(ISeedSequence):
    """Begins a generator of numpy with bits of torch's, as they are: numpy's own way of mixing a seed takes longer."""

    def generate_state(self, n_words: int, dtype: Any = np.uint32) -> NDArray[Any]:
        """(n_words) of an unsigned type."""
        return _words(n_words, torch.device("cpu")).numpy().astype(dtype)


_BY_TORCH: Any = _ByTorch()  # numpy's generators take one, which their types do not say


def hide(tokens: Tensor, rate: float) -> Tensor:
    """Tokens (…) int64 of which a share `rate` reads as unknown; padding stays."""
    hidden = torch.rand(tokens.shape, device=tokens.device) < rate
    return tokens.masked_fill(hidden & (tokens != PADDING), UNKNOWN)


class Dropout(nn.Module):
    """torch.nn.Dropout by `dropout` above; for 0 <= rate < 1."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, values: Tensor) -> Tensor:
        """Of any shape; in evaluation as they are."""
        return dropout(values, self.rate) if self.training and self.rate else values

    def extra_repr(self) -> str:
        """The rate."""
        return f"{self.rate}"


class LockedDropout(nn.Module):
    """(B, T, F), or (T, B, F), -> the same, without the features that are drawn for each sequence once."""

    def __init__(self, rate: float, batch_first: bool = False) -> None:
        super().__init__()
        self.rate = rate
        self.batch_first = batch_first

    def forward(self, values: Tensor) -> Tensor:
        """Kept features grow by 1 / (1 - rate); in evaluation all stay as they are."""
        if not (self.training and self.rate):
            return values
        steps = 1 if self.batch_first else 0
        kept = values.new_ones(*values.shape[:steps], 1, *values.shape[steps + 1 :])
        return values * dropout(kept, self.rate)


class TokenDropout(nn.Module):
    """Embedded tokens without those whose number is drawn, wherever they stand."""

    def __init__(self, vocabulary: int, rate: float) -> None:
        super().__init__()
        self.vocabulary = vocabulary
        self.rate = rate

    def forward(self, embedded: Tensor, tokens: Tensor) -> Tensor:
        """embedded (…, E), tokens (…) int64 -> (…, E); kept ones grow by 1 / (1 - rate)."""
        if not (self.training and self.rate):
            return embedded
        return embedded * dropout(embedded.new_ones(self.vocabulary), self.rate)[tokens][..., None]


class DropConnect(nn.Module):
    """A weight of which a share is zero, drawn anew whenever it is read; the identity in evaluation."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, weight: Tensor) -> Tensor:
        """Kept weights grow by 1 / (1 - rate)."""
        return dropout(weight, self.rate) if self.training else weight


def between(layers: int, rate: float) -> float:
    """The rate between stacked layers: 0 where there is one, as torch.nn warns of dropout that has nothing to drop."""
    return rate if layers > 1 else 0.0


def drop_weights(layer: Recurrent, rate: float) -> None:
    """Let `layer` read its weights from h to h through DropConnect. It reads them once a call, so for all steps."""
    for name in [name for name, _ in layer.named_parameters() if name.startswith("weight_hh")]:
        parametrize.register_parametrization(layer, name, DropConnect(rate))
