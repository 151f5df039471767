"""Numbers and lists as sentences on data have them."""

from collections.abc import Sequence

MOST_SHOWN = 12
"""Parts that one sentence lists."""


def counted(count: int, one: str) -> str:
    """Return `1 row`, `2,000 rows`, `2 series`."""
    return f"{count:,} {one if count == 1 or one.endswith('s') else one + 's'}"


def as_follows(count: int, verb: str) -> str:
    """Return the verb as it follows a count: `1 row that repeats`, `2 rows that repeat`."""
    return verb + "s" if count == 1 else verb


def place(source: str, unit: str, line: int | str) -> str:
    """Return where a row stood: `news.csv, line 7`; without a unit the line itself, which then names its file."""
    return f"{source}, {unit} {line}" if unit else str(line)


def shortened(parts: Sequence[str]) -> str:
    """List parts, the first ones of many."""
    more = f" and {len(parts) - MOST_SHOWN:,} more" if len(parts) > MOST_SHOWN else ""
    return ", ".join(parts[:MOST_SHOWN]) + more
