"""The likeliest targets of a transducer: greedy search and beam search with length normalisation.

A target Y of n symbols has the score  log P(Y, end | X) / ((5 + n) / 6)^α  (Wu et al. 2016, Google's neural machine
translation system, equation 14, whose |Y| is n here, without the end). α = 0 compares the probabilities themselves.

    found = beam_search(model, sources, lengths, limits, beam_size=5, n_best=5, length_penalty=0.6)
    found[0][0].symbols    # of the first source, the best target

The search keeps the `beam_size` likeliest beginnings, and among them always the one that greedy search would take, so
that no answer is worse than greedy search's. It ends when no beginning can become better than the answers found. A
target that reaches its limit ends there, the probability of ending counted. Where the beam holds every beginning, the
answers are exactly the best there are.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import pad

from cellwright.data.special_tokens import UNKNOWN
from cellwright.models.transducer import END, Decoded, Transducer


class Hypothesis(NamedTuple):
    """A target that was found."""

    symbols: list[int]
    score: float
    """What hypotheses are compared by."""
    log_probability: float
    """Of the symbols and the end after them, in nats."""


class _Live(NamedTuple):
    """Beginnings of targets, K a source.

    `tokens` (B, K, t) int64; `log_p` (B, K), -inf for a place without one; `greedy` (B, K) bool, true for the
    beginning that greedy search would take, while it has not ended.
    """

    tokens: Tensor
    log_p: Tensor
    greedy: Tensor


class _Ended(NamedTuple):
    """The best targets that have ended, N a source, the best first; a score of -inf where there are fewer.

    `tokens` (B, N, t) int64; `lengths`, `log_p` and `score` (B, N).
    """

    tokens: Tensor
    lengths: Tensor
    log_p: Tensor
    score: Tensor


@torch.inference_mode()
def beam_search(
    model: Transducer,
    sources: Tensor,
    lengths: Tensor,
    limits: Tensor,
    *,
    beam_size: int,
    n_best: int,
    length_penalty: float,
) -> list[list[Hypothesis]]:
    """Return the best targets of each source, the best first; fewer than `n_best` where the beam found fewer.

    Args:
        model: in evaluation mode
        sources: (B, S) int64, S from 1 on
        lengths: (B) int64
        limits: (B) int64, the most symbols of each target, from 0 on
        beam_size: beginnings kept; 1 follows greedy search, and ends where the score is best
        n_best: answers a source
        length_penalty: from 0 on; how much longer targets are favoured: Wu et al. found 0.6 to 0.7 best

    Raises ValueError for an argument out of its range.

    Many arguments: the batch, and the three numbers that every beam search takes.
    """
    if beam_size < 1 or n_best < 1 or length_penalty < 0:
        raise ValueError(
            f"beam_search: beam_size {beam_size}, n_best {n_best}, length_penalty {length_penalty}; "
            "expected at least 1, 1 and 0"
        )
    encoded = model.encode(sources, lengths)
    rows = torch.arange(len(sources), device=sources.device).repeat_interleave(beam_size)  # (B·K)
    encoded = encoded.take(rows)
    live, ended = _start(len(sources), beam_size, n_best, sources.device)
    symbols: Tensor | None = None
    decoded: Decoded | None = None
    for step in range(int(limits.max()) + 1):
        decoded = model.step(encoded, symbols, decoded and decoded.state)
        log_p = live.log_p[..., None] + decoded.logits.double().log_softmax(-1).view(len(sources), beam_size, -1)
        ended = _collect(ended, live, log_p[..., END], length_penalty)
        log_p[..., UNKNOWN] = -torch.inf
        live, parents = _grow(live, log_p, step < limits)
        if not _hopeful(live, ended, limits, length_penalty):
            break
        chosen = (parents + torch.arange(len(sources), device=sources.device)[:, None] * beam_size).flatten()  # (B·K)
        decoded = decoded._replace(state=decoded.state.take(chosen))
        symbols = live.tokens[..., -1].flatten()
    return _hypotheses(ended)


def _start(sources: int, beam_size: int, n_best: int, device: torch.device) -> tuple[_Live, _Ended]:
    """One beginning a source, without a symbol; nothing has ended."""
    none = torch.empty(sources, beam_size, 0, dtype=torch.int64, device=device)
    first = torch.arange(beam_size, device=device).expand(sources, -1) == 0
    log_p = torch.zeros(sources, beam_size, dtype=torch.float64, device=device).masked_fill(~first, -torch.inf)
    worst = torch.full((sources, n_best), -torch.inf, dtype=torch.float64, device=device)
    counts = torch.zeros(sources, n_best, dtype=torch.int64, device=device)
    return _Live(none, log_p, first), _Ended(none.new_zeros(sources, n_best, 0), counts, worst, worst)


def _collect(ended: _Ended, live: _Live, log_p: Tensor, length_penalty: float) -> _Ended:
    """The best of what had ended and of what ends now, each beginning with the probability log_p (B, K)."""
    length = live.tokens.shape[-1]
    score = torch.cat([ended.score, log_p / _penalty(log_p.new_tensor(length), length_penalty)], 1)  # (B, N + K)
    # Stable, so that of equal ones the shorter stays, and one beginning is always told from another.
    kept = score.argsort(dim=1, descending=True, stable=True)[:, : ended.score.shape[1]]  # (B, N)
    tokens = torch.cat([pad(ended.tokens, (0, length - ended.tokens.shape[-1])), live.tokens], 1)
    lengths = torch.cat([ended.lengths, torch.full_like(log_p, length, dtype=torch.int64)], 1)
    log_ps = torch.cat([ended.log_p, log_p], 1)
    return _Ended(_of_rows(tokens, kept), lengths.gather(1, kept), log_ps.gather(1, kept), score.gather(1, kept))


def _grow(live: _Live, log_p: Tensor, may: Tensor) -> tuple[_Live, Tensor]:
    """The likeliest beginnings by a symbol longer, and which of the old ones each goes on from, (B, K).

    log_p: (B, K, V), of every beginning with every symbol, END too; may: (B,) bool, whether a target may go on.
    """
    beam_size, symbols = log_p.shape[1:]
    likeliest = torch.zeros_like(log_p, dtype=torch.bool).scatter(2, log_p.argmax(-1, keepdim=True), True)
    log_p = log_p.masked_fill(~may[:, None, None], -torch.inf)
    log_p[..., END] = -torch.inf
    flat = log_p.flatten(1)
    greedy = (likeliest & live.greedy[..., None]).flatten(1) & flat.isfinite()
    chosen = flat.masked_fill(greedy, torch.inf).topk(beam_size, 1).indices  # (B, K)
    parents = chosen // symbols
    tokens = torch.cat([_of_rows(live.tokens, parents), (chosen % symbols)[..., None]], -1)
    return _Live(tokens, flat.gather(1, chosen), greedy.gather(1, chosen)), parents


def _hopeful(live: _Live, ended: _Ended, limits: Tensor, length_penalty: float) -> bool:
    """Whether some beginning can still become one of the best: symbols only make it less likely."""
    bound = live.log_p / _penalty(limits.double(), length_penalty)[:, None]  # (B, K)
    return bool((bound > ended.score[:, -1:]).any())


def _penalty(length: Tensor, length_penalty: float) -> Tensor:
    return ((5 + length) / 6) ** length_penalty


def _of_rows(values: Tensor, rows: Tensor) -> Tensor:
    """Values (B, K, t), rows (B, N) -> (B, N, t)."""
    return values.gather(1, rows[..., None].expand(-1, -1, values.shape[-1]))


def _hypotheses(ended: _Ended) -> list[list[Hypothesis]]:
    columns = (ended.tokens.tolist(), ended.lengths.tolist(), ended.score.tolist(), ended.log_p.tolist())
    return [
        [
            Hypothesis(tokens[:n], score, log_p)
            for tokens, n, score, log_p in zip(*row, strict=True)
            if log_p > -torch.inf
        ]
        for row in zip(*columns, strict=True)
    ]


@torch.inference_mode()
def greedy_search(model: Transducer, sources: Tensor, lengths: Tensor, limits: Tensor) -> list[list[int]]:
    """Return of each source the target that takes the likeliest symbol at every step; arguments as of `beam_search`."""
    encoded = model.encode(sources, lengths)
    token: Tensor | None = None
    decoded: Decoded | None = None
    going = torch.ones_like(lengths, dtype=torch.bool)
    found = []
    for step in range(int(limits.max())):
        decoded = model.step(encoded, token, decoded and decoded.state)
        decoded.logits[..., UNKNOWN] = -torch.inf
        token = decoded.logits[:, 0].argmax(-1)  # (B)
        going = going & (token != END) & (step < limits)
        if not going.any():
            break
        found.append(token.masked_fill(~going, END))
    rows = torch.stack(found, 1).tolist() if found else [[] for _ in sources]
    return [row[: row.index(END)] if END in row else row for row in rows]
