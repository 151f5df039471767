"""Cut a sequence into windows that together cover it.

    windows([0, 1, 2, 3, 4, 5, 6, 7], 4, overlap=1)    # [[0, 1, 2, 3], [3, 4, 5, 6], [6, 7]]

A model reads each window by itself, as one more row of a ragged batch, and pools what it made of them
(`models.pieces`).
"""

from bisect import bisect_right
from collections.abc import Sequence
from typing import TypeVar

from cellwright.longtext.cuts import MayCut, anywhere, first_cut, last_cut

T = TypeVar("T")


def windows(
    tokens: Sequence[T],
    size: int,
    *,
    overlap: int = 0,
    sentence_ends: Sequence[int] = (),
    may_cut: MayCut = anywhere,
) -> list[list[T]]:
    """Return the windows in order; an empty sequence is one empty window.

    A window ends with the last sentence that ends in the second half of what is new in it, so that short sentences do
    not make many short windows; where none does, at the last place to cut.

    Args:
        tokens: any sequence, T items.
        size: the most items of a window.
        overlap: the most items at a window's start that the one before had too, below `size`.
        sentence_ends: indices, ascending, of the item after each sentence.
        may_cut: whether a window may begin or end before this item (`cuts`).

    Raises:
        ValueError: a size below 1, or an overlap that leaves a window nothing new.

    """
    if size < 1 or not 0 <= overlap < size:
        raise ValueError(f"windows: size {size} and overlap {overlap}; expected a size from 1 on and a smaller overlap")
    found, start, end = [], 0, 0
    while len(tokens) - start > size:
        end = _end(start, end, size, overlap, sentence_ends, may_cut)
        found.append(list(tokens[start:end]))
        start = first_cut(may_cut, max(end - overlap, start + 1), end)
    return [*found, list(tokens[start:])]


def _end(start: int, done: int, size: int, overlap: int, sentence_ends: Sequence[int], may_cut: MayCut) -> int:
    """Return where the window from `start` ends, beyond `done`, where the one before ended."""
    limit = start + size
    before = bisect_right(sentence_ends, limit) - 1
    if before >= 0 and sentence_ends[before] > start + (size + overlap) // 2:
        return sentence_ends[before]
    end = last_cut(may_cut, done, limit)
    return limit if end == done else end  # one cluster is longer than what is new
