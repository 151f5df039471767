"""What each token contributed to an answer: integrated gradients.

Sundararajan, Taly and Yan 2017, "Axiomatic attribution for deep networks", equation 1, on the embedding:

    attribution_t = e_t · ∫₀¹ ∂F(α e) / ∂e_t dα

F is a score of the text, e_t the embedding of token t. The baseline, at α = 0, is a text of as many zero vectors, which
the embedding has for padding. The attributions sum to F(e) − F(0): the paper's axiom of completeness, which holds for
each part of the path from 0 to 1 as well. So of each part the error of its sum is known, and only the parts where F
bends, as where another step becomes the largest of a pool, are halved until it is small.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cellwright.pauses import Pace

PARTS, HALVINGS = 8, 12
"""Parts of the path at first, and how often one is halved at most: of a jump of F no gradient tells."""
TOLERANCE = 0.005
"""Share of all attributions, in magnitude, by which the parts may miss the change of the score."""
MOST_READ = 65_536
"""Tokens that are read for one text, about: its points times its tokens. Of 80 tokens 819 points, a second or two."""


@dataclass(frozen=True)
class Attributions:
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
        """By how much the attributions miss the change of the score: the error of the sum that stands for ∫."""
        return float(self.score - self.baseline - self.values.sum())


def log_odds(logits: Tensor, label: int) -> Tensor:
    """(R, K) -> (R,): ln p / (1 − p) of the class; with two classes, the difference of their logits."""
    others = torch.cat([logits[:, :label], logits[:, label + 1 :]], 1)
    return logits[:, label] - others.logsumexp(1)


class _Parts(NamedTuple):
    """N parts of the path: of the beginning, middle and end of each

    at         (N, 3) α
    scores     (N, 3) F(α e)
    gradients  (N, 3, T) e_t · ∂F(α e) / ∂e_t
    """

    at: Tensor
    scores: Tensor
    gradients: Tensor

    def integrals(self) -> Tensor:
        """(N, T), by Simpson's rule."""
        width = (self.at[:, 2] - self.at[:, 0])[:, None]
        return width / 6 * (self.gradients[:, 0] + 4 * self.gradients[:, 1] + self.gradients[:, 2])

    def missed(self) -> Tensor:
        """(N): by how much the integrals of each part miss the change of the score in it."""
        return (self.scores[:, 2] - self.scores[:, 0] - self.integrals().sum(1)).abs()


def integrated_gradients(score: Callable[[Tensor], Tensor], embedded: Tensor, *, at_once: int) -> Attributions:
    """Attributions of the T rows of `embedded` (T, E) to `score`, which maps (R, T, E) to (R).

    at_once: how many texts `score` is given together, at most. There is a pause (`cellwright.pauses`) before each time,
    and one before their gradients.
    """
    pace = Pace(at_once * len(embedded))
    points = _points(score, embedded, torch.linspace(0, 1, 2 * PARTS + 1, dtype=torch.float64), pace)
    parts = _Parts(*(each.unfold(0, 3, 2).movedim(-1, 1) for each in points))
    most = MOST_READ // len(embedded)
    for _ in range(HALVINGS):
        steps = 2 * len(parts.at) + 1
        chosen = _to_halve(parts, (most - steps) // 2)
        if not len(chosen):
            break
        halved = _Parts(*(each[chosen] for each in parts))
        added = _points(score, embedded, halved.at.unfold(1, 2, 1).mean(-1).flatten(), pace)
        kept = torch.ones(len(parts.at), dtype=torch.bool).index_fill(0, chosen, False)
        rows = zip(parts, halved, added, strict=True)
        parts = _Parts(*(torch.cat([old[kept], _halves(three, two)]) for old, three, two in rows))
    values = parts.integrals().sum(0).float().numpy()
    whole, baseline = points.scores[-1].item(), points.scores[0].item()
    return Attributions(values, whole, baseline, steps=2 * len(parts.at) + 1)


def _points(score: Callable[[Tensor], Tensor], embedded: Tensor, alphas: Tensor, pace: Pace) -> _Parts:
    """At each of the alphas (P): itself (P), the score (P), the gradients (P, T)."""
    scores, gradients = [], []
    rest = alphas.to(embedded.dtype)
    while len(rest):
        count = max(1, pace.tokens() // len(embedded))
        some, rest = rest[:count], rest[count:]
        pace.pause(some.numel() * len(embedded))
        texts = (some[:, None, None] * embedded).requires_grad_()
        found = score(texts)
        pace.pause(some.numel() * len(embedded))  # the longer half, by which the next part goes
        (gradient,) = torch.autograd.grad(found.sum(), texts)
        scores.append(found.detach().double())
        gradients.append((gradient * embedded).sum(-1).double())
    return _Parts(alphas, torch.cat(scores), torch.cat(gradients))


def _to_halve(parts: _Parts, most: int) -> Tensor:
    """The parts that miss more than their share of what is allowed, the worst first, at most `most`; or none."""
    missed = parts.missed()
    allowed = TOLERANCE * parts.integrals().sum(0).abs().sum()
    if missed.sum() <= allowed:
        return missed.new_empty(0, dtype=torch.int64)
    worst = missed.argsort(descending=True)[: max(most, 0)]
    return worst[missed[worst] > allowed / len(missed)]


def _halves(three: Tensor, two: Tensor) -> Tensor:
    """(K, 3, …) of parts, and (2·K, …) of the middles of their halves -> (2·K, 3, …), of the halves."""
    middles = two.view(len(three), 2, *two.shape[1:])
    five = torch.stack([three[:, 0], middles[:, 0], three[:, 1], middles[:, 1], three[:, 2]], 1)
    return torch.cat([five[:, :3], five[:, 2:]])
