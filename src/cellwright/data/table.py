"""Texts with their labels, and where each stood in its file."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from cellwright.data.wording import place

TEXT, LABEL = "text", "label"
"""Columns of texts and of labels where nobody names others."""


@dataclass(frozen=True)
class Table:
    """N texts in the order of their file; the lists run side by side.

    `labels` and `features` are None where no such column was asked for. `lines` holds the line on which each row
    begins, counted from 1 as an editor counts them (in Parquet, which has no lines, the row; in a folder, the file's
    name; of several files, which of them and where in it), and `unit` says which of these it is. `source` is the file
    or the built-in set, as messages name it. `notes` says in sentences what the reader found out about the file that
    nobody had told it.
    """

    texts: list[str]
    labels: list[str] | None
    lines: Sequence[int | str]
    source: str
    unit: str = "line"
    features: list[str] | None = None
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

    def take(self, indices: Iterable[int]) -> "Table":
        """Return the rows with these indices, in this order, without the notes."""
        rows = list(indices)
        return Table(
            texts=[self.texts[row] for row in rows],
            labels=None if self.labels is None else [self.labels[row] for row in rows],
            lines=[self.lines[row] for row in rows],
            source=self.source,
            unit=self.unit,
            features=None if self.features is None else [self.features[row] for row in rows],
        )
