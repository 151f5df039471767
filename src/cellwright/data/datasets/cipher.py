"""Messages under the shift cipher: every symbol moved on by 13 places among the 27 of "A–Z -", SECRET to ERPDRF.

Generated, the same on every machine. The task is to read them.
"""

from random import Random

from cellwright.data.datasets.dataset import Dataset
from cellwright.data.pairs import PAIRS, Pairs, gather, split_pairs
from cellwright.data.splits import Splits
from cellwright.data.table import Table

SYMBOLS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ-"
KEY = SYMBOLS[13]
_MESSAGES, _LONGEST = 12_000, 16


def encrypt(message: str, key: str) -> str:
    """Move each symbol on by as many places as the key's symbol says, the key repeated (Vigenère's cipher).

    A key of one symbol shifts all of them alike; A by nothing.

    >>> encrypt("SECRET", "N")
    'ERPDRF'
    >>> encrypt("SECRET", "KEY")
    'BI-AIQ'
    """
    places = [SYMBOLS.index(symbol) for symbol in key]
    moved = [SYMBOLS.index(symbol) + places[k % len(key)] for k, symbol in enumerate(message)]
    return "".join(SYMBOLS[place % len(SYMBOLS)] for place in moved)


def draw(random: Random, length: int) -> str:
    """Draw symbols, each as likely as any other."""
    return "".join(SYMBOLS[int(random.random() * len(SYMBOLS))] for _ in range(length))


def _load() -> Splits[Pairs]:
    random = Random(0)
    messages = [draw(random, 1 + int(random.random() * _LONGEST)) for _ in range(_MESSAGES)]
    table = Table([encrypt(m, KEY) for m in messages], messages, list(range(1, _MESSAGES + 1)), DATASET.name, "message")
    return split_pairs(*gather(table))


DATASET = Dataset(
    name="cipher",
    content="messages of up to 16 random symbols under the shift cipher, 13 places among 27",
    source="generated",
    labels=(),
    load=_load,
    holds=PAIRS,
)
