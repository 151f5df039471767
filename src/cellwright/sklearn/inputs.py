"""What scikit-learn's users call X and y, as the rows that models learn from."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_array, validate_data

from cellwright.data.hash_split import split_of
from cellwright.data.series import SeriesTable, Values, numbered
from cellwright.data.splits import SPLITS, Rows, Splits

SERIES_EXPECTED = (
    "expected (series, steps, channels), a table of a series a row, a list of arrays (steps, channels) or (steps,), or "
    "a DataFrame of series in cells"
)


def series_of(estimator: Any, X: Any, *, reset: bool, exact: bool = True, **limits: Any) -> list[Values]:
    """Each series as its steps by its channels (T_i, C), NaN where a value is missing.

    Sets, or with `reset` false compares, what the estimator knows of its input: `n_features_in_`, the columns of a
    table of a series of one channel a row, else the channels.

    Args:
        estimator: whose input it is.
        X: as SERIES_EXPECTED has it.
        reset: whether the estimator is being fitted.
        exact: whether the rows of a table have as many steps as in fit.
        limits: of `sklearn.utils.check_array`, for a table.

    Raises ValueError or TypeError, as scikit-learn does.
    """
    found = _nested(X)
    if found is None:
        return [row[:, None] for row in _table(estimator, X, reset=reset, exact=exact, **limits)]
    series = [steps_of(each, row) for row, each in enumerate(found)]
    if not series:
        raise ValueError(f"X: found array with 0 sample(s), no series; {SERIES_EXPECTED}")
    channels = series[0].shape[1]
    for row, each in enumerate(series):
        if each.shape[1] != channels:
            raise ValueError(f"X, row {row}: {each.shape[1]} channels; expected {channels}, as in row 0")
    if reset:
        estimator.n_features_in_, estimator._of_table = channels, False
    check_channels(estimator, channels)
    return series


def check_channels(estimator: Any, channels: int) -> None:
    """Raise ValueError for another number of channels than in fit."""
    learned = 1 if estimator._of_table else estimator.n_features_in_
    if channels != learned:
        raise ValueError(
            f"X has {channels} features, but {type(estimator).__name__} is expecting {learned} features as input: the "
            "channels of fit"
        )


def table_of(series: list[Values], labels: list[str] | None = None) -> SeriesTable:
    """The series as models of series read them; errors name X and the row, from 0."""
    return SeriesTable(
        values=series,
        names=[str(row) for row in range(len(series))],
        labels=labels,
        places=[f"row {row}" for row in range(len(series))],
        channels=numbered(series[0].shape[1]),
        source="X",
        named=False,
    )


def held_out(rows: Rows, keys: Sequence[str], share: float, classes: Sequence[Any] | None = None) -> Splits[Rows]:
    """Training and validation rows: as in files, the hash of each one's key decides, so that equal ones stay together.

    A class none of whose rows would be trained on is trained on whole, and so is all where nothing else would be.

    Args:
        rows: tables, series or sentences.
        keys: of each row what is equal in rows that are the same.
        share: of the validation rows.
        classes: of each row, or None.

    """
    sides = [split_of(key, share, 0.0) for key in keys]
    trained = {None if classes is None else classes[i] for i, side in enumerate(sides) if side == SPLITS[0]}
    train: list[int] = []
    validation: list[int] = []
    for index, side in enumerate(sides):
        known = (None if classes is None else classes[index]) in trained
        (train if side == SPLITS[0] or not known else validation).append(index)
    taken: Any = rows  # each kind of rows has `take`
    return splits_of(taken.take(train), taken.take(validation), taken.take([]))


def splits_of(train: Rows, validation: Rows, nothing: Rows) -> Splits[Rows]:
    """Splits without a test."""
    splits = Splits(dict(zip(SPLITS, (train, validation, nothing), strict=True)), [])
    held: Any = validation
    splits.without = frozenset(SPLITS[2:] if len(held) else SPLITS[1:])
    return splits


def is_frame(X: Any) -> bool:
    """Whether it is a DataFrame of pandas."""
    return hasattr(X, "columns") and hasattr(X, "iloc")


def holds_series(X: Any) -> bool:
    """Whether the cells of a DataFrame hold series, not numbers."""
    return _is_sequence(X.iloc[0, 0])


def steps_of(each: Any, row: int, name: str = "X") -> Values:
    """One series (T, C), of the argument of that name. Raises ValueError."""
    try:
        if _is_ragged(each):
            raise ValueError("steps of different lengths")
        if np.iscomplexobj(each):  # as float64 its imaginary part would be gone
            raise ValueError("Complex data not supported")
        values = np.asarray(each, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name}, row {row}: holds no numbers ({error}); {SERIES_EXPECTED}") from None
    if values.ndim == 1:
        values = values[:, None]
    if values.ndim != 2 or 0 in values.shape:
        raise ValueError(f"{name}, row {row}: has shape {values.shape}; {SERIES_EXPECTED}")
    if np.isinf(values).any():
        raise ValueError(
            f"{name}, row {row}: Input {name} contains infinity; expected numbers, NaN where one is missing"
        )
    return values


def strings(X: Any) -> list[str]:
    """Texts as a list. Raises ValueError for what is none."""
    if isinstance(X, (str, Mapping)) or not hasattr(X, "__iter__"):
        raise ValueError(f"X is {type(X).__name__}; expected a list of texts")
    if getattr(X, "ndim", 1) != 1:
        raise ValueError(f"X has shape {X.shape}; expected a list of texts, one dimension: a column of a table, say")
    found = list(X)
    if not found:
        raise ValueError("X: found array with 0 sample(s); expected a list of texts")
    for row, each in enumerate(found):
        if not isinstance(each, str):
            raise ValueError(f"X, row {row}: is {type(each).__name__} {str(each)[:40]!r}; expected a list of texts")
    return [str(each) for each in found]


def _table(estimator: Any, X: Any, *, reset: bool, exact: bool, **limits: Any) -> NDArray[np.float64]:
    """A table of numbers (N, T), each row a series of one channel."""
    options: dict[str, Any] = {"dtype": np.float64, "ensure_all_finite": "allow-nan", **limits}
    if reset:
        estimator._of_table = True
    if reset or (exact and estimator._of_table):
        checked: NDArray[np.float64] = validate_data(estimator, X, reset=reset, **options)
        return checked
    checked = check_array(X, input_name="X", estimator=estimator, **options)
    check_channels(estimator, 1)
    return checked


def _nested(X: Any) -> list[Any] | None:
    """The series where each is an object or a slice of its own; None for a table of numbers, and for anything else."""
    if is_frame(X):
        if 0 in X.shape or not holds_series(X):
            return None
        return [_columns(list(cells), row) for row, cells in enumerate(X.itertuples(index=False, name=None))]
    if isinstance(X, np.ndarray) and X.ndim == 3:
        return list(X)
    if isinstance(X, (list, tuple)) or (isinstance(X, np.ndarray) and X.ndim == 1):
        each = list(X)
        if each and all(map(_is_sequence, each)) and not _are_rows(each):
            return each
    return None


def _is_sequence(each: Any) -> bool:
    # A time of pandas has to_numpy too, but no length.
    return isinstance(each, (list, tuple, np.ndarray)) or (hasattr(each, "to_numpy") and hasattr(each, "__len__"))


def _are_rows(each: list[Any]) -> bool:
    """Whether lists of numbers are the rows of a table: as many in each; arrays are series of their own."""
    return (
        all(isinstance(one, (list, tuple)) for one in each)
        and len(set(map(len, each))) == 1
        and not any(_is_sequence(value) for one in each for value in one)
    )


def _is_ragged(one: Any) -> bool:
    """Whether it is a list of rows of different lengths, of which there is no array."""
    return isinstance(one, (list, tuple)) and len({np.shape(row) for row in one}) > 1


def _columns(cells: list[Any], row: int) -> NDArray[Any]:
    """The channels of a row of a DataFrame, each a series of its own in a cell."""
    lengths = [len(cell) if _is_sequence(cell) else 0 for cell in cells]
    if len(set(lengths)) > 1 or lengths[0] == 0:
        raise ValueError(f"X, row {row}: cells of {lengths} steps; expected series of as many steps, at least one")
    return np.column_stack([np.asarray(cell) for cell in cells])
