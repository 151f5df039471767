"""Which units of a model keep track of which feature of the text: the best unit of each, on text it was not chosen by.

    found = probe({"h": h}, features(text))    # h (N, U): the state after each of N characters

The text is cut into blocks that go to two halves in turn. On one half the unit with the strongest correlation is
chosen; what is told is its correlation on the other, which finds out a unit among hundreds that agreed by chance.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BLOCK = 256
"""Steps. Neighbours are alike: halves of single steps would see the same text."""
Array = NDArray[np.floating]


@dataclass(frozen=True)
class Probe:
    """The unit that follows a feature best."""

    feature: str
    letter: str
    unit: int
    chosen: float
    """Pearson's correlation on the half by which the unit was chosen."""
    held_out: float
    """The same on the other half."""


def probe(states: Mapping[str, Array], features: Mapping[str, Array]) -> list[Probe]:
    """The best unit for each feature, the strongest first; a feature that never changes in a half has none.

    Args:
        states: letter -> (N, units), a name of its own for each layer.
        features: name -> (N,).

    """
    steps = len(next(iter(features.values())))
    first = np.arange(steps) // BLOCK % 2 == 0
    found = []
    for name, values in features.items():
        if min(values[first].std(), values[~first].std() if (~first).any() else 0.0) > 0:
            found.append(max((_best(name, letter, units, values, first) for letter, units in states.items()), key=_fit))
    return sorted(found, key=lambda each: -abs(each.held_out))


def correlations(units: Array, values: Array) -> Array:
    """Pearson's correlation of each column of (N, U) with (N,); 0 for a column that never changes."""
    centred, target = units - units.mean(0), values - values.mean()
    scale = np.sqrt((centred**2).sum(0) * (target**2).sum())
    found: Array = np.divide(target @ centred, scale, out=np.zeros(units.shape[1]), where=scale > 0)
    return found


def _best(name: str, letter: str, units: Array, values: Array, first: NDArray[np.bool_]) -> Probe:
    chosen = correlations(units[first], values[first])
    unit = int(np.abs(chosen).argmax())
    held_out = correlations(units[~first][:, [unit]], values[~first])
    return Probe(name, letter, unit, float(chosen[unit]), float(held_out[0]))


def _fit(found: Probe) -> float:
    return abs(found.chosen)
