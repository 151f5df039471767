"""Tags of a sequence that depend on their neighbours: a linear-chain conditional random field.

Lafferty, McCallum and Pereira (2001), "Conditional random fields".

    p(y | x) = exp(score(x, y)) / Z(x)        Z(x) = Σ over all y of exp(score(x, y))
    score(x, y) = start[y₁] + Σ x_t[y_t] + Σ transitions[y_{t−1}, y_t] + end[y_n]

where x_t[k] is what the network says for tag k at step t. A sequence of no step has one labelling, the empty one: its
score and log Z are 0. All computing is done on packed rows (`cellwright.packing`): a step is one slice over the batch.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from cellwright.packing import Lengths, PackedLayout, as_lengths, ragged, steps_and_sequences

SPREAD = 300.0
"""Nats that probabilities may differ by: float64's smallest is e^−708, and two of them are multiplied."""


class CRF(nn.Module):
    """Scores of neighbouring tags, and with them the probability and the best of all labellings.

        crf = CRF(tags=9)
        loss = -crf.log_likelihood(emissions, tags, lengths).mean()    # (B, T, 9), (B, T), (B) -> (B)
        best = crf.decode(emissions, lengths)                          # (B, T)

    Lengths may be zero and stand in any order; what lies beyond a length is not looked at.
    """

    def __init__(self, tags: int) -> None:
        super().__init__()
        self.start = nn.Parameter(torch.zeros(tags))
        self.transitions = nn.Parameter(torch.zeros(tags, tags))  # [from, to]
        self.end = nn.Parameter(torch.zeros(tags))

    def log_likelihood(self, emissions: Tensor, tags: Tensor, lengths: Lengths) -> Tensor:
        """Log of the probability of each row's tags. (B, T, K), (B, T) int64, (B) -> (B)."""
        chain, rows = _packed(emissions, lengths)
        return chain.layout.pad(self._scores(chain, rows, tags) - self._partition(chain, rows)).sum(1)

    def score(self, emissions: Tensor, tags: Tensor, lengths: Lengths) -> Tensor:
        """Score of each row's tags. (B, T, K), (B, T) int64, (B) -> (B)."""
        chain, rows = _packed(emissions, lengths)
        return chain.layout.pad(self._scores(chain, rows, tags)).sum(1)

    def log_partition(self, emissions: Tensor, lengths: Lengths) -> Tensor:
        """Log Z of each row. (B, T, K), (B) -> (B)."""
        chain, rows = _packed(emissions, lengths)
        return chain.layout.pad(self._partition(chain, rows)).sum(1)

    def _scores(self, chain: "_Chain", rows: Tensor, tags: Tensor) -> Tensor:
        """What each packed row adds to its sequence's score. (S, K), (B, T) -> (S)."""
        if tags.shape != (chain.layout.batch, chain.layout.time):
            raise ValueError(
                f"CRF: tags have shape {tuple(tags.shape)}; expected (batch, time) = "
                f"{(chain.layout.batch, chain.layout.time)}"
            )
        chosen = chain.layout.pack(tags)
        pairs = chosen[chain.before] * len(self.start) + chosen[chain.after]
        joints = torch.cat([self.start.gather(0, chosen[chain.first]), self.transitions.flatten().gather(0, pairs)])
        scores = rows.gather(-1, chosen[:, None]).squeeze(-1) + joints.to(rows)
        return scores.index_add(0, chain.last, self.end.gather(0, chosen[chain.last]).to(rows))

    def _partition(self, chain: "_Chain", rows: Tensor) -> Tensor:
        """What each packed row adds to its sequence's log Z. (S, K) -> (S)."""
        if not len(rows):
            return rows[:, 0]
        scores = (rows, self.start.to(rows), self.transitions.to(rows), self.end.to(rows))
        # How many steps change a probability by SPREAD at most: down by the spread of each, up by a sum of K.
        each = _spread(*(part.detach() for part in scores)) + math.log(len(self.start))
        steps = int(SPREAD / each) if each > 0 else len(chain.layout.batch_sizes)
        ways = 2 if torch.is_grad_enabled() else 1
        scaled: Callable[..., Tensor] = _Scaled.apply
        return scaled(*scores, chain, steps, ways) if steps else _in_logarithms(*scores, chain)

    def marginals(self, emissions: Tensor, lengths: Lengths) -> Tensor:
        """Probability of each tag at each step, 0 beyond a length. (B, T, K), (B) -> (B, T, K), without a gradient."""
        # They are the gradient of log Z, which inference mode would not take.
        with torch.inference_mode(False), torch.enable_grad():
            given = emissions.detach().clone().requires_grad_()
            (found,) = torch.autograd.grad(self.log_partition(given, lengths).sum(), given)
        return found

    @torch.no_grad()
    def decode(self, emissions: Tensor, lengths: Lengths) -> Tensor:
        """Return the most probable tags of each row, 0 beyond its length. (B, T, K), (B) -> (B, T) int64."""
        chain, rows = _packed(emissions, lengths)
        into = self.transitions.to(rows).T.contiguous()  # [to, from]: the maximum is over numbers side by side
        best = rows.clone()  # (S, K) score of the best labelling up to a step that ends in a tag
        source = torch.zeros_like(rows, dtype=torch.int64)  # (S, K) the tag before, in that labelling
        steps = chain.steps(best, source)
        for t, (here, chosen) in enumerate(steps):
            if t == 0:
                here += self.start.to(rows)
                continue
            largest, chosen[:] = (steps[t - 1][0][: len(here), None] + into).max(-1)
            here += largest
        tags = (best + self.end.to(rows)).argmax(-1)  # of each row, were it its sequence's last
        steps = chain.steps(tags, source)
        for t in reversed(range(1, len(steps))):  # from the real last, back along `source`
            here, chosen = steps[t]
            steps[t - 1][0][: len(here)] = chosen.gather(-1, here[:, None]).squeeze(-1)
        return chain.layout.pad(tags)


@dataclass(frozen=True)
class _Chain:
    """Where the steps of sequences stand among their S packed rows.

    first, after    the rows that begin a sequence, and all others
    before          of each row of `after` the one before it in its sequence
    last            the row that ends each sequence
    both            (2 S,) the rows in the order in which sequences are read from both ends: of each step the rows of
                    that step, then those as far from the ends
    forward, backward  (S,) where in `both` a row stands, read from the beginning and from the end
    """

    layout: PackedLayout
    first: slice
    after: slice
    before: Tensor
    last: Tensor
    both: Tensor
    forward: Tensor
    backward: Tensor

    @classmethod
    def of(cls, layout: PackedLayout) -> "_Chain":
        """The places of a batch that is laid out so."""
        sizes = np.array(layout.batch_sizes, np.int64)
        alive = int(sizes[0]) if len(sizes) else 0
        starts = sizes.cumsum() - sizes
        steps, sequences = steps_and_sequences(layout.batch_sizes)
        rows = np.arange(len(steps))
        ends = np.bincount(sequences) - 1  # the last step of each sequence
        mirrored = starts[ends[sequences] - steps] + sequences
        forward = rows + starts[steps]
        backward = (forward + sizes[steps])[mirrored]
        both = np.empty(2 * len(rows), np.int64)
        both[forward] = both[backward] = rows
        before = np.repeat(starts[:-1], sizes[1:]) + sequences[alive:]
        last = starts[ends] + np.arange(alive)
        found = (torch.from_numpy(each).to(layout.device) for each in (before, last, both, forward, backward))
        return cls(layout, slice(0, alive), slice(alive, None), *found)

    def steps(self, *values: Tensor) -> list[tuple[Tensor, ...]]:
        """Of each step the rows (n, ·) of each of `values` (S, ·), as views."""
        sizes = list(self.layout.batch_sizes)
        return list(zip(*(torch.split(each, sizes) for each in values), strict=True))


class _Scaled(torch.autograd.Function):
    """What each packed row adds to log Z, by probabilities scaled to sum to 1 now and then; the gradient by marginals.

    a_t = (a_{t−1} A) ∘ w_t / c_t     log Z = Σ log c_t + log(a_n · e)      A, w, e: exp of transitions, rows, end
    b_{t−1} = A (b_t ∘ w_t / d_t)     b_n = e                               p(y_t = k) = a_t[k] b_t[k] / (a_t · b_t)

    (Rabiner 1989, "A tutorial on hidden Markov models", section V.A.) c_t and d_t are sums at each `every`-th step,
    else 1. A step is a small product of matrices, where the logarithmic form takes the exponential of B × K × K
    numbers; sequences are read from both ends at once, which makes half as many steps. float64 throughout; the type of
    the rows goes out.
    """

    @staticmethod
    def forward(
        ctx: Any, rows: Tensor, start: Tensor, transitions: Tensor, end: Tensor, chain: _Chain, every: int, ways: int
    ) -> Tensor:
        """(S, K), (K), (K, K), (K) -> (S). ways: 2, or 1 where no gradient is wanted.

        Many arguments: autograd takes the inputs of a function one by one.
        """
        (w, m), (A, mA) = _exponential(rows, (1,)), _exponential(transitions, (0, 1))
        (s, ms), (e, me) = _exponential(start, (0,)), _exponential(end, (0,))
        over, under = torch.stack([A, A.T])[:ways], torch.stack([s, e])[:ways, None]  # of the step before; at the first
        weighted = w[chain.both] if ways == 2 else w.clone()  # from both ends: a_t, and b_t ∘ w_t / d_t
        sums = torch.empty_like(weighted)  # what is weighted: a_{t−1} A, and b_t
        scale = torch.ones_like(weighted[:, 0])
        sizes = [ways * alive for alive in chain.layout.batch_sizes]
        steps = [[part.view(ways, -1, w.shape[1]) for part in torch.split(each, sizes)] for each in (weighted, sums)]
        past = None
        for t, (here, summed, c) in enumerate(zip(*steps, torch.split(scale, sizes), strict=True)):
            if past is None:
                summed.copy_(under.expand_as(summed))
            else:
                torch.bmm(past if past.shape == here.shape else past[:, : here.shape[1]], over, out=summed)
            here *= summed
            if t % every == every - 1:
                torch.sum(here, -1, out=c.view(ways, -1))
                here /= c.view(ways, -1, 1)
            past = here
        forward = chain.forward if ways == 2 else slice(None)
        a = weighted[forward]
        parts = scale[forward].log() + m
        parts[chain.first] += ms
        parts[chain.after] += mA
        parts[chain.last] += (a[chain.last] @ e).log() + me
        ctx.chain = chain
        if ways == 2:
            ctx.save_for_backward(a, sums[chain.backward], weighted[chain.backward], A)
        return parts.to(rows.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """The gradient of each row's part is its sequence's: what is made of them only adds them up."""
        chain, (a, b, v, A) = ctx.chain, ctx.saved_tensors
        (given,) = gradients
        joint = a * b  # (S, K)
        share = given[:, None].double() / joint.sum(-1, keepdim=True)
        marginals = share * joint
        pairs = A * ((share * a)[chain.before].T @ v[chain.after])
        first, last = marginals[chain.first].sum(0), marginals[chain.last].sum(0)
        return *(part.to(given.dtype) for part in (marginals, first, pairs, last)), None, None, None


def _in_logarithms(rows: Tensor, start: Tensor, transitions: Tensor, end: Tensor, chain: _Chain) -> Tensor:
    """As `_Scaled`, for scores so far apart that a probability would be 0: slower, any numbers. (S)."""
    sums: list[Tensor] = []
    for (here,) in chain.steps(rows):
        before = torch.logsumexp(sums[-1][: len(here), :, None] + transitions, 1) if sums else start
        sums.append(before + here)
    ends = torch.logsumexp(torch.cat(sums)[chain.last] + end, -1)
    return torch.zeros_like(rows[:, 0]).index_add(0, chain.last, ends)


def _packed(emissions: Tensor, lengths: Lengths) -> tuple[_Chain, Tensor]:
    """(B, T, K), (B) -> the places of the packed rows, and these (S, K), at least float32."""
    if emissions.ndim != 3:
        raise ValueError(f"CRF: emissions have shape {tuple(emissions.shape)}; expected (batch, time, tags)")
    batch, time, _ = emissions.shape
    layout = ragged("CRF", as_lengths("CRF", lengths, batch), time, batch, emissions.device, batch_first=True)
    rows = layout.pack(emissions)
    # log Z has hundreds of nats, and 16 bits would round them to whole ones.
    return _Chain.of(layout), rows.float() if rows.dtype in (torch.float16, torch.bfloat16) else rows


def _spread(rows: Tensor, start: Tensor, transitions: Tensor, end: Tensor) -> float:
    """The most that two probabilities of one step can differ by, in nats."""
    own = (rows.amax(-1) - rows.amin(-1)).amax()
    return float(own + max(part.max() - part.min() for part in (start, transitions, end)))


def _exponential(scores: Tensor, dims: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """exp(scores − m) in float64, and m, their maximum over `dims`."""
    scores = scores.double()
    largest = scores.amax(dims, keepdim=True)
    return (scores - largest).exp(), largest.squeeze(dims)
