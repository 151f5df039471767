"""Which character separates the fields of a file: the usual one, or another that its first rows have alike."""

import csv
import io
from collections.abc import Iterator

SAMPLE = 2**16
"""Characters that are looked at."""
OTHERS = ";\t,|"
"""What is tried beside the usual separator."""


def head_of(written: Iterator[str]) -> list[str]:
    """Take the first lines, all that are looked at and so much more that a longer file shows."""
    head, count = list[str](), 0
    while count <= SAMPLE and (line := next(written, "")):
        head.append(line)
        count += len(line)
    return head


def likely_separator(content: str, usual: str, *, quoting: bool) -> str:
    """Return the usual separator, unless it cuts the first rows unevenly, or not at all, and another one evenly.

    Raises nothing: where no separator cuts them evenly there is a mistake, which is for the reader to say.
    """
    sample = content if len(content) <= SAMPLE else content[: content.rfind("\n", 0, SAMPLE) + 1]
    widths = {
        character: _even_width(sample, character, quoting, cut=len(sample) < len(content))
        for character in dict.fromkeys(usual + OTHERS)
    }
    best = max(widths, key=widths.__getitem__)
    return best if widths[usual] <= 1 < widths[best] else usual


def _even_width(sample: str, separator: str, quoting: bool, *, cut: bool) -> int:
    """Return how many fields each row of the sample has, 0 where not all have as many; `cut`: the file goes on."""
    limit = csv.field_size_limit(len(sample) + 1)
    widths = set()
    try:
        for row in csv.reader(
            io.StringIO(sample, newline=""),
            delimiter=separator,
            quoting=csv.QUOTE_MINIMAL if quoting else csv.QUOTE_NONE,
            strict=True,
        ):
            widths.add(len(row))
    except csv.Error as error:  # quotation marks that do not pair: another separator's, a mistake, or the sample's end
        if not (cut and "end of data" in str(error)):
            return 0
    finally:
        csv.field_size_limit(limit)
    widths.discard(0)
    return widths.pop() if len(widths) == 1 else 0
