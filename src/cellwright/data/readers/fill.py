"""Missing values filled from others of their channel."""

import numpy as np

from cellwright.data.readers.series_options import Fill
from cellwright.data.series import Values


def filled(values: Values, fill: Fill) -> Values:
    """Values (T, C), NaN where missing, each channel filled as far as it has values to fill from.

    previous repeats the last one before; linear draws a line between the two around, so that it knows what comes later;
    missing leaves all as they are.

    >>> filled(np.array([[np.nan], [1], [np.nan], [3], [np.nan]]), "linear")[:, 0]
    array([nan,  1.,  2.,  3., nan])
    """
    if fill == "missing":
        return values
    found, steps = values.copy(), np.arange(len(values))
    for channel in found.T:
        there = np.flatnonzero(~np.isnan(channel))
        if not len(there):
            continue
        if fill == "previous":
            last = np.searchsorted(there, steps, side="right") - 1
            channel[:] = np.where(last >= 0, channel[there[np.maximum(last, 0)]], np.nan)
        else:
            inside = slice(there[0], there[-1] + 1)
            channel[inside] = np.interp(steps[inside], there, channel[there])
    return found
