"""The last layer of a language model: from features to the next token's distribution."""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from cellwright.errors import InputError

SMALLEST_ADAPTIVE = 1000
"""Fewest tokens that are worth three groups."""


class Softmax(nn.Module):
    """softmax(W h + b); W may be an embedding's weight."""

    def __init__(self, features: int, vocabulary: int, tied: Tensor | None = None) -> None:
        super().__init__()
        self.dense = nn.Linear(features, vocabulary)
        if tied is not None:
            self.dense.weight = cast(nn.Parameter, tied)

    def forward(self, features: Tensor) -> Tensor:
        """(…, H) -> (…, V), logarithms of probabilities."""
        return cast(Tensor, self.dense(features)).log_softmax(-1)

    def nats(self, features: Tensor, targets: Tensor) -> Tensor:
        """(N, H), (N) int64 -> (N): minus the logarithm of the target's probability."""
        return cross_entropy(self.dense(features), targets, reduction="none")


class AdaptiveSoftmax(nn.Module):
    """Groups of rarer and rarer tokens, with fewer and fewer features (Grave et al. 2017, "Efficient softmax").

    Tokens are numbered by falling frequency, as characters and words are. Raises InputError for a small vocabulary.
    """

    def __init__(self, features: int, vocabulary: int) -> None:
        super().__init__()
        if vocabulary < SMALLEST_ADAPTIVE:
            raise InputError(
                f"--softmax adaptive: the vocabulary has {vocabulary} tokens; expected at least {SMALLEST_ADAPTIVE}, "
                "below which the full softmax takes no more time: leave the option out"
            )
        self.dense = nn.AdaptiveLogSoftmaxWithLoss(features, vocabulary, [vocabulary // 20, vocabulary // 4])

    def forward(self, features: Tensor) -> Tensor:
        """(…, H) -> (…, V), logarithms of probabilities."""
        logarithms: Tensor = self.dense.log_prob(features.flatten(0, -2))
        return logarithms.view(*features.shape[:-1], -1)

    def nats(self, features: Tensor, targets: Tensor) -> Tensor:
        """(N, H), (N) int64 -> (N): minus the logarithm of the target's probability."""
        output: Tensor = self.dense(features, targets).output
        return torch.neg(output)
