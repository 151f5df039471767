"""Series of several columns with their names, as the estimators that forecast and simulate take them.

    series  time        rain  flow        a DataFrame, a row a step; series and time may be its index
    spree   2026-05-01   4.5  2.25
    spree   2026-05-02     0  2.5

Or a list of DataFrames, one a series; or what has no names: arrays (series, steps, channels), a list of arrays, and
where some of the columns are named targets or covariates, an array (steps, channels), which is one series.
"""

import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellwright.data.readers.long_form import read_sheet
from cellwright.data.readers.series_options import SeriesOptions
from cellwright.data.readers.sheet import Sheet
from cellwright.data.readers.values import listed
from cellwright.data.series import SeriesTable
from cellwright.sklearn.inputs import holds_series, is_frame, series_of, steps_of, table_of
from cellwright.sklearn.wording import in_parameters

AT_TIMES = ("DatetimeIndex", "PeriodIndex")
"""Indices of pandas that are times."""


def is_long(X: Any, how: SeriesOptions, *, told: bool) -> bool:
    """Whether it is a table with a row a step, rather than a series.

    told: whether some of its columns are targets or covariates of others, which a table of one channel has not.
    """
    if not is_frame(X) or 0 in X.shape or holds_series(X):
        return False
    names = {*map(str, X.columns), *map(str, X.index.names)}
    return told or X.index.nlevels > 1 or _of_times(X.index) or bool({how.series, how.time} & names)


def rows_in(X: Any, how: SeriesOptions) -> NDArray[np.int64]:
    """Which row of a table with a row a step each step of its series is, in the order in which these are read."""
    columns = {str(name): X.iloc[:, place] for place, name in enumerate(X.columns)} | dict(_of_index(X.index, how))
    if how.series not in columns:
        return np.arange(len(X))
    found: dict[str, list[int]] = {}
    for row, name in enumerate(_texts(columns[how.series])):
        found.setdefault(name.strip(), []).append(row)
    return np.array([row for rows in found.values() for row in rows])


def panel_of(estimator: Any, X: Any, how: SeriesOptions, *, told: bool, reset: bool, more: Any = None) -> SeriesTable:
    """The series of X; what is to be said of them is a warning.

    Args:
        estimator: whose input it is; what it knows of it is set, or with `reset` false compared.
        X: as the module's docstring has it, or what `series_of` takes.
        how: which columns of a table with a row a step are what.
        told: as in `is_long`.
        reset: whether the estimator is being fitted.
        more: further rows of a table with a row a step.

    Raises:
        ValueError: X is nothing of all this.
        InputError: a table with a row a step in which a column or a cell is not as expected.

    """
    if not is_long(X, how, told=told):
        return _listed(estimator, X, told=told, reset=reset)
    sheet = _sheet_of(X, how)
    return _read(estimator, sheet if more is None else _with_rows(sheet, _sheet_of(more, how)), how, reset=reset)


def _sheet_of(X: Any, how: SeriesOptions) -> Sheet:
    """A table with a row a step, and as columns too what its index says of series and time."""
    named = [(str(name), X.iloc[:, place]) for place, name in enumerate(X.columns)]
    columns = [(name, _texts(column)) for name, column in [*_of_index(X.index, how), *named]]
    rows = [list(row) for row in zip(*(cells for _, cells in columns), strict=True)]
    return Sheet("X", [name for name, _ in columns], list(enumerate(rows)), "X", "row")


def _with_rows(sheet: Sheet, more: Sheet) -> Sheet:
    """The table with further rows below, empty in the columns that these lack."""
    if strange := [name for name in more.names if name not in sheet.names]:
        raise ValueError(f"future has a column {strange[0]!r}, which X has not; expected some of {listed(sheet.names)}")
    place = {name: k for k, name in enumerate(more.names)}
    rows = [[row[place[name]] if name in place else "" for name in sheet.names] for _, row in more.rows]
    return sheet._replace(rows=[*sheet.rows, *enumerate(rows, start=len(sheet.rows))])


def followed(table: SeriesTable, future: Any, names: Sequence[str]) -> SeriesTable:
    """The series with the steps that follow, of which these channels are known and no other. Raises ValueError.

    future: (N, K, F), or a list of N arrays (K, F) or (K,), F channels in the order of the names, or of DataFrames; of
    one series what it has for itself, too.
    """
    alone = is_frame(future) or (len(table) == 1 and np.shape(future)[1:] == (len(names),))
    each = [_picked(one, names) if is_frame(one) else one for one in ([future] if alone else future)]
    if len(each) != len(table):
        raise ValueError(f"future has {len(each)} series and X {len(table)}; expected as many")
    places, values = [table.channels.index(name) for name in names], []
    for row, (told, one) in enumerate(zip(table.values, each, strict=True)):
        steps = steps_of(one, row, "future")
        if steps.shape[1] != len(names):
            raise ValueError(f"future, row {row}: {steps.shape[1]} channels; expected {len(names)}: {listed(names)}")
        more = np.full((len(steps), told.shape[1]), np.nan)
        more[:, places] = steps
        values.append(np.concatenate([told, more]))
    return replace(table, values=values)


def check_ahead(future: Any, names: Sequence[str]) -> None:
    """Raise ValueError for a future that is no table with a row a step, as X is, or lacks what is known ahead."""
    if not is_frame(future):
        raise ValueError(
            f"future is {type(future).__name__}, and X a DataFrame with a row a step; expected future as such a one too"
        )
    _picked(future, names)


def names_at(asked: Any, channels: Sequence[str], option: str) -> str | None:
    """Columns that an option names, or counts from 0, as the command line has them. Raises ValueError."""
    if asked is None or isinstance(asked, str):
        return asked
    each = np.asarray(asked).ravel().tolist()
    found = []
    for one in each:
        if isinstance(one, bool) or not isinstance(one, (int, str)):
            raise ValueError(f"{option} has {one!r}; expected names of columns, or their places from 0")
        if isinstance(one, str) and "," in one:
            raise ValueError(f"{option} has {one!r}; expected no comma in a name, since they stand between names")
        if not isinstance(one, str) and not -len(channels) <= one < len(channels):
            raise ValueError(f"{option} has {one}; expected places of the {len(channels)} columns of X, from 0")
        found.append(one if isinstance(one, str) else channels[one])
    return ",".join(found) or None


def check_same_times(X: Any, y: Any) -> None:
    """Raise ValueError where X and y have times as their indices, and not the same ones row by row."""
    if not (is_frame(X) and hasattr(y, "iloc") and _of_times(X.index) and _of_times(y.index)):
        return
    if len(X) == len(y) and not X.index.equals(y.index):
        row = int(np.flatnonzero(np.asarray(X.index != y.index))[0]) if X.index.dtype == y.index.dtype else 0
        raise ValueError(
            f"row {row}: X is of {X.index[row]} and y of {y.index[row]}; expected the same times in the same order: "
            "y.loc[X.index], say"
        )


def _read(estimator: Any, sheet: Sheet, how: SeriesOptions, *, reset: bool) -> SeriesTable:
    """The series of a table with a row a step. Raises InputError."""
    table = read_sheet(sheet, how._replace(label="", labelled=False))
    for note in table.notes:
        warnings.warn(in_parameters(estimator, note), stacklevel=4)
    if reset:
        estimator.n_features_in_, estimator._of_table = len(table.channels), False
        _remember(estimator, table)
    return replace(table, notes=())


def _listed(estimator: Any, X: Any, *, told: bool, reset: bool) -> SeriesTable:
    """The series of a list or an array, with the names of their columns where these are DataFrames."""
    names, found = _named(X)
    if told and names is None and getattr(found, "ndim", 0) == 2:
        found = [np.asarray(found)]  # one series: a table of a series a row has no columns
    values = series_of(estimator, found, reset=reset, exact=False, **({"ensure_min_features": 2} if reset else {}))
    table = table_of(values)
    if names is not None:
        table = replace(table, channels=tuple(names), named=True)
    if reset and not estimator._of_table:  # of which scikit-learn has kept them
        _remember(estimator, table)
    return table


def _remember(estimator: Any, table: SeriesTable) -> None:
    """Keep the names of the columns, if they have some, where scikit-learn has them."""
    if table.named:
        estimator.feature_names_in_ = np.array(table.channels, dtype=object)
    elif hasattr(estimator, "feature_names_in_"):
        del estimator.feature_names_in_


def _of_index(index: Any, how: SeriesOptions) -> list[tuple[str, Any]]:
    """What an index of pandas says of series and time, by the names of their columns."""
    if index.nlevels == 2:  # as sktime's panels have it
        return [(name, index.get_level_values(k)) for k, name in enumerate((how.series, how.time))]
    if index.nlevels > 2:
        raise ValueError(f"X: an index of {index.nlevels} levels; expected two, series and time, or columns of these")
    if _of_times(index):
        return [(how.time, index)]
    return [(index.name, index)] if index.name in (how.series, how.time) else []


def _of_times(index: Any) -> bool:
    """Whether an index of pandas is times, so that a row is a step."""
    return type(index).__name__ in AT_TIMES


def _texts(column: Any) -> list[str]:
    """The cells of a column as files have them, "" where one is missing."""
    cells = zip(column.tolist(), np.asarray(column.isna()).tolist(), strict=True)
    return ["" if absent else str(int(cell) if isinstance(cell, (bool, np.bool_)) else cell) for cell, absent in cells]


def _named(X: Any) -> tuple[list[str] | None, Any]:
    """The names of the columns of DataFrames, one a series, or of one of series in cells, and X with these in order."""
    if is_frame(X):
        return ([*map(str, X.columns)] if 0 not in X.shape and holds_series(X) else None), X
    if not (isinstance(X, (list, tuple)) and len(X) and all(map(is_frame, X))):
        return None, X
    columns = list(X[0].columns)
    for row, each in enumerate(X):
        if {*each.columns} != {*columns} or len(each.columns) != len(columns):
            found, expected = listed([*map(str, each.columns)]), listed([*map(str, columns)])
            raise ValueError(f"X, row {row}: the columns are {found}; expected {expected}, as in row 0")
        if _of_times(each.index) and not (each.index.is_monotonic_increasing and each.index.is_unique):
            raise ValueError(f"X, row {row}: its times do not rise; expected each once, in order: sort_index()")
    return [*map(str, columns)], [each[columns] for each in X]


def _picked(frame: Any, names: Sequence[str]) -> Any:
    """These columns of a DataFrame. Raises ValueError for one that there is not."""
    places = {str(name): place for place, name in enumerate(frame.columns)}
    if lacking := [name for name in names if name not in places]:
        raise ValueError(f"future has no column {lacking[0]!r}; expected {listed(names)}, which the model knows ahead")
    return frame.iloc[:, [places[name] for name in names]]
