"""From the cells of files to a table, some rows at a time: in whatever store the arrays lie."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from cellwright.data.arrays import Growing, Made, Store
from cellwright.data.column import Column, Encoded, encoded
from cellwright.data.readers.rows import NAMES, RowBuilder, names_of, place_of_rows
from cellwright.data.readers.values import FILE, Cells, Columns, as_optional, as_text
from cellwright.data.table import Table

TARGETS = "target_content", "target_sizes"
"""Of pairs, whose labels are texts of their own and no few strings."""

Check = Callable[[object, str, str], str]
"""Returns a cell's text: of the cell, its column, and where it stands. Raises InputError."""


class TableBuilder(RowBuilder[Cells]):
    """Makes a table of cells."""

    def __init__(self, columns: Columns, growing: Growing) -> None:
        super().__init__(growing, _others(columns))
        self._columns = columns
        # Numbers of cells as they stand there, so that each is looked at once.
        self._known: dict[str, dict[str, int]] = {role: {} for role in self.names}
        self._named = 0

    @staticmethod
    def kinds(columns: Columns, *, named: bool) -> dict[str, Any]:
        """Return the types of the arrays that it makes: the texts, where rows stood, and numbers of other columns.

        named: whether some rows stand in a folder, as files.
        """
        texts: dict[str, Any] = {"content": np.uint8, "sizes": np.int32, "lines": np.int64}
        for further, there in ((TARGETS, columns.pairs), (NAMES, named)):
            texts |= dict(zip(further, (np.uint8, np.int32), strict=True)) if there else {}
        return texts | dict.fromkeys(_others(columns), np.int32)

    def add(self, cells: Cells) -> None:
        """Check and take further rows. Raises InputError for a cell that is not a text or a label: line and column."""
        new, where = self.count(len(cells.lines), cells.unit, cells.notes), f"{self.path}, {cells.unit} "
        texts = self._texts(as_text, self._columns.text, cells, new, where)
        targets = self._targets(cells, new, where)
        # Those that are there are looked at too, so that each name has the number that it had.
        numbers = {role: self._numbers(role, name, cells, where) for role, name in _others(self._columns).items()}
        lines = self._lines(cells, new)
        if new.start < new.stop:
            arrays = _arrays(("content", "sizes"), texts) | lines
            arrays |= targets | {role: found[new] for role, found in numbers.items()}
            self.growing.append(new.stop - new.start, arrays)

    def _texts(self, check: Check, name: str, cells: Cells, new: slice, where: str) -> Encoded:
        """The new cells of a column."""
        texts = cells.values[name][new]
        if set(map(type, texts)) == {str}:
            try:
                return encoded(cast(Sequence[str], texts))
            except UnicodeEncodeError:  # half a character, which the next says better
                pass
        return encoded(_checked(check, name, texts, cells.lines[new], where))

    def _targets(self, cells: Cells, new: slice, where: str) -> dict[str, NDArray[Any]]:
        if not self._columns.pairs:
            return {}
        assert self._columns.label is not None  # as pairs have
        return _arrays(TARGETS, self._texts(as_optional, self._columns.label, cells, new, where))

    def _numbers(self, role: str, name: str, cells: Cells, where: str) -> NDArray[np.int32]:
        """Of each cell of a column its place among the different ones."""
        values, known, names = cells.values[name], self._known[role], self.names[role]
        if set(map(type, values)) != {str} or not known.keys() >= set(cast(Sequence[str], values)):
            # A value that is no string is looked up by none: True, 1 and 1.0 are equal, and are spelled differently.
            read = _checked(as_optional, name, values, cells.lines, where)
            found = [names.setdefault(each, len(names)) for each in read]
            known.update((value, n) for value, n in zip(values, found, strict=True) if type(value) is str)
            return np.array(found, np.int32)
        return np.fromiter(map(known.__getitem__, cast(Sequence[str], values)), np.int32, len(values))

    def _lines(self, cells: Cells, new: slice) -> dict[str, NDArray[Any]]:
        """The lines of the new rows; of a folder, whose rows have names, the place of each among these, and they."""
        if cells.unit != FILE:
            return {"lines": np.array(cells.lines[new], np.int64)}
        begin, names = self._named + new.start, cast(Sequence[str], cells.lines[new])
        self._named += len(cells.lines)
        return {"lines": np.arange(begin, begin + len(names)), **_arrays(NAMES, encoded(names))}


def table_of(made: Made, files: Sequence[Path], source: str, store: Store) -> Table:
    """Return the table of all rows that a builder made of these files; source: as of `place_of_rows`."""
    one = place_of_rows(made, files, source, store)
    told = zip(files, made.told["files"], strict=True)
    notes = [f"{path}{note}" for path, file in told for note in file["notes"]]
    texts = Column.side_by_side(made.arrays["content"], made.arrays["sizes"], store)
    labels: Sequence[str] | None = names_of(made, "label")
    if made.arrays.keys() >= set(TARGETS):
        content, sizes = (made.arrays[name] for name in TARGETS)
        labels = Column.side_by_side(content, sizes, store)
    return Table(texts, labels, one.lines, one.source, one.unit, names_of(made, "features"), notes)


def _arrays(names: tuple[str, str], texts: Encoded) -> dict[str, NDArray[Any]]:
    """The two arrays of some texts."""
    return dict(zip(names, (np.frombuffer(texts.content, np.uint8), texts.sizes), strict=True))


def _others(columns: Columns) -> dict[str, str]:
    """What is asked beside the texts and is one of a few strings, by what it is."""
    asked = {"label": None if columns.pairs else columns.label, "features": columns.features}
    return {role: name for role, name in asked.items() if name is not None}


def _checked(
    check: Check,
    name: str,
    values: Sequence[object],
    lines: Sequence[int | str],
    where: str,
) -> list[str]:
    return [check(value, name, f"{where}{line}") for value, line in zip(values, lines, strict=True)]
