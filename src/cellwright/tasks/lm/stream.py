"""Documents one behind the other, each behind its mark: what is read in training and scored, without a copy of it."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from cellwright.data.arrays import MEMORY, Store, chunks, ends_of, gathered
from cellwright.data.documents import Documents
from cellwright.data.token_rows import TokenRows
from cellwright.data.tokenizer import Tokenizer
from cellwright.models.language_model import MARK


@dataclass(frozen=True)
class Stream:
    """N tokens, the marks of D documents among them; each is put together of the documents when it is asked for.

    documents  D, as they are written, without marks
    ends       (D,), where each ends in the order in which they come, its mark counted
    store      where lies what is as long as they are
    order      (D,), which of the documents comes when; None: as they are
    start      the place that comes first; what stands before it comes after the end
    """

    documents: TokenRows
    ends: NDArray[np.int64]
    store: Store = MEMORY
    order: NDArray[np.int64] | None = None
    start: int = 0

    @classmethod
    def of(cls, documents: TokenRows, store: Store = MEMORY) -> "Stream":
        """Return documents in their order."""
        return cls(documents, _ends(documents.lengths, store), store)

    @property
    def size(self) -> int:
        """N."""
        return int(self.ends[-1]) if len(self.ends) else 0

    @property
    def tokens(self) -> int:
        """N without the marks."""
        return self.size - len(self.documents)

    def drawn(self, seed: int, number: int) -> "Stream":
        """Return the documents in another order, as seed and number say; one alone from another place on."""
        draws = torch.Generator().manual_seed((seed * 1_000_003 + number) % 2**64)
        if len(self.documents) == 1:
            return replace(self, start=int(torch.randint(self.size, (1,), generator=draws)))
        order = self.store.empty(len(self.documents), np.int64)
        order[:] = torch.randperm(len(order), generator=draws).numpy()
        return replace(self, order=order, ends=_ends(gathered(self.documents.lengths, order, self.store), self.store))

    def at(self, places: NDArray[np.int64], *, backward: bool = False) -> NDArray[np.int64]:
        """Return the token at each place from 0 on.

        backward: of each document its mark, then its tokens from the last one on.
        """
        places = (places + self.start) % self.size
        nth = np.searchsorted(self.ends, places, side="right")
        behind = places - np.where(nth > 0, self.ends[nth - 1], 0)  # its document's mark: 0 for the mark itself
        row = nth if self.order is None else self.order[nth]
        end, length = self.documents.ends[row], self.documents.lengths[row]
        found = np.full(places.shape, MARK, np.int64)
        token = behind > 0
        found[token] = self.documents.numbers[(end - behind if backward else end - length + behind - 1)[token]]
        return found

    def frequencies(self, vocabulary: int) -> NDArray[np.int64]:
        """(V,) how often each token stands there, the mark too."""
        found, numbers = np.zeros(vocabulary, np.int64), self.documents.numbers
        for part in chunks(self.tokens):
            found += np.bincount(numbers[part], minlength=vocabulary)
        found[MARK] += len(self.documents)
        return found

    def mapped(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """(N - 1,) of each token but the first mark its value, where the documents lie; values: (V,)."""
        found = self.store.empty(self.size - 1, np.float64)
        for part in chunks(len(found)):
            found[part] = values[self.at(np.arange(part.start + 1, part.stop + 1))]
        return found


def tokenised(tokenizer: Tokenizer, documents: Documents) -> Stream:
    """Return the tokens of each document as it is written, where the documents lie."""
    rows, store = tokenizer.rows(documents.pieces, as_written=True), documents.store
    if len(rows) == len(documents):
        return Stream.of(rows, store)
    ends = gathered(rows.ends, documents.ends - 1, store)
    lengths = store.empty(len(ends), np.int64)
    for part in chunks(len(ends)):
        lengths[part] = np.diff(ends[part], prepend=ends[part.start - 1] if part.start else 0)
    return Stream.of(TokenRows(rows.numbers, ends, lengths), store)


def _ends(lengths: NDArray[np.integer], store: Store) -> NDArray[np.int64]:
    """(D,) where documents of these lengths end, each behind its mark."""
    ends = ends_of(lengths, store)
    for part in chunks(len(ends)):
        ends[part] += np.arange(part.start + 1, part.stop + 1)
    return ends
