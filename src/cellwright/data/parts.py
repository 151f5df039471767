"""Texts in parts between blanks: what stands in many texts is looked at once.

A word-level tokenizer never reads across a blank, so that the tokens of a text are those of its parts, one after the
other. A million short texts of English hold some 17 million parts, and a few ten thousand different ones.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import count, islice
from threading import Lock

import numpy as np

from cellwright.data.column import portions
from cellwright.data.token_rows import TokenRows

BLANK = " "
"""The one character that is cut at; other white space inside a part is the tokenizer's to see."""
REMEMBERED = 2**20
"""Different parts whose numbers are kept; beyond, they are looked up anew."""


def parts_of(texts: Iterable[str]) -> list[str]:
    """Return the parts of all texts, in order: of each as many as it has blanks, and one more.

    >>> parts_of(["very  good", "", "so so"])
    ['very', '', 'good', '', 'so', 'so']
    """
    return BLANK.join(texts).split(BLANK)


def count_parts(texts: Sequence[str], together: int) -> Counter[str]:
    """Count how often each part stands in the texts, "" aside; `together`: texts that are cut at once."""
    counts: Counter[str] = Counter()
    for part in portions(texts, together):
        counts.update(parts_of(texts[part]))
    del counts[""]
    return counts


class NumberedParts:
    """Numbers texts by their parts, which `encode` numbers: each part once, however often it stands."""

    def __init__(self, encode: Callable[[Sequence[str]], TokenRows], size: int, remembered: int | None = None) -> None:
        """encode: of whole texts, each by itself, to numbers below `size`. remembered: in place of REMEMBERED."""
        self._encode, self._size = encode, size
        self._remembered = REMEMBERED if remembered is None else remembered
        self._lock = Lock()
        self._forget()

    def rows(self, texts: Sequence[str]) -> TokenRows:
        """Return each text's token numbers; of several threads one at a time."""
        if not texts:
            return TokenRows.of([], self._size)
        with self._lock:
            try:
                found = self._of_parts(texts)
            except BaseException:  # Ctrl-C too: parts may be counted whose numbers are not there
                self._forget()
                raise
        last = np.cumsum(np.fromiter((text.count(BLANK) + 1 for text in texts), np.int64, len(texts))) - 1
        return TokenRows(found.numbers, found.ends[last])

    def _forget(self) -> None:
        self._known, self._places = TokenRows.of([], self._size), numbering()

    def _of_parts(self, texts: Sequence[str]) -> TokenRows:
        """Return the token numbers of each part of all texts."""
        if len(self._places) > self._remembered:
            self._forget()
        before, parts = len(self._places), parts_of(texts)
        places = np.fromiter(map(self._places.__getitem__, parts), np.int64, len(parts))  # new parts get the next ones
        if new := list(islice(reversed(self._places), len(self._places) - before))[::-1]:
            self._known = TokenRows.joined([self._known, self._encode(new)])
        return self._known.take(places)


def numbering() -> defaultdict[str, int]:
    """A number for each part, in the order in which they are first asked for."""
    return defaultdict(count().__next__)
