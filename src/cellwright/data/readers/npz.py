"""Series from NumPy's archives. Pickled objects in them are never opened: they could run code.

    np.savez("a.npz", values=padded, lengths=lengths)      # (N, T, C) or (N, T), and (N,) steps of each; else all of T
    np.savez("b.npz", first=x, second=y)                   # an array (T_i, C) or (T_i,) a series

In both, `labels` (N,) and `channels` (C,), their names, may stand beside.
"""

import io
import lzma
import tokenize
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.format import MAGIC_PREFIX, read_array
from numpy.typing import NDArray

from cellwright.data.readers.files import read_bytes
from cellwright.data.readers.numbers import ReadSeries, as_table
from cellwright.data.readers.picked import picked
from cellwright.data.readers.series_options import SeriesOptions
from cellwright.data.series import SeriesTable, Values
from cellwright.errors import InputError

Arrays = dict[str, NDArray[Any]]
BESIDE = ("labels", "channels")
DAMAGE = (
    *(EOFError, OSError, lzma.LZMAError, zipfile.BadZipFile, zlib.error, RuntimeError),  # the archive; a password
    *(ValueError, TypeError, LookupError, SyntaxError, tokenize.TokenError),  # an array's header, which is Python
    *(MemoryError, OverflowError),  # a shape of which little is there
)
"""What is raised where an archive, or an array in it, is not as it was written."""


def read(path: Path, options: SeriesOptions, encoding: str) -> SeriesTable:
    """Read the arrays; the format names its parts itself, and of the options' columns reads the channels."""
    arrays = _arrays(path)
    named = _padded(path, arrays) if "values" in arrays else _separate(path, arrays)
    if not named:
        raise InputError(f"{path}: no series in it; expected an array 'values', or an array a series")
    labels = _texts(path, arrays, "labels", len(named))
    found = [
        ReadSeries(name, values, labels[k] if labels else None, f"series {name}")
        for k, (name, values) in enumerate(named.items())
    ]
    channels = _texts(path, arrays, "channels", found[0].values.shape[1])
    return picked(as_table(found, channels, str(path), options), options)


def _arrays(path: Path) -> Arrays:
    content = read_bytes(path)
    if content.startswith(MAGIC_PREFIX):
        raise InputError(f"{path}: a single array; expected an archive, as numpy.savez writes it")
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except DAMAGE:
        raise InputError(
            f"{path}: no zip archive, or part of one; expected what numpy.savez writes: save it again, or name the "
            "file's format with its suffix, as .csv"
        ) from None
    arrays: Arrays = {}
    for member in archive.namelist():
        name = member.removesuffix(".npy")
        where = f"{path}, array {name!r}"
        if name in arrays:
            raise InputError(f"{where}: twice in the archive; expected it once: take one out")
        arrays[name] = _array(archive, member, where)
    return arrays


def _array(archive: zipfile.ZipFile, member: str, where: str) -> NDArray[Any]:
    try:
        content = archive.read(member)
        if not content.startswith(MAGIC_PREFIX):
            raise InputError(f"{where}: no array; expected nothing else, as numpy.savez writes it: take it out")
        array: NDArray[Any] = read_array(io.BytesIO(content), allow_pickle=False)
    except DAMAGE as error:
        if "allow_pickle" in str(error):
            raise InputError(
                f"{where}: holds Python objects, which are not opened since they can run code; expected numbers: save "
                "ragged series as an array each, or padded with lengths"
            ) from None
        raise InputError(
            f"{where}: cut short, changed or encrypted; expected a whole array, as numpy.savez writes it: save it again"
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
    values = _channelled(_numbers(where, values), 3)
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
    return _channelled(_numbers(where, array), 2)


def _channelled(numbers: Values, axes: int) -> Values:
    """Give an array of one axis too few a last one, of its one channel."""
    return numbers if numbers.ndim == axes else numbers[..., None]


def _numbers(where: str, array: NDArray[Any]) -> Values:
    if array.dtype.kind not in "fiub":
        raise InputError(f"{where}: holds {array.dtype}; expected numbers")
    return array.astype(np.float64)


def _texts(path: Path, arrays: Arrays, name: str, count: int) -> list[str] | None:
    """Return the array's values as texts, None where it is not there."""
    if name not in arrays:
        return None
    array = arrays[name]
    if array.shape != (count,) or array.dtype.kind not in "iufbU":
        raise InputError(
            f"{path}, array {name!r}: {array.dtype} of shape {array.shape}; expected {count} strings or numbers"
        )
    # A whole number is one, however it is stored.
    return [str(int(value) if isinstance(value, float) and value.is_integer() else value) for value in array.tolist()]
