"""Numbers of other frameworks, as the scripts in tests/weights/make keep them."""

import json
from pathlib import Path

import numpy as np

KEPT = Path(__file__).parents[1] / "weights" / "kept"


def kept(name):
    """The nested mappings and lists of arrays that `keep` was given."""
    with np.load(KEPT / f"{name}.npz") as file:  # allow_pickle is False unless asked for
        index, numbers = json.loads(file["index"].item()), file["numbers"]
    tree, start = {}, 0
    for path, shape in index["shapes"].items():
        end = start + int(np.prod(shape))
        *folders, last = path.split("|")
        node = tree
        for each in folders:
            node = node.setdefault(each, {})
        node[last], start = numbers[start:end].reshape(shape), end
    return _lists(tree)


def _lists(node):
    if not isinstance(node, dict):
        return node
    inside = {name: _lists(each) for name, each in node.items()}
    return list(inside.values()) if all(name.isdecimal() for name in inside) else inside


def kept_versions(name):
    """What made the numbers."""
    with np.load(KEPT / f"{name}.npz") as file:
        return json.loads(file["index"].item())["versions"]


def worst(found, expected):
    """The largest difference of two arrays, as a share of the largest number, or of 1 where that is larger."""
    return float(np.abs(found - expected).max() / max(1.0, np.abs(expected).max()))
