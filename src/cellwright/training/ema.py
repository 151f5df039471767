"""The exponential moving average (EMA) of a model's weights, which is what is scored and kept."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

MOVES = 8
"""Moves of the mean within its own length, at least. At every step it would take a tenth of a classifier's time."""


class EMA(AveragedModel):
    """A mean in which the past weighs `decay` per step; faster at first, when it is of few steps.

    It moves once in some steps, then by as much as in all of them: at every step at first, and where its length of
    1 / (1 - decay) steps is short; later at least MOVES times in that length.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        super().__init__(model, multi_avg_fn=self._move)
        self.requires_grad_(False)
        self.decay = decay

    @property
    def steps(self) -> int:
        """Those that it has followed."""
        return int(self.n_averaged)

    def follow(self, model: nn.Module) -> None:
        """Take notice of a step: move, if it is time to."""
        if self.steps % self._interval(self.steps):
            self.n_averaged += 1
        else:
            self.update_parameters(model)

    def _interval(self, steps: int) -> int:
        """Steps between two moves, a power of two, so that each is a multiple of those before."""
        most = int(min(steps, 1 / (1 - self.decay)) / MOVES)
        return 1 << max(most.bit_length() - 1, 0)

    def _move(self, mean: Any, weights: Any, steps: Tensor | int) -> None:
        """Move each mean towards its weight, in place."""
        count = int(steps)
        past = min(self.decay, (1 + count) / (10 + count)) ** self._interval(count)
        torch._foreach_lerp_(mean, weights, 1 - past)
