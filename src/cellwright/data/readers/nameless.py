"""Columns at the end of a table that no name stands above, as spreadsheets leave them: only a number asks for one."""

from collections.abc import Sequence
from pathlib import Path

from cellwright.data.readers.values import NUMBER, listed
from cellwright.errors import InputError


class Nameless:
    """Those of a file behind the last column that has a name, or is asked for by its number."""

    def __init__(self, path: Path, names: Sequence[str], asked: Sequence[str]) -> None:
        """names: what stands in the first line. asked: columns by name or by number."""
        named = max((place for place, name in enumerate(names, start=1) if name.strip()), default=1)
        numbers = [column for column in asked if column not in names and NUMBER.fullmatch(column)]
        self.count = max(len(names) - max([named, *map(int, numbers)]), 0)
        self._path, self._found = path, False
        self._backwards = next((column for column in numbers if column.startswith("-")), None)
        self._last = "the last column" if self.count == 1 else f"the last {self.count:,} columns"

    def note(self) -> list[str]:
        """Say that they are left out, if there are any."""
        return [f"{self._path}: {self._last}, without a name, left out"] if self.count else []

    def without(self, rows: list[tuple[int, list[str]]]) -> tuple[list[tuple[int, list[str]]], list[str]]:
        """Return further rows without them, and once, where something stands there, a note on the first.

        rows: each with its line. Raises InputError where something does, and a column is counted from the end.
        """
        if not self.count:
            return rows, []
        notes, filled = [], ((line, fields) for line, fields in rows if any(map(str.strip, fields[-self.count :])))
        if not self._found and (first := next(filled, None)):
            self._found, (line, fields) = True, first
            found = listed([field for field in fields[-self.count :] if field.strip()])
            where = f"{self._path}, line {line}: {found} in {self._last}"
            if self._backwards is not None:
                raise InputError(
                    f"{where}, without a name, so that {self._backwards} may count from there or from the last name; "
                    "expected columns by name, or by number from 1"
                )
            notes.append(f"{where}, left out since the first line has no name for it: only a number asks for it")
        return [(line, fields[: -self.count]) for line, fields in rows], notes
