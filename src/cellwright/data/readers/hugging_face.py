"""Names of classes as Hugging Face datasets writes them: beside the schema of Parquet, whose columns hold numbers.

{"info": {"features": {"label": {"names": ["neg", "pos"], "_type": "ClassLabel"},
                       "ner_tags": {"feature": {"names": ["O", …], "_type": "ClassLabel"}, "_type": "List"}}}}
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from cellwright.errors import InputError

_KEY = b"huggingface"
_MISSING = -1
"""The number of a label that nobody knows, as those of published test files are."""


def class_names(metadata: Mapping[bytes, bytes] | None) -> dict[str, list[str]]:
    """Return the names of the classes, from 0 on, of each column whose values are classes, or lists of them."""
    try:
        features = json.loads((metadata or {})[_KEY])["info"]["features"].items()
    except (KeyError, TypeError, AttributeError, ValueError):  # another program's, or none
        return {}
    found = {name: _names(feature) for name, feature in features}
    return {name: names for name, names in found.items() if names}


def named(values: list[object], names: Sequence[str] | None, where: str) -> list[object]:
    """Return the values of a column with names in place of numbers, in lists too; as they are without names.

    Raises InputError for a number that has no name; its message begins with `where`.
    """
    return values if names is None else [_named(value, names, where) for value in values]


def _named(value: object, names: Sequence[str], where: str) -> object:
    if isinstance(value, list):
        return [_named(each, names, where) for each in value]
    if not isinstance(value, int) or value == _MISSING:
        return None if value == _MISSING else value
    if not 0 <= value < len(names):
        raise InputError(
            f"{where} holds {value}, and the file names {len(names)} classes of it; expected 0 to {len(names) - 1}, or "
            f"{_MISSING} where the class is missing"
        )
    return names[value]


def _names(feature: Any) -> list[str] | None:
    """Return the names of a class, or of the classes that a list is of, which older versions write as a list of one."""
    while isinstance(feature, list) and len(feature) == 1:
        feature = feature[0]
    if not isinstance(feature, dict):
        return None
    if feature.get("_type") == "ClassLabel":
        names: list[str] | None = feature.get("names")
        return names
    return _names(feature.get("feature"))
