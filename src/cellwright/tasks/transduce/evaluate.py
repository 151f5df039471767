"""How good is a transducer on sources whose targets are known?"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from cellwright.data.pairs import Pairs
from cellwright.data.splits import Split
from cellwright.data.symbols import tokenize
from cellwright.data.unseen import sentences
from cellwright.evaluation.attention_plot import Aligned
from cellwright.evaluation.mistakes import ANSWERS, Mistakes, surest
from cellwright.evaluation.transduction import TransductionReport, compare_transduction
from cellwright.tasks.splits import options_for, say_all
from cellwright.tasks.transduce.data import SOURCE
from cellwright.tasks.transduce.predictor import Transduced, TransducePredictor
from cellwright.tasks.transduce.prepare import symbols_of
from cellwright.tasks.transduce.run import TransduceRun

DRAWN = 6
"""Alignments in the picture."""
BETWEEN = " | "
"""What stands between several right answers to a source in one cell."""


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
    symbols = run.config.symbols
    predictor = TransducePredictor(run)
    say_all(sentences(predictor.unseen(pairs.sources)), say)
    predictions = predictor.predict(pairs.sources)
    report = compare_transduction(
        [[tokenize(answer.target, symbols.target) for answer in prediction.answers] for prediction in predictions],
        list(map(symbols.bare, pairs.sources)),
        [[tokenize(target, symbols.target) for target in targets] for targets in pairs.targets],
        None if train is None else symbols_of(train, symbols),
        [Aligned(p.source_symbols, p.target_symbols, p.alignment) for p in predictions[:DRAWN]],
    )
    return replace(report, mistakes=mistakes_of(pairs, predictions, symbols.target))


def mistakes_of(pairs: Pairs, predictions: Sequence[Transduced], kind: str) -> Mistakes:
    """Return the sources whose best answer is none of their targets; kind: what these consist of."""
    sure = np.array([math.exp(each.answers[0].log_probability) for each in predictions], np.float32)
    answers = (tokenize(each.target, kind) for each in predictions)
    each = enumerate(zip(answers, pairs.targets, strict=True))
    wrong = [i for i, (answer, targets) in each if answer not in [tokenize(target, kind) for target in targets]]

    def cells(i: int) -> Sequence[Any]:
        answers = BETWEEN.join(pairs.targets[i]), predictions[i].target, float(sure[i])
        return pairs.where(i), pairs.sources[i], *answers

    order = surest(np.array(wrong, np.int64), sure)
    return Mistakes(order, ("where", "source", *ANSWERS), cells, pairs.sources.__getitem__)
