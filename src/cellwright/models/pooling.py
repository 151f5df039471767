"""From the outputs of every step to one vector a row, never looking past a row's length.

Each takes `output` (B, T, F), zero past each row's length, and `lengths` (B); each gives (B, F), and zeros for
a row of length 0.
"""

from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from cellwright.models.architecture import Pooling


def valid(output: Tensor, lengths: Tensor) -> Tensor:
    """(B, T, 1), true where a step lies within its row."""
    steps = torch.arange(output.shape[1], device=output.device)
    return (steps < lengths[:, None]).unsqueeze(-1)


class LastPooling(nn.Module):
    """The output that has read the whole row: the forward half at its last step, the backward half at its first."""

    def __init__(self, bidirectional: bool) -> None:
        super().__init__()
        self.bidirectional = bidirectional

    def forward(self, output: Tensor, lengths: Tensor) -> Tensor:
        """(B, T, F), (B) -> (B, F)."""
        ends = (lengths - 1).clamp(min=0)
        at_end = output[torch.arange(output.shape[0], device=output.device), ends]  # (B, F)
        if not self.bidirectional:
            return at_end
        half = output.shape[-1] // 2
        return torch.cat([at_end[:, :half], output[:, 0, half:]], dim=-1)


class _Largest(torch.autograd.Function):
    """The gradient of amax over dim 1, shared among ties as torch shares it, which takes three times as long to."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        """(B, T, F) -> (B, F)."""
        largest = values.amax(1)
        ctx.save_for_backward(values, largest)
        return largest

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        """(B, F) -> (B, T, F)."""
        values, largest = ctx.saved_tensors
        ties = torch.empty_like(values)  # zeros and ones, in one pass
        torch.eq(values, largest[:, None], out=ties)
        return ties.mul_((gradient / ties.sum(1))[:, None])


class MaxPooling(nn.Module):
    """The largest value of each feature over the valid steps."""

    def forward(self, output: Tensor, lengths: Tensor) -> Tensor:
        """(B, T, F), (B) -> (B, F)."""
        # To add takes half of masked_fill's time.
        beyond = torch.zeros_like(output[..., :1]).masked_fill(~valid(output, lengths), -torch.inf)
        largest = cast(Tensor, _Largest.apply(output + beyond))  # type: ignore[no-untyped-call]
        return largest.masked_fill((lengths == 0)[:, None], 0.0)


class MeanPooling(nn.Module):
    """The mean of each feature over the valid steps."""

    def forward(self, output: Tensor, lengths: Tensor) -> Tensor:
        """(B, T, F), (B) -> (B, F)."""
        total = output.masked_fill(~valid(output, lengths), 0.0).sum(1)
        return total / lengths.clamp(min=1)[:, None]


class AttentionPooling(nn.Module):
    """A mean weighted by how much each step matters (Yang et al. 2016, equations 5 to 7).

    a = softmax over the valid steps of v · tanh(W h + b)
    """

    def __init__(self, features: int) -> None:
        super().__init__()
        self.project = nn.Linear(features, features)
        self.score = nn.Linear(features, 1, bias=False)

    def forward(self, output: Tensor, lengths: Tensor) -> Tensor:
        """(B, T, F), (B) -> (B, F)."""
        scores = self.score(torch.tanh(self.project(output)))  # (B, T, 1)
        # The smallest finite number, since a row of -inf alone has the softmax NaN; its outputs are zero anyway.
        scores = scores.masked_fill(~valid(output, lengths), torch.finfo(scores.dtype).min)
        weights: Tensor = scores.softmax(1)
        return (weights * output).sum(1)


def make_pooling(name: Pooling, features: int, bidirectional: bool) -> nn.Module:
    """The pool of that name for outputs of `features` numbers."""
    match name:
        case "last":
            return LastPooling(bidirectional)
        case "max":
            return MaxPooling()
        case "mean":
            return MeanPooling()
        case "attention":
            return AttentionPooling(features)
