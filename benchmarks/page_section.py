"""The part of a page that a script writes, between two marks; what stands around it is written by hand."""

from __future__ import annotations

from pathlib import Path

BEGIN, END = "<!-- measured -->\n", "<!-- end -->\n"


def replace_measured(page: Path, text: str) -> None:
    """Put `text` between the marks of the page."""
    before, _, rest = page.read_text().partition(BEGIN)
    page.write_text(before + BEGIN + text + END + rest.partition(END)[2])
