"""A text read in pieces: from the encodings of the pieces to one of the text, within a budget of memory."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.checkpoint import checkpoint

from cellwright.models.architecture import Join
from cellwright.models.pooling import make_pooling
from cellwright.nn import Recurrent


class JoinPieces(nn.Module):
    """The mean or the maximum of each feature over a text's pieces, or what a second recurrent layer makes of them."""

    def __init__(self, join: Join, cell: str, features: int, hidden: int, bidirectional: bool) -> None:
        super().__init__()
        self.features = features if join != "recurrent" else 2 * hidden if bidirectional else hidden
        """Numbers that a text is joined to."""
        self.recurrent = (
            Recurrent(cell, features, hidden, bidirectional=bidirectional, batch_first=True)
            if join == "recurrent"
            else None
        )
        self.pool = make_pooling("last" if join == "recurrent" else join, self.features, bidirectional)

    def forward(self, encoded: Tensor, pieces: Tensor | None) -> Tensor:
        """Encoded (R, F), pieces (B) int64 from 1 on, R together, or None: one each -> (B, features)."""
        if self.recurrent is None and (pieces is None or len(pieces) == len(encoded)):  # one each, joined to itself
            return encoded
        if pieces is None:
            pieces = torch.ones(len(encoded), dtype=torch.int64, device=encoded.device)
        rows = pad_sequence(list(torch.split(encoded, pieces.tolist())), batch_first=True)  # (B, most pieces, F)
        if self.recurrent is not None:
            rows, _ = self.recurrent(rows, lengths=pieces)
        joined: Tensor = self.pool(rows, pieces)
        return joined


def encode_within(budget: int | None, encode: Callable[..., Tensor], tokens: Tensor, *others: Tensor | None) -> Tensor:
    """Encode some rows at a time, so that no more than `budget` padded tokens are in memory, one row at the least.

    The gradient is the whole batch's: what a part's forward pass computed is forgotten and computed again in
    backward, with the same dropout, which costs a third of the time more where there is more than one part.

    Args:
        budget: the most padded tokens at once; None takes all rows together.
        encode: r rows of `tokens` and of each of `others`, by their places -> (r, F), each row by itself.
        tokens: (R, T) int64.
        others: (R, ·), or None, which each part is given.

    Returns (R, F).

    """
    if budget is None:  # and no length is asked for, which would fix the batch of an exported program
        return encode(tokens, *others)
    rows = max(1, budget // tokens.shape[1])
    if len(tokens) <= rows:
        return encode(tokens, *others)
    split = torch.split(tokens, rows)
    parts = zip(split, *([None] * len(split) if o is None else torch.split(o, rows) for o in others), strict=True)
    if not torch.is_grad_enabled():
        return torch.cat([encode(*part) for part in parts])
    return torch.cat([checkpoint(encode, *part, use_reentrant=False) for part in parts])
