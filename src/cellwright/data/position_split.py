"""One text cut into splits by position, as a language model is trained and scored."""

from cellwright.data.hash_split import check_shares
from cellwright.data.splits import Splits
from cellwright.data.table import Table
from cellwright.errors import InputError

SHARE = 0.05
"""Of validation, and of test: nine tenths are trained on."""


def split_by_position(text: str, source: str, *, validation: float = SHARE, test: float = SHARE) -> Splits[Table]:
    """Split one text by position: its beginning is trained on, then come validation and test.

    Of N code points the first ⌊(1 - validation - test) N⌋ are trained on. A split without any has no row.

    Raises:
        InputError: nothing but white space.
        ValueError: shares that leave nothing for training.

    """
    check_shares(validation, test)
    if not text.strip():
        raise InputError(f"{source}: no text, only white space; expected something to learn from")
    # Rounded first: 1 - 0.05 - 0.05 falls short of 0.9, and the cut should not.
    first, second = (int(round(share, 9) * len(text)) for share in (1 - validation - test, 1 - test))
    parts = {"train": (0, first), "validation": (first, second), "test": (second, len(text))}
    tables = {split: _part(text, start, end, source) for split, (start, end) in parts.items()}
    sizes = ", ".join(f"{split} {end - start:,}" for split, (start, end) in parts.items())
    return Splits(tables, [f"one text of {len(text):,} characters, cut by position: {sizes}"])


def _part(text: str, start: int, end: int, source: str) -> Table:
    """The text [start, end) as the one row of a table, or a table without rows."""
    rows = [text[start:end]] if end > start else []
    return Table(rows, None, [1 + text.count("\n", 0, start)] * len(rows), source)
