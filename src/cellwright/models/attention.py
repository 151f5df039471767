"""Attention of a decoder: where among the outputs of the encoder each of its steps looks.

    score(q, k)  =  q · W k            general   (Luong, Pham and Manning 2015, Effective approaches to attention-based
                    q · k              dot        neural machine translation, equation 8)
                    v · tanh(W k + U q)  additive (Bahdanau, Cho and Bengio 2014, Neural machine translation by jointly
                                                  learning to align and translate, section A.1.2)
    alignment    =  softmax of the scores over the valid steps of the source
    context      =  Σ alignment · output of the encoder

All steps of a decoder are scored at once, as products of matrices; a single step is T = 1.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from cellwright.models.following import Following
from cellwright.models.pooling import valid
from cellwright.models.transducer_architecture import Score


class Memory(NamedTuple):
    """What an encoder has read, ready to be attended to: B sources of at most S symbols.

    `values` (B, S, F); `keys` (B, S, K); `outside` (B, 1, S) bool, true beyond each source's length.
    """

    values: Tensor
    keys: Tensor
    outside: Tensor

    def take(self, rows: Tensor) -> "Memory":
        """The memories of these rows, (R,) int64, in this order."""
        return Memory(*(part.index_select(0, rows) for part in self))


class Attention(nn.Module):
    """Contexts and alignments of queries."""

    def __init__(self, score: Score, queries: int, features: int, *, follows: bool = False) -> None:
        """Make the weights of a score.

        Args:
            score: its name
            queries: numbers Q of a query
            features: numbers F of an output of the encoder; for dot a multiple of Q, whose parts (the directions)
                are added up

        """
        super().__init__()
        self.score = score
        self.queries = queries
        self.follow = Following(queries) if follows else None
        match score:
            case "general":
                self.key = nn.Linear(features, queries, bias=False)
            case "additive":
                self.key = nn.Linear(features, queries)
                self.query = nn.Linear(queries, queries, bias=False)
                self.weight = nn.Linear(queries, 1, bias=False)
            case "dot":
                pass

    def memory(self, output: Tensor, lengths: Tensor) -> Memory:
        """Outputs of an encoder (B, S, F), zero beyond their lengths (B) int64 -> what queries are put to."""
        keys = output.view(*output.shape[:-1], -1, self.queries).sum(-2) if self.score == "dot" else self.key(output)
        return Memory(output, keys, ~valid(output, lengths).transpose(1, 2))

    def forward(self, query: Tensor, memory: Memory, trace: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Queries (B, T, Q) and, of one that follows, traces (B, T, S) -> contexts (B, T, F), alignments (B, T, S).

        A source without symbols gives zeros.
        """
        if self.score == "additive":
            both = memory.keys[:, None] + self.query(query)[:, :, None]  # (B, T, S, K)
            scores = self.weight(torch.tanh(both)).squeeze(-1)  # (B, T, S)
        else:
            scores = query @ memory.keys.transpose(1, 2)
        if self.follow is not None and trace is not None:
            scores = scores + self.follow(query, trace)
        # The smallest finite number, since a row of -inf alone has the softmax NaN; outputs there are zero.
        scores = scores.masked_fill(memory.outside, torch.finfo(scores.dtype).min)
        alignment = scores.softmax(-1).masked_fill(memory.outside, 0.0)
        return alignment @ memory.values, alignment
