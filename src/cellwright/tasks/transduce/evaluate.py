"""How good is a transducer on sources whose targets are known?"""

from collections.abc import Callable, Mapping
from typing import Any

from cellwright.data.splits import Split
from cellwright.data.symbols import tokenize
from cellwright.data.unseen import sentences
from cellwright.evaluation.attention_plot import Aligned
from cellwright.evaluation.transduction import TransductionReport, compare_transduction
from cellwright.tasks.splits import options_for, say_all
from cellwright.tasks.transduce.data import SOURCE
from cellwright.tasks.transduce.predictor import TransducePredictor
from cellwright.tasks.transduce.prepare import symbols_of
from cellwright.tasks.transduce.run import TransduceRun

DRAWN = 6
"""Alignments in the picture."""


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
    return compare_transduction(
        [[tokenize(answer.target, symbols.target) for answer in prediction.answers] for prediction in predictions],
        list(map(symbols.bare, pairs.sources)),
        [[tokenize(target, symbols.target) for target in targets] for targets in pairs.targets],
        None if train is None else symbols_of(train, symbols),
        [Aligned(p.source_symbols, p.target_symbols, p.alignment) for p in predictions[:DRAWN]],
    )
