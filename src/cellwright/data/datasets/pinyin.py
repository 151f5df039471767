"""Chinese phrases in pinyin with tones, from the package pypinyin: which reading a character has, its neighbours say.

47,111 phrases, most of four characters or less; a character with several readings in a phrase has the first one here.
"""

import json

from cellwright.data.datasets.dataset import Dataset, package_path
from cellwright.data.pairs import PAIRS, Pairs, gather, split_pairs
from cellwright.data.splits import Splits
from cellwright.data.table import Table


def _load() -> Splits[Pairs]:
    path = package_path("pypinyin", "phrases_dict.json", DATASET.name)
    phrases: dict[str, list[list[str]]] = json.loads(path.read_text(encoding="utf-8"))
    readings = [" ".join(syllables[0] for syllables in phrase) for phrase in phrases.values()]
    table = Table(list(phrases), readings, list(range(1, len(phrases) + 1)), DATASET.name, unit="phrase")
    return split_pairs(*gather(table))


DATASET = Dataset(
    name="pinyin",
    content="47,111 Chinese phrases and their pinyin",
    source="pypinyin (MIT), phrases_dict.json",
    labels=(),
    load=_load,
    holds=PAIRS,
    example="重庆银行",
)
