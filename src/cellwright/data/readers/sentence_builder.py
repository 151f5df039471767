"""From the sentences of files to one of all, some at a time: in whatever store the arrays lie."""

from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellwright.data.arrays import Growing, Made, Store
from cellwright.data.column import Column, Names, encoded
from cellwright.data.lists import Lists, Side, lengths_of
from cellwright.data.readers.columns import TokenColumns
from cellwright.data.readers.rows import RowBuilder, names_of, place_of_rows
from cellwright.data.sentences import Sentences


class SentenceBuilder(RowBuilder[Sentences]):
    """Makes sentences of sentences."""

    def __init__(self, columns: TokenColumns, growing: Growing) -> None:
        super().__init__(growing, _roles(columns))

    @staticmethod
    def kinds(columns: TokenColumns) -> dict[str, Any]:
        """Return the types of the arrays that it makes: words, how many each sentence has, and numbers of all else."""
        words = {"content": np.uint8, "sizes": np.int32, "words": np.int32, "lines": np.int64}
        return words | dict.fromkeys(_roles(columns), np.int32)

    def add(self, some: Sentences) -> None:
        """Take further sentences, which their reader has checked."""
        new = self.count(len(some), some.unit)
        # Those that are there are looked at too, so that each name has the number that it had.
        numbers = {role: self._numbers(role, rows, new) for role, rows in _said(some).items()}
        tokens = some.tokens[new]
        if len(tokens):
            words, lengths = encoded(list(chain.from_iterable(tokens))), lengths_of(tokens)
            arrays: dict[str, NDArray[Any]]
            arrays = {"content": np.frombuffer(words.content, np.uint8), "sizes": words.sizes, "words": lengths}
            arrays["lines"] = np.array(some.lines[new], np.int64)
            self.growing.append(len(tokens), arrays | numbers)

    def _numbers(self, role: str, rows: Sequence[Sequence[str]], new: slice) -> NDArray[np.int32]:
        """Of the strings of the new rows the place of each among the different ones."""
        names = self.names[role]
        found = [[names.setdefault(each, len(names)) for each in row] for row in rows]
        return np.fromiter(chain.from_iterable(found[new]), np.int32)


def sentences_of(made: Made, files: Sequence[Path], source: str, store: Store) -> Sentences:
    """Return all sentences that a builder made of these files; source: as of `place_of_rows`."""
    place, lengths = place_of_rows(made, files, source, store), made.arrays["words"]

    def lists(items: Column | Names | None) -> Lists:
        assert items is not None  # of the roles that there are
        return Lists.side_by_side(items, lengths, store)

    features = [lists(names_of(made, role)) for role in made.told["names"] if role.startswith(FEATURE)]
    return Sentences(
        tokens=lists(Column.side_by_side(made.arrays["content"], made.arrays["sizes"], store)),
        tags=lists(names_of(made, TAG)),
        labels=names_of(made, LABEL),
        lines=place.lines,
        source=place.source,
        unit=place.unit,
        features=Side(features) if features else None,
    )


TAG, LABEL, FEATURE = "tags", "labels", "feature"
"""What is one of a few strings; behind the last stands the number of a column."""


def _roles(columns: TokenColumns) -> list[str]:
    label = [] if columns.label is None else [LABEL]
    return [TAG, *label, *(f"{FEATURE}{number}" for number in range(len(columns.features)))]


def _said(some: Sentences) -> dict[str, Sequence[Sequence[str]]]:
    """Of each role its strings, in the rows that they stand in."""
    found: dict[str, Sequence[Sequence[str]]] = {TAG: some.tags}
    if some.labels is not None:
        found[LABEL] = [[label] for label in some.labels]
    if some.features is not None:
        columns = len(next(filter(None, some.features), [()])[0])
        for number in range(columns):
            found[f"{FEATURE}{number}"] = [[each[number] for each in row] for row in some.features]
    return found
