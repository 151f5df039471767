"""Messages under Vigenère's cipher, each with its key of three symbols before it: "KEY:BI-AIQ" is "SECRET".

Generated, the same on every machine. The split is the key's: those that are tested were never seen.

The symbols of messages are all as likely, and those of every other key. Those of the keys between follow Zipf's law:
A is a quarter of them, the last a hundredth, so that there is always a next symbol to learn. Where all keys had symbols
as likely, the recipe (`examples/recipes/vigenere.sh`) had learned nothing after two epochs, after which it reads most
messages here; others were given ten.
"""

from random import Random

from cellwright.data.datasets.cipher import SYMBOLS, draw, encrypt
from cellwright.data.datasets.dataset import Dataset
from cellwright.data.hash_split import split_of
from cellwright.data.pairs import PAIRS, Pairs, gather
from cellwright.data.splits import SHARE, SPLITS, Splits
from cellwright.data.table import Table

KEY_LENGTH = 3
_MESSAGES, _LONGEST = 120_000, 12
_ZIPF = [1 / (1 + n) for n in range(len(SYMBOLS))]


def _load() -> Splits[Pairs]:
    random = Random(0)
    keys = ["".join(random.choices(SYMBOLS, (None, _ZIPF)[n % 2], k=KEY_LENGTH)) for n in range(_MESSAGES)]
    messages = [draw(random, 1 + int(random.random() * _LONGEST)) for _ in keys]
    sources = [f"{key}:{encrypt(message, key)}" for key, message in zip(keys, messages, strict=True)]
    pairs, notes = gather(Table(sources, messages, list(range(1, _MESSAGES + 1)), DATASET.name, "message"))
    indices: dict[str, list[int]] = {split: [] for split in SPLITS}
    for row, source in enumerate(pairs.sources):
        indices[split_of(source[:KEY_LENGTH], SHARE, SHARE)].append(row)
    return Splits({split: pairs.take(rows) for split, rows in indices.items()}, notes)


DATASET = Dataset(
    name="vigenere",
    content="messages of up to 12 random symbols under Vigenère's cipher, each behind its key of 3",
    source="generated",
    labels=(),
    load=_load,
    holds=PAIRS,
)
