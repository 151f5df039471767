"""Series from NumPy's archives. Pickled objects in them are never opened: they could run code.

    np.savez("a.npz", values=padded, lengths=lengths)      # (N, T, C) or (N, T), and (N,) steps of each; else all of T
    np.savez("b.npz", first=x, second=y)                   # an array (T_i, C) or (T_i,) a series

In both, `labels` (N,) and `channels` (C,), their names, may stand beside.
"""

import io
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellwright.data.readers.files import read_bytes
from cellwright.data.readers.long_form import SeriesColumns
from cellwright.data.readers.numbers import Found, as_table
from cellwright.data.series import SeriesTable, Values
from cellwright.errors import InputError

Arrays = dict[str, NDArray[Any]]
BESIDE = ("labels", "channels")


def read(path: Path, columns: SeriesColumns, encoding: str) -> SeriesTable:
    """Read the arrays; the format names its parts itself, so `columns` and `encoding` play no part."""
    arrays = _arrays(path)
    named = _padded(path, arrays) if "values" in arrays else _separate(path, arrays)
    if not named:
        raise InputError(f"{path}: no series in it; expected an array 'values', or an array a series")
    labels = _texts(path, arrays, "labels", len(named))
    found = [
        Found(name, values, labels[k] if labels else None, f"series {name}")
        for k, (name, values) in enumerate(named.items())
    ]
    return as_table(found, _texts(path, arrays, "channels", found[0].values.shape[1]), str(path))


def _arrays(path: Path) -> Arrays:
    try:
        archive = np.load(io.BytesIO(read_bytes(path)), allow_pickle=False)
        if not isinstance(archive, np.lib.npyio.NpzFile):
            raise InputError(f"{path}: a single array; expected an archive, as numpy.savez writes it")
        return {name: _array(archive, name, path) for name in archive.files}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f"{path}: not a whole NumPy archive ({error}); expected what numpy.savez writes") from None


def _array(archive: Any, name: str, path: Path) -> NDArray[Any]:
    try:
        array: NDArray[Any] = archive[name]
    except ValueError as error:
        if "allow_pickle" not in str(error):
            raise
        raise InputError(
            f"{path}, array {name!r}: holds Python objects, which are not opened since they can run code; expected "
            "numbers: save ragged series as an array each, or padded with lengths"
        ) from None
    return array


def _padded(path: Path, arrays: Arrays) -> dict[str, Values]:
    """Cut the rows of `values` to their lengths."""
    where = f"{path}, array 'values'"
    values = arrays["values"]
    if values.ndim not in (2, 3):
        raise InputError(f"{where}: shape {values.shape}; expected (series, steps, channels) or (series, steps)")
    others = sorted(arrays.keys() - {"values", "lengths", *BESIDE})
    if others:
        raise InputError(f"{path}: array {others[0]!r} beside 'values'; expected lengths, labels and channels only")
    values = _numbers(where, values).reshape(*values.shape[:2], -1)
    lengths = _lengths(path, arrays, *values.shape[:2])
    return {str(k + 1): row[:length] for k, (row, length) in enumerate(zip(values, lengths, strict=True))}


def _lengths(path: Path, arrays: Arrays, count: int, steps: int) -> list[int]:
    if "lengths" not in arrays:
        return [steps] * count
    lengths = arrays["lengths"]
    if lengths.shape != (count,) or lengths.dtype.kind not in "iu":
        raise InputError(
            f"{path}, array 'lengths': {lengths.dtype} of shape {lengths.shape}; expected {count} whole numbers, one a "
            "row of 'values'"
        )
    for k, length in enumerate(lengths.tolist()):
        if not 0 <= length <= steps:
            raise InputError(f"{path}, series {k + 1}: length {length}; expected 0 to {steps}, the steps of 'values'")
    found: list[int] = lengths.tolist()
    return found


def _separate(path: Path, arrays: Arrays) -> dict[str, Values]:
    """Take each array but those beside as a series."""
    return {name: _steps(f"{path}, array {name!r}", array) for name, array in arrays.items() if name not in BESIDE}


def _steps(where: str, array: NDArray[Any]) -> Values:
    if array.ndim not in (1, 2):
        raise InputError(f"{where}: shape {array.shape}; expected (steps, channels) or (steps,)")
    numbers = _numbers(where, array)
    return numbers[:, None] if numbers.ndim == 1 else numbers


def _numbers(where: str, array: NDArray[Any]) -> Values:
    if array.dtype.kind not in "fiub":
        raise InputError(f"{where}: holds {array.dtype}; expected numbers")
    return array.astype(np.float64)


def _texts(path: Path, arrays: Arrays, name: str, count: int) -> list[str] | None:
    """Return the array's values as texts, None where it is not there."""
    if name not in arrays:
        return None
    array = arrays[name]
    if array.shape != (count,) or array.dtype.kind not in "iubU":
        raise InputError(
            f"{path}, array {name!r}: {array.dtype} of shape {array.shape}; expected {count} strings or whole numbers"
        )
    return [str(value) for value in array.tolist()]
