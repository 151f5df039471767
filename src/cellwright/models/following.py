"""Where a decoder that copies has come to in its source, by what it has said.

    r_t(s)    =  [y_(t-1) = x_(s-1)]  +  KEPT · r_(t-1)(s-1)    the trace, r_0 = 0: how much of what was said last
                                                              stands right before place s, in the same order
    score(s)  +=  (v · q_t + b) r_t(s)                        as far as a step, whose query is q_t, wants to go on

An attention by content alone has to learn how to count through a word, for which few examples are not enough, and loses
its place where letters repeat. What was said tells it: after "neh" of "nehmen auf" that is behind the "neh" of
"aufnehmen". A letter that became another, as in Mantel and Mäntel, does not break the run, since what came before it
counts on. A trace waits for the attention of no step before, so that in training all steps are computed together.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from cellwright.data.special_tokens import KNOWN

KEPT = 0.5
"""So that the last symbol weighs as much as all before it."""


class Following(nn.Module):
    """What traces add to the scores of places."""

    def __init__(self, queries: int) -> None:
        """queries: numbers Q of a query."""
        super().__init__()
        self.gain = nn.Linear(queries, 1)
        nn.init.ones_(self.gain.bias)  # it begins by going on where it is

    def forward(self, query: Tensor, trace: Tensor) -> Tensor:
        """Queries (B, T, Q), traces (B, T, S) -> (B, T, S)."""
        gain: Tensor = self.gain(query)  # (B, T, 1)
        return gain * trace


def after(trace: Tensor, said: Tensor, places: Tensor) -> Tensor:
    """The trace (B, S) after symbols (B,) int64 were said; places (B, S) int64: what those of the source hold.

    An unknown symbol is like no other.
    """
    return pad(((said[:, None] == places) & (places >= KNOWN)) + KEPT * trace, (1, -1))


def traces(begin: Tensor, targets: Tensor, places: Tensor) -> Tensor:
    """Before each symbol of targets (B, T) int64 and the end, from the trace `begin` (B, S) on: (B, T + 1, S)."""
    found = [begin]
    for said in targets.unbind(1):
        found.append(after(found[-1], said, places))
    return torch.stack(found, 1)
