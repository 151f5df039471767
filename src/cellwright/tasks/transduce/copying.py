"""Whether a transducer copies symbols of its sources, and which."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellwright.data.pair_batches import PairRows
from cellwright.data.special_tokens import KNOWN, UNKNOWN
from cellwright.data.tokenizer import Tokenizer
from cellwright.errors import InputError
from cellwright.stages import staged
from cellwright.tasks.transduce.config import TransduceConfig
from cellwright.tasks.transduce.run import TransduceRunConfig

COPIED = 0.5
"""Share of the targets' symbols that stand in their source from which on they are copied where nobody chooses. Among
inflected forms it is 0.8; in a cipher, where the same letters stand for others, chance makes it 0.2."""


def counterparts(source: Tokenizer, target: Tokenizer) -> list[int]:
    """Of each source id the target id of the same symbol, UNKNOWN where there is none."""
    numbers = {symbol: number for number, symbol in enumerate(target.symbols(range(KNOWN, target.size)), KNOWN)}
    return [UNKNOWN] * KNOWN + [numbers.get(symbol, UNKNOWN) for symbol in source.symbols(range(KNOWN, source.size))]


@staged(lambda examples, _: f"counting what {len(examples):,} targets have of their sources")
def copied_share(examples: PairRows, copies: Sequence[int]) -> float:
    """Share of the targets' symbols that stand in their source, each as often as it stands there.

    examples: of one target each. copies: as of `counterparts`.
    """
    found, wanted, table = 0, 0, np.array(copies, np.int64)
    for sources, targets in examples.in_pieces():
        there, times = _counted(table[sources.numbers], sources.lengths)
        asked, counts = _counted(targets.numbers, targets.lengths)
        _, ours, theirs = np.intersect1d(asked, there, assume_unique=True, return_indices=True)
        found += int(np.minimum(counts[ours], times[theirs]).sum())
        wanted += len(targets.numbers)
    return found / wanted


def _counted(symbols: NDArray[Any], lengths: NDArray[np.integer]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Different symbols of each of some rows, as one number with their row, ascending, and how often each stands."""
    rows = np.repeat(np.arange(len(lengths), dtype=np.int64), lengths)
    return np.unique((rows << 32) + symbols, return_counts=True)


def settled(
    config: TransduceConfig, before: TransduceRunConfig | None, share_of: Callable[[], float]
) -> tuple[TransduceConfig, list[str]]:
    """The options with whether symbols are copied, and a sentence on it; a run that is resumed goes on as it began.

    Raises InputError where they shall be and cannot.
    """
    if before is not None:
        return config.model_copy(update={"copying": before.model.copying}), []
    if config.copying is False:
        return config, []
    share = share_of()
    if config.copying and not share:
        raise InputError(
            f"--copying: no target of {config.data} has a symbol of its source; expected some that can be copied: "
            "leave the option out"
        )
    if config.copying:
        return config, []
    copying = share >= COPIED
    way = "the decoder may copy them (--no-copying: it may not)"
    said = [f"{share:.1%} of the targets' symbols stand in their source: {way}"] if copying else []
    return config.model_copy(update={"copying": copying}), said
