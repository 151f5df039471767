"""How good is a transducer on sources whose targets are known?"""

from collections.abc import Callable, Mapping
from typing import Any

from cellwright.data import datasets
from cellwright.data.pair_source import open_pairs, read_pairs
from cellwright.data.pairs import Pairs
from cellwright.data.symbols import cut
from cellwright.errors import InputError
from cellwright.evaluation.alignment import Aligned
from cellwright.evaluation.transduction import Transduction, compare_transduction
from cellwright.tasks.task import Side
from cellwright.tasks.transduce.predictor import TransducePredictor
from cellwright.tasks.transduce.prepare import symbols_of
from cellwright.tasks.transduce.run import TransduceRun

DRAWN = 6
"""Alignments in the picture."""


def evaluate(
    run: TransduceRun, data: str, side: Side, columns: Mapping[str, Any], say: Callable[[str], None]
) -> Transduction:
    """Score the run beside symbol-by-symbol replacement and copying; see `Task.evaluate`."""
    pairs = _pairs(data, side, _own(run) | dict(columns))
    train = _training_pairs(run, pairs, side, say)
    symbols = run.config.symbols
    predictions = TransducePredictor(run).predict(pairs.sources)
    unknown = sum(bool(prediction.unknown) for prediction in predictions)
    if unknown:
        say(f"{unknown:,} of the {len(pairs):,} sources hold a symbol that training never saw")
    return compare_transduction(
        [[cut(answer.target, symbols.target) for answer in prediction.answers] for prediction in predictions],
        [cut(source, symbols.source) for source in pairs.sources],
        [[cut(target, symbols.target) for target in targets] for targets in pairs.targets],
        None if train is None else symbols_of(train, symbols),
        [Aligned(p.source_symbols, p.target_symbols, p.alignment) for p in predictions[:DRAWN]],
    )


def _own(run: TransduceRun) -> dict[str, Any]:
    """The columns that the run was trained on."""
    return {name: run.config.options[name] for name in ("source", "target")}


def _pairs(data: str, side: Side, columns: dict[str, Any]) -> Pairs:
    if side != "all":
        pairs = open_pairs(data, **columns)[side]
    elif data in datasets.names():
        raise InputError(f"{data} is scored one side at a time; expected --split train, validation or test, got all")
    else:
        pairs, _ = read_pairs(data, **columns)
    if not len(pairs):
        raise InputError(
            f"{data}: no source falls to the {side} side; expected at least one, --split all takes every row"
        )
    return pairs


def _training_pairs(run: TransduceRun, scored: Pairs, side: Side, say: Callable[[str], None]) -> Pairs | None:
    """Return what the run was trained on, for the baseline; say so where it is gone, or holds sources to be scored."""
    options = run.config.options
    try:
        train = open_pairs(options["data"], **_own(run), encoding=options["encoding"])["train"]
    except InputError as error:
        say(f"without a baseline, since the run's training pairs cannot be read: {error}")
        return None
    seen = len(set(train.sources) & set(scored.sources))
    if seen and side != "train":
        say(f"{seen:,} of the {len(scored):,} sources are among the training sources: the scores flatter")
    return train
