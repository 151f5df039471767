"""The built-in sets: one file each.

To add one: its file with a `Dataset`, and its name in the list below.
"""

from cellwright.data.datasets import news_en, news_zh, pydoc, reviews_zh
from cellwright.data.datasets.dataset import Dataset
from cellwright.data.split import Sides
from cellwright.errors import InputError

_DATASETS = {dataset.name: dataset for dataset in [reviews_zh.DATASET, news_en.DATASET, news_zh.DATASET, pydoc.DATASET]}


def names() -> list[str]:
    """Return the names of the built-in sets."""
    return list(_DATASETS)


def describe(name: str) -> Dataset:
    """Return what a set holds, where it comes from and who reads it.

    Raises:
        InputError: no set of this name.

    """
    if name not in _DATASETS:
        raise InputError(f"no built-in set {name!r}; expected one of {', '.join(names())}")
    return _DATASETS[name]


def load(name: str) -> Sides:
    """Return a set's "train", "validation" and "test", the same on every machine.

    Raises:
        InputError: no set of this name, or the package that holds its files is not installed.

    """
    return describe(name).load()
