"""Texts with their labels, and where each stood in its file."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """N texts in the order of their file; the lists run side by side.

    `labels` is None where no label column was asked for. `lines` holds the line on which each row begins,
    counted from 1 as an editor counts them (in Parquet, which has no lines, the row). `source` is the
    file or the built-in set, as messages name it.
    """

    texts: list[str]
    labels: list[str] | None
    lines: list[int]
    source: str
    unit: str = "line"

    def __post_init__(self) -> None:
        sizes = {len(column) for column in (self.texts, self.labels, self.lines) if column is not None}
        if len(sizes) > 1:
            raise ValueError(
                f"Table: {len(self.texts)} texts, {len(self.labels or [])} labels and {len(self.lines)} lines; "
                "expected as many of each"
            )

    def __len__(self) -> int:
        return len(self.texts)

    def where(self, index: int) -> str:
        """Say where a row stood, `reviews.csv, line 7`, to begin a message with."""
        return f"{self.source}, {self.unit} {self.lines[index]}"

    def take(self, indices: Iterable[int]) -> "Table":
        """Return the rows with these indices, in this order."""
        rows = list(indices)
        return Table(
            texts=[self.texts[row] for row in rows],
            labels=None if self.labels is None else [self.labels[row] for row in rows],
            lines=[self.lines[row] for row in rows],
            source=self.source,
            unit=self.unit,
        )
