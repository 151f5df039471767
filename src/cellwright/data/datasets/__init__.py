"""The built-in sets: one file each.

To add one: its file with a `Dataset`, and its name in the list below.
"""

from typing import Any

from cellwright.data.datasets import (
    cipher,
    g2p_en,
    news_en,
    news_zh,
    pinyin,
    pos_zh,
    pydoc,
    reviews_zh,
    vigenere,
    vowels,
)
from cellwright.data.datasets.dataset import TEXTS, Dataset
from cellwright.errors import InputError

_DATASETS = {
    dataset.name: dataset
    for dataset in [
        reviews_zh.DATASET,
        news_en.DATASET,
        news_zh.DATASET,
        pydoc.DATASET,
        pos_zh.DATASET,
        vowels.DATASET,
        g2p_en.DATASET,
        pinyin.DATASET,
        cipher.DATASET,
        vigenere.DATASET,
    ]
}


def names(holds: str | None = None) -> list[str]:
    """Return the names of the built-in sets, of those that hold such rows or of all."""
    return [name for name, dataset in _DATASETS.items() if holds in (None, dataset.holds)]


def describe(name: str) -> Dataset:
    """Return what a set holds, where it comes from and who reads it.

    Raises:
        InputError: no set of this name.

    """
    if name not in _DATASETS:
        raise InputError(f"no built-in set {name!r}; expected one of {', '.join(names())}")
    return _DATASETS[name]


def load(name: str, holds: str = TEXTS) -> Any:
    """Return a set's "train", "validation" and "test", the same on every machine.

    Raises:
        InputError: no set of this name or one that holds something else, or the package of its files is not installed.

    """
    dataset = describe(name)
    if dataset.holds != holds:
        raise InputError(f"{name} holds {dataset.holds}; expected a set of {holds}: {', '.join(names(holds))}")
    return dataset.load()
