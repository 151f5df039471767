"""How good is a transducer on sources whose targets are known?"""

from collections.abc import Callable, Mapping
from typing import Any

from cellwright.data.pairs import Pairs
from cellwright.data.splits import Split, what_flatters
from cellwright.data.symbols import cut
from cellwright.data.unseen import sentences
from cellwright.evaluation.alignment import Aligned
from cellwright.evaluation.transduction import Transduction, compare_transduction
from cellwright.tasks.splits import check_split, nothing_on, options_for, say_all, training_split
from cellwright.tasks.transduce.data import load_splits, read_pairs
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
) -> Transduction:
    """Score the run beside symbol-by-symbol replacement and copying; see `Task.evaluate`."""
    pairs = _pairs(data, split, options_for(run, data, columns), say)
    train = _training_pairs(run, pairs, split, say, baselines)
    symbols = run.config.symbols
    predictor = TransducePredictor(run)
    say_all(sentences(predictor.unseen(pairs.sources)), say)
    predictions = predictor.predict(pairs.sources)
    return compare_transduction(
        [[cut(answer.target, symbols.target) for answer in prediction.answers] for prediction in predictions],
        list(map(symbols.bare, pairs.sources)),
        [[cut(target, symbols.target) for target in targets] for targets in pairs.targets],
        None if train is None else symbols_of(train, symbols),
        [Aligned(p.source_symbols, p.target_symbols, p.alignment) for p in predictions[:DRAWN]],
    )


def _pairs(data: str, split: Split, options: Mapping[str, Any], say: Callable[[str], None]) -> Pairs:
    check_split(data, split)
    if split == "all":
        pairs, notes = read_pairs(data, options)
        for note in notes:
            say(note)
    else:
        pairs = load_splits(data, options)[split]
    if not len(pairs):
        raise nothing_on(data, split, "source", "row")
    return pairs


def _training_pairs(
    run: TransduceRun, scored: Pairs, split: Split, say: Callable[[str], None], wanted: bool
) -> Pairs | None:
    """Return what the run was trained on, for the baseline; say so where it is gone, or holds sources to be scored."""
    options = run.config.options
    train = training_split(lambda: load_splits(options["data"], options), "pairs", say, wanted)
    if train is not None and split != "train":
        say_all(what_flatters(len(set(train.sources) & set(scored.sources)), len(scored), "sources"), say)
    return train
