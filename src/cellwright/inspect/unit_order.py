"""Orders of the units in which patterns show; each a permutation of 0 … H − 1, from values (T, H)."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray


def by_peak(values: NDArray[np.floating]) -> NDArray[np.intp]:
    """By the token at which a unit is furthest from its mean: what happens runs along the diagonal."""
    return np.argsort(np.abs(values - values.mean(0)).argmax(0), kind="stable")


def by_likeness(values: NDArray[np.floating]) -> NDArray[np.intp]:
    """Units that move together side by side: by their angle in the plane of the first two principal components.

    Friendly 2002, "Corrgrams", orders variables so. The circle is cut where the angle between two units is widest.
    """
    centred = values - values.mean(0)
    spread = np.linalg.norm(centred, axis=0)
    # torch's, on as many threads as the rest has: those of numpy's are its own, and spin where another program runs.
    axes = torch.linalg.svd(torch.from_numpy(centred / np.where(spread > 0, spread, 1)), full_matrices=False).U
    plane = (axes[:, :2].T @ torch.from_numpy(centred)).numpy()  # (2, H), or (1, H) for a text of one token
    angles = np.arctan2(plane[-1], plane[0])
    order = np.argsort(angles, kind="stable")
    gaps = np.diff(angles[order], append=angles[order[0]] + 2 * np.pi)
    return np.roll(order, -1 - int(gaps.argmax()))
