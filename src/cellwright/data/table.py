"""Texts with their labels, and where each stood in its file."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cellwright.data.arrays import store_of
from cellwright.data.column import taken
from cellwright.data.wording import place

TEXT, LABEL = "text", "label"
"""Columns of texts and of labels where nobody names others."""


@dataclass(frozen=True)
class Table:
    """N texts in the order of their file; the columns run side by side.

    `labels` and `features` are None where no such column was asked for. `lines` holds the line on which each row
    begins, counted from 1 as an editor counts them (in Parquet, which has no lines, the row; in a folder, the file's
    name; of several files, which of them and where in it), and `unit` says which of these it is. `source` is the file
    or the built-in set, as messages name it. `notes` says in sentences what the reader found out about the file that
    nobody had told it.
    """

    texts: Sequence[str]
    labels: Sequence[str] | None
    lines: Sequence[int | str]
    source: str
    unit: str = "line"
    features: Sequence[str] | None = None
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        sizes = {len(column) for column in (self.texts, self.labels, self.lines, self.features) if column is not None}
        if len(sizes) > 1:
            raise ValueError(
                f"Table: {len(self.texts)} texts, {len(self.labels or [])} labels and {len(self.lines)} lines; "
                "expected as many of each"
            )

    def __len__(self) -> int:
        return len(self.texts)

    def where(self, index: int) -> str:
        """Say where a row stood, `reviews.csv, line 7`, to begin a message with."""
        return place(self.source, self.unit, self.lines[index])

    def take(self, indices: Iterable[int] | NDArray[np.int64], key: object = None) -> "Table":
        """Return the rows with these indices, in this order, without the notes.

        key: by what the rows were chosen, as JSON, where arrays made of them are worth keeping (`arrays.Store.of`).
        """
        rows = indices if isinstance(indices, np.ndarray) else np.array(list(indices), np.int64)
        store = store_of(self.texts).of(lambda: key)
        return Table(
            texts=taken(self.texts, rows, store),
            labels=None if self.labels is None else taken(self.labels, rows, store),
            lines=taken(self.lines, rows, store),
            source=self.source,
            unit=self.unit,
            features=None if self.features is None else taken(self.features, rows, store),
        )
