"""How good is a transducer on sources whose targets are known?"""

from collections.abc import Callable, Mapping
from typing import Any

from cellwright.data.pair_source import open_pairs, read_pairs
from cellwright.data.pairs import Pairs
from cellwright.data.symbols import cut
from cellwright.evaluation.alignment import Aligned
from cellwright.evaluation.transduction import Transduction, compare_transduction
from cellwright.tasks.sides import check_side, nothing_on, training_side, what_flatters
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
    check_side(data, side)
    pairs = read_pairs(data, **columns)[0] if side == "all" else open_pairs(data, **columns)[side]
    if not len(pairs):
        raise nothing_on(data, side, "source", "row")
    return pairs


def _training_pairs(run: TransduceRun, scored: Pairs, side: Side, say: Callable[[str], None]) -> Pairs | None:
    """Return what the run was trained on, for the baseline; say so where it is gone, or holds sources to be scored."""
    options = run.config.options
    own = _own(run) | {"encoding": options["encoding"]}
    train = training_side(lambda: open_pairs(options["data"], **own), "pairs", say)
    if train is not None and side != "train":
        for said in what_flatters(len(set(train.sources) & set(scored.sources)), len(scored), "sources"):
            say(said)
    return train
