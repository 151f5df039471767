"""Numbers of a framework in a small file: arrays by paths, lengths, and what the framework computes."""

import json
from pathlib import Path

import numpy as np

KEPT = Path(__file__).parents[1] / "kept"
LENGTHS = np.array([5, 1, 3])


def draw(seed, *shape):
    return np.random.default_rng(seed).normal(0, 0.6, shape).astype("float32")


def randomised(tree, seed=0):
    """The same tree with each array drawn anew, biases too, which frameworks begin at zero."""
    generator = np.random.default_rng(seed)

    def walk(node):
        if isinstance(node, dict):
            return {name: walk(each) for name, each in node.items()}
        return generator.normal(0, 0.6, np.shape(node)).astype("float32")

    return walk(tree)


def flat(tree, path=""):
    if isinstance(tree, dict):
        items = tree.items()
    elif isinstance(tree, list | tuple):
        items = ((str(k), each) for k, each in enumerate(tree))
    else:
        yield path, np.asarray(tree)
        return
    for name, each in items:
        # Haiku's paths have slashes of their own.
        yield from flat(each, f"{path}|{name}" if path else name)


def keep(name, versions, cases):
    """cases: of each name what to keep, as nested mappings and lists of arrays.

    The file has two entries, since each costs some 250 bytes: all numbers in a row, and an index of JSON.
    """
    arrays = dict(flat(cases))
    index = {"versions": versions, "shapes": {path: each.shape for path, each in arrays.items()}}
    numbers = np.concatenate([each.astype("float32").ravel() for each in arrays.values()])
    np.savez_compressed(KEPT / f"{name}.npz", index=np.array(json.dumps(index).encode()), numbers=numbers)
    size = (KEPT / f"{name}.npz").stat().st_size
    print(f"{name}: {versions}, {', '.join(cases)}, {size:,} bytes")
