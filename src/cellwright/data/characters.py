"""Texts of which each character is a token: numbered by a table, where the library cuts at every character first."""

import unicodedata
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from cellwright.data.special_tokens import PADDING
from cellwright.data.token_rows import TokenRows, narrow

UNASSIGNED = "Cn"


class NumberedCharacters:
    """Numbers texts whose characters are all known and composed; others are the library's to read.

    Unicode leaves such texts as they are in every version from that of this Python on, so that the library's own makes
    nothing else of them. Of a character that this Python does not know that cannot be said.
    """

    def __init__(self, numbers: Mapping[str, int]) -> None:
        """numbers: of single characters, none of them that of the padding."""
        known = {ord(each): n for each, n in numbers.items() if unicodedata.category(each) != UNASSIGNED}
        self._table = np.full(max(known, default=0) + 2, PADDING, narrow(max(known.values(), default=0) + 1))
        self._table[list(known)] = list(known.values())

    def rows(self, texts: Sequence[str]) -> tuple[TokenRows, NDArray[np.bool_]]:
        """Return each text's numbers, and (N,) which of the texts these are not for."""
        codes = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32)
        numbers = self._table[np.minimum(codes, len(self._table) - 1)]
        lengths = np.fromiter(map(len, texts), np.int64, len(texts))
        ends = np.cumsum(lengths)
        odd = np.fromiter((not unicodedata.is_normalized("NFC", text) for text in texts), np.bool_, len(texts))
        odd[np.searchsorted(ends, np.flatnonzero(numbers == PADDING), side="right")] = True
        return TokenRows(numbers, ends, lengths), odd
