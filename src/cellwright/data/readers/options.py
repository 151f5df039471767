"""How a file of rows is written, as far as someone says it."""

from typing import NamedTuple

from cellwright.errors import InputError

SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|", "space": " "}
"""What separates the fields of a row, by the names that can be typed for it."""


class ReadOptions(NamedTuple):
    """How a file is written; what nobody says, its suffix and its first rows tell."""

    encoding: str = "utf-8"
    """How the file's bytes spell characters; not used for Parquet."""
    format: str | None = None
    """A name from the table of formats, where the suffix does not tell."""
    separator: str | None = None
    """What stands between the fields of CSV and TSV: a name from SEPARATORS or a character; None: the rows tell."""
    header: bool = True
    """Whether the first row of CSV and TSV names the columns; without, columns have numbers."""
    quoting: bool = True
    """Whether a field of CSV and TSV may stand between double quotes; without, they are part of the text."""


def character_of(separator: str) -> str:
    r"""Return the character that a name from SEPARATORS, \t, or a character itself means. Raises InputError."""
    found = SEPARATORS.get(separator, "\t" if separator == "\\t" else separator)
    if len(found) != 1 or found in '"\r\n':
        raise InputError(f"--separator is {separator!r}; expected one character, or one of {', '.join(SEPARATORS)}")
    return found


def name_of(character: str) -> str:
    """Return a separator as messages name it."""
    names = {value: name for name, value in SEPARATORS.items()}
    return names.get(character, repr(character))
