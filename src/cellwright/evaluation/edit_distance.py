"""How far sequences are from the right ones: error rates by sequence and by symbol.

Where a source has several right answers, the nearest one counts: the one with the fewest edits for its length.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from torchmetrics.functional.text import edit_distance

Symbols = Sequence[Hashable]


@dataclass(frozen=True)
class EditScores:
    """Error rates of N answers."""

    sequence_error: float
    """Share of the answers that are no right one: of pronunciations, the word error rate."""
    symbol_error: float
    """Symbols to insert, delete or replace, by the symbols of the right answers; can exceed 1."""
    sequences: int
    symbols: int
    """Of the right answers that are nearest."""


def score_sequences(answers: Sequence[Symbols], references: Sequence[Sequence[Symbols]]) -> EditScores:
    """Score each answer by the nearest of its right ones, of which each has at least one, with at least one symbol.

    Raises ValueError for no answer at all, and for lists of different lengths.
    """
    if not answers:
        raise ValueError("score_sequences: there is no answer to score; expected at least one")
    pairs = [(a, r) for a, right in zip(answers, references, strict=True) for r in right]
    edits = iter(_edits(pairs))
    nearest = [
        min(((next(edits), len(r)) for r in right), key=lambda found: found[0] / found[1]) for right in references
    ]
    wrong, symbols = sum(edited > 0 for edited, _ in nearest), sum(length for _, length in nearest)
    return EditScores(wrong / len(answers), sum(edited for edited, _ in nearest) / symbols, len(answers), symbols)


def _edits(pairs: Sequence[tuple[Symbols, Symbols]]) -> list[int]:
    """Levenshtein's distance of each pair; the library reads characters, so that each symbol becomes one."""
    characters: dict[Hashable, str] = {}
    for pair in pairs:
        for symbol in (*pair[0], *pair[1]):
            characters.setdefault(symbol, chr(len(characters)))
    written = [["".join(characters[symbol] for symbol in side) for side in pair] for pair in pairs]
    edits: list[int] = edit_distance([a for a, _ in written], [r for _, r in written], reduction="none").tolist()
    return edits
