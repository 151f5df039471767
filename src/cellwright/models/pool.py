"""From the outputs of every step to one vector a row, never looking past a row's length.

Each takes `output` (B, T, F), zero past each row's length, and `lengths` (B); each gives (B, F), and zeros for
a row of length 0.
"""

import torch
from torch import Tensor, nn

from cellwright.models.architecture import Pooling


def valid(output: Tensor, lengths: Tensor) -> Tensor:
    """(B, T, 1), true where a step lies within its row."""
    steps = torch.arange(output.shape[1], device=output.device)
    return (steps < lengths[:, None]).unsqueeze(-1)


class Last(nn.Module):
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


class Max(nn.Module):
    """The largest value of each feature over the valid steps."""

    def forward(self, output: Tensor, lengths: Tensor) -> Tensor:
        """(B, T, F), (B) -> (B, F)."""
        # Adding spares a copy, and the gradient of max, which names one step, takes less than amax's, which seeks ties.
        beyond = torch.zeros_like(output[..., :1]).masked_fill(~valid(output, lengths), -torch.inf)
        largest = (output + beyond).max(1).values
        return largest.masked_fill((lengths == 0)[:, None], 0.0)


class Mean(nn.Module):
    """The mean of each feature over the valid steps."""

    def forward(self, output: Tensor, lengths: Tensor) -> Tensor:
        """(B, T, F), (B) -> (B, F)."""
        total = output.masked_fill(~valid(output, lengths), 0.0).sum(1)
        return total / lengths.clamp(min=1)[:, None]


class Attention(nn.Module):
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


def make_pool(name: Pooling, features: int, bidirectional: bool) -> nn.Module:
    """The pool of that name for outputs of `features` numbers."""
    match name:
        case "last":
            return Last(bidirectional)
        case "max":
            return Max()
        case "mean":
            return Mean()
        case "attention":
            return Attention(features)
