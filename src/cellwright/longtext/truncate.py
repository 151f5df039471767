"""Keep the ends of a sequence: its head, its tail, or both with the middle cut out.

Whatever is no longer than the limit stays as it is. Each takes a sequence, a limit of at least 1, and `may_cut` (see
`cuts`). An end that would be cut where it may not be is cut at the next place inside it; only where nothing at all
would be left is it cut there after all.
"""

from collections.abc import Sequence
from typing import TypeVar

from cellwright.longtext.cuts import MayCut, anywhere, first_cut, last_cut

T = TypeVar("T")


def head(tokens: Sequence[T], limit: int, may_cut: MayCut = anywhere) -> list[T]:
    """Return the first `limit` tokens."""
    return _ends(tokens, limit, 0, may_cut)


def tail(tokens: Sequence[T], limit: int, may_cut: MayCut = anywhere) -> list[T]:
    """Return the last `limit` tokens."""
    return _ends(tokens, 0, limit, may_cut)


def head_and_tail(tokens: Sequence[T], limit: int, ratio: float = 0.25, may_cut: MayCut = anywhere) -> list[T]:
    """Return the first round(ratio · limit) tokens, and of the last ones as many as make up the limit.

    Sun et al. (2019), How to fine-tune BERT for text classification: 128 of 510 from the head did best.
    """
    if not 0 <= ratio <= 1:
        raise ValueError(f"head_and_tail: a ratio of {ratio}; expected the head's share of the limit, from 0 to 1")
    front = round(ratio * limit)
    return _ends(tokens, front, limit - front, may_cut)


def without_middle(tokens: Sequence[T], limit: int, may_cut: MayCut = anywhere) -> list[T]:
    """Return both ends in equal parts; of an odd limit the head gets the one more: of 5, the first 3 and the last 2."""
    return _ends(tokens, limit - limit // 2, limit // 2, may_cut)


def _ends(tokens: Sequence[T], front: int, back: int, may_cut: MayCut) -> list[T]:
    """Return the first `front` tokens and the last `back`."""
    if front + back < 1:
        raise ValueError(f"truncate: a limit of {front + back}; expected at least 1")
    length = len(tokens)
    if length <= front + back:
        return list(tokens)
    end, start = last_cut(may_cut, 0, front), first_cut(may_cut, length - back, length)
    if end == 0 and start == length:  # no cluster fits
        end, start = front, length - back
    return [*tokens[:end], *tokens[start:]]
