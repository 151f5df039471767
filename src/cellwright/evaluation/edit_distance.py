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


class EditSums:
    """What is counted of answers, some of them after the others."""

    def __init__(self) -> None:
        self.wrong = self.edits = self.sequences = self.symbols = 0

    def add(self, answers: Sequence[Symbols], references: Sequence[Sequence[Symbols]]) -> None:
        """Score each answer by the nearest of its right ones, of which each has at least one, with at least one symbol.

        Raises ValueError for lists of different lengths.
        """
        pairs = [(a, r) for a, right in zip(answers, references, strict=True) for r in right]
        edits = iter(_edits(pairs))
        nearest = [
            min(((next(edits), len(r)) for r in right), key=lambda found: found[0] / found[1]) for right in references
        ]
        self.wrong += sum(edited > 0 for edited, _ in nearest)
        self.edits += sum(edited for edited, _ in nearest)
        self.sequences += len(nearest)
        self.symbols += sum(length for _, length in nearest)

    def scores(self) -> EditScores:
        """Return the error rates. Raises ValueError for no answer at all."""
        if not self.sequences:
            raise ValueError("EditSums: there is no answer to score; expected at least one")
        return EditScores(self.wrong / self.sequences, self.edits / self.symbols, self.sequences, self.symbols)


def _edits(pairs: Sequence[tuple[Symbols, Symbols]]) -> list[int]:
    """Levenshtein's distance of each pair; the library reads characters, so that each symbol becomes one."""
    characters: dict[Hashable, str] = {}
    for pair in pairs:
        for symbol in (*pair[0], *pair[1]):
            characters.setdefault(symbol, chr(len(characters)))
    written = [["".join(characters[symbol] for symbol in side) for side in pair] for pair in pairs]
    edits: list[int] = edit_distance([a for a, _ in written], [r for _, r in written], reduction="none").tolist()
    return edits
