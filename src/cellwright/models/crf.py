"""Tags of a sequence that depend on their neighbours: a linear-chain conditional random field.

Lafferty, McCallum and Pereira (2001), "Conditional random fields".

    p(y | x) = exp(score(x, y)) / Z(x)        Z(x) = Σ over all y of exp(score(x, y))
    score(x, y) = start[y₁] + Σ x_t[y_t] + Σ transitions[y_{t−1}, y_t] + end[y_n]

where x_t[k] is what the network says for tag k at step t. A sequence of no step has one labelling, the empty one: its
score and log Z are 0. All computing is done on packed rows (`cellwright.packing`): a step is one slice over the batch.
"""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from cellwright.packing import Layout, Lengths, as_lengths, ragged

SPREAD = 600.0
"""Nats that probabilities may differ by in float64, whose smallest is e^−708, without becoming 0."""


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
        return self.score(emissions, tags, lengths) - self.log_partition(emissions, lengths)

    def score(self, emissions: Tensor, tags: Tensor, lengths: Lengths) -> Tensor:
        """Score of each row's tags. (B, T, K), (B, T) int64, (B) -> (B)."""
        layout = _layout(emissions, lengths)
        if tags.shape != emissions.shape[:2]:
            raise ValueError(
                f"CRF: tags have shape {tuple(tags.shape)}; expected (batch, time) = {tuple(emissions.shape[:2])}"
            )
        rows, chosen = _wide(layout.pack(emissions)), layout.pack(tags)
        first, after, last = _first(layout), _after(layout), _last(layout)
        joints = torch.cat([self.start[chosen[first]], self.transitions[chosen[_before(layout)], chosen[after]]])
        scores = rows.gather(-1, chosen[:, None]).squeeze(-1) + joints.to(rows)  # (S)
        scores = scores.index_add(0, last, self.end[chosen[last]].to(rows))
        return layout.pad(scores).sum(1)

    def log_partition(self, emissions: Tensor, lengths: Lengths) -> Tensor:
        """Log Z of each row. (B, T, K), (B) -> (B)."""
        layout = _layout(emissions, lengths)
        rows = _wide(layout.pack(emissions))
        chain = (rows, self.start.to(rows), self.transitions.to(rows), self.end.to(rows))
        if not len(rows):
            return rows.new_zeros(layout.batch)
        # How many steps change a probability by SPREAD at most: down by the spread of each, up by a sum of K.
        each = _spread(*(part.detach() for part in chain)) + math.log(len(self.start))
        steps = int(SPREAD / each) if each > 0 else len(layout.batch_sizes)
        scaled: Callable[..., Tensor] = _Scaled.apply
        parts = scaled(*chain, layout, steps) if steps else _in_logarithms(*chain, layout)
        return layout.pad(parts).sum(1)

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
        layout = _layout(emissions, lengths)
        rows = _wide(layout.pack(emissions))
        into = self.transitions.to(rows).T.contiguous()  # [to, from]: the maximum is over numbers side by side
        best = rows.clone()  # (S, K) score of the best labelling up to a step that ends in a tag
        source = torch.zeros_like(rows, dtype=torch.int64)  # (S, K) the tag before, in that labelling
        for before, here in _steps(layout):
            if before is None:
                best[here] += self.start.to(rows)
                continue
            largest, source[here] = (best[before, None] + into).max(-1)
            best[here] += largest
        return layout.pad(_trace(layout, (best + self.end.to(rows)).argmax(-1), source))


def _trace(layout: Layout, tags: Tensor, source: Tensor) -> Tensor:
    """From each row's tag, were it its sequence's last (S), follow `source` (S, K) back from the real last. (S)."""
    for before, here in reversed(list(_steps(layout))):
        if before is not None:
            tags[before] = source[here].gather(-1, tags[here, None]).squeeze(-1)
    return tags


class _Scaled(torch.autograd.Function):
    """What each packed row adds to log Z, by probabilities scaled to sum to 1 now and then; the gradient by marginals.

    a_t = (a_{t−1} A) ∘ w_t / c_t     log Z = Σ log c_t + log(a_n · e)      A, w, e: exp of transitions, rows, end
    b_{t−1} = A (w_t ∘ b_t / c_t)     b_n = e / (a_n · e)                   p(y_t = k) = a_t[k] b_t[k]

    (Rabiner 1989, "A tutorial on hidden Markov models", section V.A.) c_t is the sum at each `every`-th step, else 1. A
    step is a small product of matrices, where the logarithmic form takes the exponential of B × K × K numbers. float64
    throughout; the type of the rows goes out.
    """

    @staticmethod
    def forward(
        ctx: Any, rows: Tensor, start: Tensor, transitions: Tensor, end: Tensor, layout: Layout, every: int
    ) -> Tensor:
        """(S, K), (K), (K, K), (K) -> (S)."""
        (w, m), (A, mA) = _exponential(rows, (1,)), _exponential(transitions, (0, 1))
        (s, ms), (e, me) = _exponential(start, (0,)), _exponential(end, (0,))
        a = w.clone()
        c = torch.ones_like(m)
        steps = list(zip(_by_step(a, layout), _by_step(c, layout), strict=True))
        for t, (here, scale) in enumerate(steps):
            here *= steps[t - 1][0][: len(here)] @ A if t else s
            if t % every == every - 1:
                torch.sum(here, -1, out=scale)
                here /= scale[:, None]
        first, last, after = _first(layout), _last(layout), _after(layout)
        z = a[last] @ e
        parts = c.log() + m
        parts[first] += ms
        parts[after] += mA
        parts[last] += z.log() + me
        ctx.layout = layout
        ctx.save_for_backward(a, c, w, A, e / z[:, None])
        return parts.to(rows.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """The gradient of each row's part is its sequence's: `log_partition` only adds them up."""
        layout, (a, c, w, A, ends) = ctx.layout, ctx.saved_tensors
        b = torch.empty_like(a)
        b[_last(layout)] = ends
        v = w / c[:, None]
        steps = list(zip(_by_step(v, layout), _by_step(b, layout), strict=True))
        for t in reversed(range(len(steps))):
            here, past = steps[t]
            here *= past
            if t:
                torch.mm(here, A.T, out=steps[t - 1][1][: len(here)])
        (given,) = gradients
        g = given[:, None].double()
        marginals = g * a * b  # (S, K)
        pairs = A * ((g * a)[_before(layout)].T @ v[_after(layout)])
        first, last = marginals[_first(layout)].sum(0), marginals[_last(layout)].sum(0)
        return *(part.to(given.dtype) for part in (marginals, first, pairs, last)), None, None


def _in_logarithms(rows: Tensor, start: Tensor, transitions: Tensor, end: Tensor, layout: Layout) -> Tensor:
    """As `_Scaled`, for scores so far apart that a probability would be 0: slower, any numbers. (S)."""
    sums: list[Tensor] = []
    for _, here in _steps(layout):
        if not sums:
            sums.append(rows[here] + start)
            continue
        alive = here.stop - here.start
        sums.append(torch.logsumexp(sums[-1][:alive, :, None] + transitions, 1) + rows[here])
    last = _last(layout)
    return torch.zeros_like(rows[:, 0]).index_add(0, last, torch.logsumexp(torch.cat(sums)[last] + end, -1))


def _layout(emissions: Tensor, lengths: Lengths) -> Layout:
    if emissions.ndim != 3:
        raise ValueError(f"CRF: emissions have shape {tuple(emissions.shape)}; expected (batch, time, tags)")
    batch, time, _ = emissions.shape
    return ragged("CRF", as_lengths("CRF", lengths, batch), time, batch, emissions.device, batch_first=True)


def _steps(layout: Layout) -> list[tuple[slice | None, slice]]:
    """Of each step its rows, and before them those of the same sequences one step earlier; None at the first."""
    steps: list[tuple[slice | None, slice]] = []
    for alive in layout.batch_sizes:
        if steps:
            previous = steps[-1][1]
            steps.append((slice(previous.start, previous.start + alive), slice(previous.stop, previous.stop + alive)))
        else:
            steps.append((None, slice(0, alive)))
    return steps


def _by_step(rows: Tensor, layout: Layout) -> tuple[Tensor, ...]:
    """The rows of each step, as views."""
    return torch.split(rows, list(layout.batch_sizes))


def _sizes(layout: Layout) -> Tensor:
    return torch.tensor(layout.batch_sizes, dtype=torch.int64, device=layout.device)


def _first(layout: Layout) -> slice:
    """The rows that begin a sequence."""
    return slice(0, layout.batch_sizes[0] if layout.batch_sizes else 0)


def _after(layout: Layout) -> slice:
    """All other rows."""
    return slice(_first(layout).stop, None)


def _before(layout: Layout) -> Tensor:
    """Of each row of `_after` the one before it in its sequence."""
    sizes = _sizes(layout)
    rows = torch.arange(sum(layout.batch_sizes[:1]), sum(layout.batch_sizes), device=layout.device)
    return rows - sizes[:-1].repeat_interleave(sizes[1:])


def _last(layout: Layout) -> Tensor:
    """The rows that end a sequence."""
    ends = torch.ones(sum(layout.batch_sizes), dtype=torch.bool, device=layout.device)
    ends[_before(layout)] = False
    return ends.nonzero().squeeze(-1)


def _wide(rows: Tensor) -> Tensor:
    """At least float32: log Z has hundreds of nats, and 16 bits would round them to whole ones."""
    return rows.float() if rows.dtype in (torch.float16, torch.bfloat16) else rows


def _spread(rows: Tensor, start: Tensor, transitions: Tensor, end: Tensor) -> float:
    """The most that two probabilities of one step can differ by, in nats."""
    own = (rows.amax(-1) - rows.amin(-1)).amax()
    return float(own + max(part.max() - part.min() for part in (start, transitions, end)))


def _exponential(scores: Tensor, dims: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """exp(scores − m) in float64, and m, their maximum over `dims`."""
    scores = scores.double()
    largest = scores.amax(dims, keepdim=True)
    return (scores - largest).exp(), largest.squeeze(dims)
