"""A transducer's error rates beside those of models without memory, on the same sources.

symbol by symbol   each source symbol becomes the target symbol that most often stood at its place in the training pairs
                   whose sides are equally long; one never seen there is copied
copy               the source itself
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellwright.data.arrays import MEMORY, Growing, Store, chunks
from cellwright.data.parts import numbering
from cellwright.evaluation.attention_plot import Aligned, draw_alignments
from cellwright.evaluation.edit_distance import EditScores, EditSums
from cellwright.evaluation.mistakes import Mistakes
from cellwright.evaluation.report import ALIGNMENT, Report, Section
from cellwright.stages import staged

Tokens = Sequence[str]
TOGETHER = 2**18
"""Symbols of which the different ones are counted at once."""
AT_ONCE = 2**19
"""Counts that are gone through at once, and those of a symbol in any case."""
PLACES = 32
"""Binary digits of a counterpart's number, before which stands its symbol's."""


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
        """Error rates by sequence and by symbol."""
        named = {"this model": self.model, "symbol by symbol": self.by_symbol, "copy": self.copy}
        rows = [
            (name, f"{s.sequence_error:.4f}", f"{s.symbol_error:.4f}") for name, s in named.items() if s is not None
        ]
        return [Section("errors", ("sequence error", "symbol error"), rows)]

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


class Comparison:
    """What is counted of a transducer's answers and of the baselines, some sources after the others."""

    def __init__(self, usual: Mapping[str, str] | None) -> None:
        """usual: as of `usual_counterparts`; None: there were no pairs to count."""
        self._usual = usual
        self._model, self._copy, self._by_symbol = EditSums(), EditSums(), EditSums()
        self._right = self._candidates = 0

    def add(
        self, found: Sequence[Sequence[Tokens]], sources: Sequence[Tokens], references: Sequence[Sequence[Tokens]]
    ) -> None:
        """Score the answers `found` of each source, the best first, at least one."""
        self._model.add([answers[0] for answers in found], references)
        self._copy.add(sources, references)
        if self._usual is not None:
            self._by_symbol.add([symbol_by_symbol(self._usual, source) for source in sources], references)
        for answers, wanted in zip(found, references, strict=True):
            self._right += any(list(answer) in map(list, wanted) for answer in answers)
        self._candidates = max(self._candidates, *map(len, found))

    def report(self, aligned: Sequence[Aligned] = ()) -> TransductionReport:
        """The scores of all that was added; aligned: some of the answers, to draw."""
        model = self._model.scores()
        return TransductionReport(
            model=model,
            copy=self._copy.scores(),
            by_symbol=None if self._usual is None else self._by_symbol.scores(),
            within=self._right / model.sequences,
            candidates=self._candidates,
            aligned=aligned,
        )


def symbol_by_symbol(usual: Mapping[str, str], source: Tokens) -> list[str]:
    """A source by its symbols' usual counterparts."""
    return [usual.get(symbol, symbol) for symbol in source]


@staged(lambda *_: "counting which symbols stand for which")
def usual_counterparts(train: Iterable[tuple[Tokens, Tokens]], store: Store = MEMORY) -> dict[str, str]:
    """Of each symbol its most frequent counterpart; of equally frequent ones the first seen.

    store: for what is counted: where words stand for words, nearly all differ.
    """
    symbols, counterparts = numbering(), numbering()
    pairs = (
        symbols[symbol] << PLACES | counterparts[counterpart]
        for source, target in train
        if len(source) == len(target)
        for symbol, counterpart in zip(source, target, strict=True)
    )

    def fill(growing: Growing) -> None:
        while len(some := np.fromiter(islice(pairs, TOGETHER), np.int64)):
            different, first, times = np.unique(some, return_index=True, return_counts=True)
            order = np.argsort(first)
            growing.append(len(order), {"pairs": different[order], "times": times[order]})

    counted = store.of(lambda: None).made("counterparts", {"pairs": np.int64, "times": np.int32}, fill).arrays
    usual, names = _most_frequent(counted["pairs"], counted["times"], len(symbols)), list(counterparts)
    return {symbol: names[number] for symbol, number in zip(symbols, usual.tolist(), strict=True)}


def _most_frequent(pairs: NDArray[np.int64], times: NDArray[np.int32], size: int) -> NDArray[np.int64]:
    """(size,) of each symbol its usual counterpart, for some symbols after the others.

    pairs, times: (N,) numbers of a symbol and a counterpart, as they come, in several places perhaps, and how often.
    """
    rows = np.zeros(size, np.int64)  # of each symbol
    for part in chunks(len(pairs)):
        rows += np.bincount(pairs[part] >> PLACES, minlength=size)
    turns = np.cumsum(rows) // AT_ONCE
    found = np.empty(size, np.int64)
    for turn in np.unique(turns):
        those = [part.start + np.flatnonzero(turns[pairs[part] >> PLACES] == turn) for part in chunks(len(pairs))]
        some = np.concatenate(those)
        different, first, place = np.unique(pairs[some], return_index=True, return_inverse=True)
        counts = np.zeros(len(different), np.int64)
        np.add.at(counts, place, times[some])
        order = np.lexsort((first, -counts, different >> PLACES))
        ranked = different[order]
        symbols, best = np.unique(ranked >> PLACES, return_index=True)
        found[symbols] = ranked[best] & ((1 << PLACES) - 1)
    return found
