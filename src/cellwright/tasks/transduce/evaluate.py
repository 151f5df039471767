"""How good is a transducer on sources whose targets are known?"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from cellwright.data.cache import where_they_lie
from cellwright.data.pairs import Pairs
from cellwright.data.splits import Split
from cellwright.data.symbols import tokenize
from cellwright.data.unseen import sentences
from cellwright.evaluation.attention_plot import Aligned
from cellwright.evaluation.mistakes import ANSWERS, Mistakes, Surest
from cellwright.evaluation.transduction import Comparison, TransductionReport
from cellwright.stages import in_turn
from cellwright.tasks.splits import options_for, say_all
from cellwright.tasks.transduce.data import SOURCE
from cellwright.tasks.transduce.predictor import Transduced, TransducePredictor
from cellwright.tasks.transduce.prepare import usual_of
from cellwright.tasks.transduce.run import TransduceRun

DRAWN = 6
"""Alignments in the picture."""
BETWEEN = " | "
"""What stands between several right answers to a source in one cell."""
TOGETHER = 10_000
"""Sources that are answered at once: an answer with its alignment takes some kilobytes."""


def evaluate(
    run: TransduceRun,
    data: str,
    split: Split,
    columns: Mapping[str, Any],
    say: Callable[[str], None],
    baselines: bool,
) -> TransductionReport:
    """Score the run beside symbol-by-symbol replacement and copying; see `Task.evaluate`."""
    pairs = SOURCE.scored(data, split, options_for(run, data, columns), say)
    train = SOURCE.trained(run, pairs, split, say, baselines)
    predictor = TransducePredictor(run)
    say_all(sentences(predictor.unseen(pairs.sources)), say)
    usual = None if train is None else usual_of(train, run.config.symbols)
    report = _scored(predictor, pairs, Comparison(usual))
    say_all(where_they_lie(pairs.sources, *([] if train is None else [train.sources])), say)
    return report


def _scored(predictor: TransducePredictor, pairs: Pairs, comparison: Comparison) -> TransductionReport:
    """Answer some sources at once, and score the answers."""
    symbols, aligned = predictor.run.config.symbols, list[Aligned]()
    wrong = Wrong(symbols.target)

    def answer(part: slice) -> None:
        sources, targets = list(pairs.sources[part]), pairs.targets[part]
        predictions = predictor.predict(sources)
        comparison.add(
            [[tokenize(one.target, symbols.target) for one in each.answers] for each in predictions],
            list(map(symbols.bare, sources)),
            [[tokenize(target, symbols.target) for target in each] for each in targets],
        )
        wrong.add(part.start, predictions, targets)
        drawn = predictions[: DRAWN - len(aligned)]
        aligned.extend(Aligned(each.source_symbols, each.target_symbols, each.alignment) for each in drawn)

    in_turn("answering sources", len(pairs), TOGETHER, answer)
    return replace(comparison.report(aligned), mistakes=wrong.mistakes(pairs))


class Wrong:
    """The sources whose best answer is none of their targets, some after the others."""

    def __init__(self, kind: str) -> None:
        """kind: what targets consist of."""
        self._kind = kind
        self._indices, self._sure, self._answers = list[int](), list[float](), list[str]()

    def add(self, start: int, predictions: Sequence[Transduced], targets: Sequence[Sequence[str]]) -> None:
        """Look through the next sources' answers and targets; start: the first source's index."""
        for index, (each, wanted) in enumerate(zip(predictions, targets, strict=True), start):
            if tokenize(each.target, self._kind) not in [tokenize(target, self._kind) for target in wanted]:
                self._indices.append(index)
                self._sure.append(math.exp(each.answers[0].log_probability))
                self._answers.append(each.target)

    def mistakes(self, pairs: Pairs) -> Mistakes:
        """Return them, the surest first."""
        indices, sure, answers = self._indices, np.array(self._sure, np.float32), self._answers

        def cells(k: int) -> Sequence[Any]:
            i = indices[k]
            return pairs.where(i), pairs.sources[i], BETWEEN.join(pairs.targets[i]), answers[k], float(sure[k])

        order = Surest(np.arange(len(indices)), sure)
        return Mistakes(order, ("where", "source", *ANSWERS), cells, lambda k: pairs.sources[indices[k]])
