"""Whether a transducer copies symbols of its sources, and which."""

from collections import Counter
from collections.abc import Callable, Sequence

from cellwright.data.pair_batches import PairExample
from cellwright.data.special_tokens import KNOWN, UNKNOWN
from cellwright.data.tokenizer import Tokenizer
from cellwright.errors import InputError
from cellwright.tasks.transduce.config import TransduceConfig
from cellwright.tasks.transduce.run import TransduceRunConfig

COPIED = 0.5
"""Share of the targets' symbols that stand in their source from which on they are copied where nobody chooses. Among
inflected forms it is 0.8; in a cipher, where the same letters stand for others, chance makes it 0.2."""


def counterparts(source: Tokenizer, target: Tokenizer) -> list[int]:
    """Of each source id the target id of the same symbol, UNKNOWN where there is none."""
    numbers = {symbol: number for number, symbol in enumerate(target.symbols(range(KNOWN, target.size)), KNOWN)}
    return [UNKNOWN] * KNOWN + [numbers.get(symbol, UNKNOWN) for symbol in source.symbols(range(KNOWN, source.size))]


def copied_share(examples: Sequence[PairExample], copies: Sequence[int]) -> float:
    """Share of the targets' symbols that stand in their source, each as often as it stands there."""
    found = wanted = 0
    for numbers, targets in examples:
        there = Counter(copies[number] for number in numbers)
        found += sum((Counter(one) & there).total() for one in targets)
        wanted += sum(map(len, targets))
    return found / wanted


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
