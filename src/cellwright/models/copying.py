"""Copying: what stands in the source may be said once more (Gu, Lu, Li and Li 2016, Incorporating copying mechanism in
sequence-to-sequence learning, equations 4 to 8, here without the tanh in the score of a place).

    φ_s   =  h · W e_s  +  how far it goes on at s          how much a step of the decoder wants the symbol of place s:
                                                            `models.following`
    P(y)  =  [ exp(l_y) + Σ_(s: x_s = y) exp(φ_s) ] / Z     l: logits of what the decoder would say by itself
                                                            Z: the same over all y together

One softmax holds both ways, and nothing has to choose between them first. So copying makes some logits larger, and all
that is done with logits, the loss, beam search, what inspect shows, goes on as it is:

    l'_y  =  log [ exp(l_y) + Σ_(s: x_s = y) exp(φ_s) ]

Where to copy from is then learned once for all letters, while a softmax has to see each of them often.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from cellwright.data.special_tokens import UNKNOWN
from cellwright.models.following import Following


class Copies(NamedTuple):
    """What can be copied of B sources of at most S symbols.

    `keys` (B, S, Q); `symbols` (B, S) int64, the target id of each place, UNKNOWN where nothing can be copied.
    """

    keys: Tensor
    symbols: Tensor

    def take(self, rows: Tensor) -> "Copies":
        """Those of these rows, (R,) int64, in this order."""
        return Copies(*(part.index_select(0, rows) for part in self))

    def trace(self) -> Tensor:
        """That of `models.following` before anything is said, (B, S)."""
        return self.keys.new_zeros(self.symbols.shape)


class Copying(nn.Module):
    """Logits of a decoder, made larger for the symbols of its source."""

    counterparts: Tensor

    def __init__(self, source_vocab_size: int, queries: int, features: int) -> None:
        """Make the weights; nothing can be copied before `counterparts` are given.

        Args:
            source_vocab_size: number of source ids
            queries: numbers Q of an output of the decoder
            features: numbers F of an output of the encoder

        """
        super().__init__()
        self.key = nn.Linear(features, queries, bias=False)
        self.follow = Following(queries)
        self.register_buffer("counterparts", torch.full((source_vocab_size,), UNKNOWN))
        """(source_vocab_size,) int64: of each source id the target id of the same symbol, UNKNOWN for none."""

    def memory(self, sources: Tensor, output: Tensor, outside: Tensor) -> Copies:
        """What is copied from.

        Args:
            sources: (B, S) int64
            output: (B, S, F) of the encoder
            outside: (B, 1, S) bool, true beyond each source's length

        """
        return Copies(self.key(output), self.counterparts[sources].masked_fill(outside.squeeze(1), UNKNOWN))

    def forward(self, logits: Tensor, query: Tensor, copies: Copies, trace: Tensor) -> Tensor:
        """Larger logits.

        Args:
            logits: (B, T, V) of what the decoder would say by itself
            query: (B, T, Q), the outputs of the decoder that they are of
            copies: of the B sources
            trace: (B, T, S) of each step, before its symbol is said

        """
        scores = query @ copies.keys.transpose(1, 2) + self.follow(query, trace)  # (B, T, S)
        scores = scores.to(logits.dtype)
        nowhere = (copies.symbols == UNKNOWN)[:, None]  # (B, 1, S)
        # Shifted by the largest, as every softmax; which that is changes no result and needs no gradient.
        largest = scores.detach().masked_fill(nowhere, torch.finfo(scores.dtype).min).amax(-1, keepdim=True)
        shares = (scores - largest).masked_fill(nowhere, -torch.inf).exp()
        places = copies.symbols[:, None].expand_as(shares)
        sums = torch.zeros_like(logits).scatter_add(2, places, shares)  # (B, T, V)
        # Of a symbol that is not in the source, or next to not, the logarithm has no gradient that is a number.
        absent = sums < torch.finfo(sums.dtype).tiny
        return torch.logaddexp(logits, (sums.masked_fill(absent, 1.0).log() + largest).masked_fill(absent, -torch.inf))
