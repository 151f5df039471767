"""What each token contributed to an answer: integrated gradients.

Sundararajan, Taly and Yan 2017, "Axiomatic attribution for deep networks", equation 1, on the embedding:

    contribution_t = e_t · ∫₀¹ ∂F(α e) / ∂e_t dα

F is a score of the text, e_t the embedding of token t. The baseline, at α = 0, is a text of as many zero vectors, which
the embedding has for padding. The contributions sum to F(e) − F(0): the paper's axiom of completeness.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

STEPS, MOST_STEPS = 32, 1024
TOLERANCE = 0.01
"""Share of the change of the score by which the sum may miss it before the number of steps is doubled."""


@dataclass(frozen=True)
class Contributions:
    """What each token did for one class.

    values    (T,) in nats of log odds; positive speaks for the class
    score     the log odds of the class for the text
    baseline  those for the baseline
    steps     points at which the gradient was taken
    of        what the score is, where it is not the log odds of a class
    """

    values: NDArray[np.float32]
    score: float
    baseline: float
    steps: int
    of: str = "the log odds"

    @property
    def remainder(self) -> float:
        """By how much the contributions miss the change of the score: the error of the sum that stands for ∫."""
        return float(self.score - self.baseline - self.values.sum())


def log_odds(logits: Tensor, label: int) -> Tensor:
    """(R, K) -> (R,): ln p / (1 − p) of the class; with two classes, the difference of their logits."""
    others = torch.cat([logits[:, :label], logits[:, label + 1 :]], 1)
    return logits[:, label] - others.logsumexp(1)


def integrated_gradients(score: Callable[[Tensor], Tensor], embedded: Tensor, *, at_once: int) -> Contributions:
    """Contributions of the T rows of `embedded` (T, E) to `score`, which maps (R, T, E) to (R,).

    at_once: how many texts `score` is given together, at most.
    """
    with torch.no_grad():
        ends = score(torch.stack([torch.zeros_like(embedded), embedded]))
    baseline, whole = ends.tolist()
    steps = STEPS
    while True:
        values = _integral(score, embedded, steps, at_once)
        made = Contributions(values.numpy(), whole, baseline, steps)
        if steps == MOST_STEPS or abs(made.remainder) <= TOLERANCE * abs(whole - baseline):
            return made
        steps *= 2


def _integral(score: Callable[[Tensor], Tensor], embedded: Tensor, steps: int, at_once: int) -> Tensor:
    """(T,), by the midpoint rule."""
    total = torch.zeros_like(embedded)
    for alphas in torch.split((torch.arange(steps) + 0.5) / steps, at_once):
        points = (alphas[:, None, None] * embedded).requires_grad_()
        (gradient,) = torch.autograd.grad(score(points).sum(), points)
        total += gradient.sum(0)
    return (total / steps * embedded).sum(-1)
