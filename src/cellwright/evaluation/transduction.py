"""A transducer's error rates beside those of models without memory, on the same sources.

symbol by symbol   each source symbol becomes the target symbol that most often stood at its place in the training pairs
                   whose sides are equally long; one never seen there is copied
copy               the source itself
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from cellwright.evaluation.attention_plot import Aligned, draw_alignments
from cellwright.evaluation.edit_distance import EditScores, score_sequences
from cellwright.evaluation.mistakes import Mistakes
from cellwright.evaluation.report import ALIGNMENT, Report, Section
from cellwright.stages import staged

Tokens = Sequence[str]


@dataclass(frozen=True)
class TransductionReport(Report):
    """Scores of a transducer and its baselines; `by_symbol` is None where there were no pairs to count."""

    model: EditScores
    copy: EditScores
    by_symbol: EditScores | None
    within: float
    """Share of the sources with a right answer among the `candidates` best."""
    candidates: int
    aligned: Sequence[Aligned]
    """Some of the answers, to draw."""
    mistakes: Mistakes | None = None

    @property
    def counted(self) -> str:
        """How many sources."""
        return f"{self.model.sequences:,} sources"

    def sections(self) -> list[Section]:
        """Error rates by sequence and by symbol, and some mistakes."""
        named = {"this model": self.model, "symbol by symbol": self.by_symbol, "copy": self.copy}
        rows = [
            (name, f"{s.sequence_error:.4f}", f"{s.symbol_error:.4f}") for name, s in named.items() if s is not None
        ]
        errors = Section("errors", ("sequence error", "symbol error"), rows)
        return [errors, *(self.mistakes.sections() if self.mistakes else [])]

    def as_json(self) -> dict[str, Any]:
        """The scores."""
        scores = asdict(replace(self, aligned=(), mistakes=None))  # which copies what a report holds
        return {name: value for name, value in scores.items() if name not in ("aligned", "mistakes")}

    def verdict(self) -> str:
        """How many are right, and how many without memory."""
        right = f"The network gives a right answer to {1 - self.model.sequence_error:.3f} of the sources"
        best = f", and has one among its {self.candidates} best for {self.within:.3f}"
        if self.by_symbol is None:
            return f"{right}{best}."
        return f"{right}{best}; symbol by symbol it would be {1 - self.by_symbol.sequence_error:.3f}."

    def pictures(self) -> dict[str, Callable[[Path], None]]:
        """What the decoder looked at."""
        return {ALIGNMENT: lambda path: draw_alignments(self.aligned, path)}


def compare_transduction(
    found: Sequence[Sequence[Tokens]],
    sources: Sequence[Tokens],
    references: Sequence[Sequence[Tokens]],
    train: Sequence[tuple[Tokens, Tokens]] | None,
    aligned: Sequence[Aligned] = (),
) -> TransductionReport:
    """Score the answers `found` of each source, the best first, at least one; and the baselines, counted on `train`."""
    right = [
        any(list(answer) in map(list, wanted) for answer in n) for n, wanted in zip(found, references, strict=True)
    ]
    return TransductionReport(
        model=score_sequences([answers[0] for answers in found], references),
        copy=score_sequences(sources, references),
        by_symbol=None if train is None else score_sequences(symbol_by_symbol(train, sources), references),
        within=sum(right) / len(right),
        candidates=max(map(len, found)),
        aligned=aligned,
    )


@staged(lambda train, _: f"counting the symbols of {len(train):,} pairs")
def symbol_by_symbol(train: Sequence[tuple[Tokens, Tokens]], sources: Sequence[Tokens]) -> list[list[str]]:
    """Each source by its symbols' most frequent counterparts; of equally frequent ones the first seen."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for source, target in train:
        if len(source) == len(target):
            for symbol, counterpart in zip(source, target, strict=True):
                counts[symbol][counterpart] += 1
    usual = {symbol: counted.most_common(1)[0][0] for symbol, counted in counts.items()}
    return [[usual.get(symbol, symbol) for symbol in source] for source in sources]
