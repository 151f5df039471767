"""Numbers with a comma before their decimals, as spreadsheets of many countries write them: 1.234,5 is 1234.5."""

import re
from collections.abc import Sequence

_NUMBER = re.compile(r"\s*[-+]?(\d{1,3}(\.\d{3})+|\d*)(,\d*)?([eE][-+]?\d+)?\s*")


def decimal_commas(columns: Sequence[Sequence[str]]) -> list[int]:
    """Return which columns hold numbers with decimal commas: one at least, and nothing that they could not stand by."""
    return [
        place
        for place, cells in enumerate(columns)
        if any("," in cell for cell in cells) and all(_fits(cell) for cell in cells)
    ]


def with_point(cell: str) -> str:
    """Return a number with a decimal comma as Python spells it; other cells stay."""
    return cell.replace(".", "").replace(",", ".") if any(map(str.isdigit, cell)) and _NUMBER.fullmatch(cell) else cell


def _fits(cell: str) -> bool:
    """Whether a cell is a number with or without a decimal comma, or holds no digit: what stands for a missing one."""
    if not any(map(str.isdigit, cell)):
        return "," not in cell
    return _NUMBER.fullmatch(cell) is not None
