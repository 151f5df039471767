"""Pronunciations of English words, from the CMU dictionary as the package pocketsphinx ships it.

A line is a word and its phones, "read R EH D"; further pronunciations of it are "read(2) R IY D". The phones are 39,
without stress.
"""

import re

from cellwright.data.datasets.dataset import Dataset, package_path
from cellwright.data.pairs import PAIRS, Pairs, gather, split_pairs
from cellwright.data.splits import Splits
from cellwright.data.table import Table

_NUMBER = re.compile(r"\(\d+\)$")


def _load() -> Splits[Pairs]:
    path = package_path("pocketsphinx", "model/en-us/cmudict-en-us.dict", DATASET.name)
    rows = [line.split(maxsplit=1) for line in path.read_text(encoding="utf-8").splitlines()]
    words = [_NUMBER.sub("", word) for word, _ in rows]
    table = Table(words, [phones for _, phones in rows], list(range(1, len(rows) + 1)), DATASET.name)
    return split_pairs(*gather(table))


DATASET = Dataset(
    name="g2p-en",
    content="126,052 English words and their pronunciations in 39 phones",
    source="pocketsphinx (BSD), the CMU pronouncing dictionary (BSD)",
    labels=(),
    load=_load,
    holds=PAIRS,
    example="phoneme",
)
