"""The part of a page that a script writes, between two marks; what stands around it is written by hand."""

from __future__ import annotations

from pathlib import Path

END = "<!-- end -->\n"


def replace_measured(page: Path, text: str, name: str = "measured") -> None:
    """Put `text` between the page's marks of this name."""
    begin = f"<!-- {name} -->\n"
    before, found, rest = page.read_text().partition(begin)
    if not found:
        raise ValueError(f"{page} has no line {begin.strip()}; expected one where the section is to be")
    page.write_text(before + begin + text + END + rest.partition(END)[2])
