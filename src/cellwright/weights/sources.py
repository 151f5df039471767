"""What users hand in: cells and trees of another framework, and their arrays. No framework is imported."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

import numpy as np
import torch

from cellwright.errors import InputError
from cellwright.weights.convention import Array


def array(who: str, name: str, given: Any) -> Array:
    """A framework's array as NumPy's: what wraps one is opened, what is elsewhere is copied here.

    Raises InputError for what is no array of real numbers.
    """
    if isinstance(given, torch.Tensor):
        given = given.detach().cpu()
        given = given.float() if given.dtype == torch.bfloat16 else given
    for method in ("as_array", "numpy"):  # DyNet's; paddle's, tinygrad's, torch's
        if callable(getattr(given, method, None)):
            given = getattr(given, method)()
    if not hasattr(given, "__array__") and hasattr(given, "value"):  # the states of older versions of flax
        given = given.value
    found = np.asarray(given)
    if not (np.issubdtype(found.dtype, np.floating) or found.dtype.name == "bfloat16"):
        raise InputError(
            f"{who}: {name} is {type(given).__name__} of {found.dtype}; expected an array of floating point"
        )
    return found


class _Named(Protocol):
    @property
    def name(self) -> str: ...


_T = TypeVar("_T", bound=_Named)


def chosen(who: str, what: str, kinds: Iterable[str], found: list[_T], names: Sequence[str] | None) -> list[_T]:
    """Those of these names among the layers or nodes that were found, in this order; all of them for None.

    `what` they are called, and `kinds` are those that are looked for. Raises InputError where one is not there.
    """
    there = {each.name: each for each in found}
    if not found or (names is not None and not (names and all(name in there for name in names))):
        wanted = "" if names is None else f" of the names {', '.join(names)}"
        raise InputError(
            f"{who}: there is no {what}{wanted}; expected {', '.join(kinds)}, got {', '.join(there) or 'none of them'}"
        )
    return found if names is None else [there[name] for name in names]


def field(who: str, cell: Any, name: str) -> Array | None:
    """A parameter of a cell, an object or a mapping, None where the cell says that it has none.

    Raises InputError where it has no such name.
    """
    if isinstance(cell, Mapping) and name in cell:
        given = cell[name]
    elif hasattr(cell, name):
        given = getattr(cell, name)
    else:
        there = ", ".join(map(str, cell)) if isinstance(cell, Mapping) else type(cell).__name__
        raise InputError(f"{who}: there is no {name}; expected a cell with {name}, got {there or 'nothing'}")
    return None if given is None else array(who, name, given)


def needed(who: str, cell: Any, name: str) -> Array:
    """A parameter that every cell of the kind has; raises InputError where it is not there."""
    found = field(who, cell, name)
    if found is None:
        raise InputError(f"{who}: {name} is None; expected an array")
    return found


def optional(who: str, cell: Any, name: str) -> Array | None:
    """A parameter that a cell may lack, or hold as None."""
    return field(who, cell, name) if has(cell, name) else None


def has(cell: Any, name: str) -> bool:
    """Whether an object or a mapping has the parameter, and not None."""
    return (cell.get(name) if isinstance(cell, Mapping) else getattr(cell, name, None)) is not None


def stacked(who: str, given: Any) -> list[tuple[Any, ...]]:
    """A cell, a pair (forward, backward), or a list of these, a layer each, as one tuple a layer.

    Raises InputError for an empty list, or more than two directions.
    """
    layers = list(given) if isinstance(given, Sequence) and not isinstance(given, tuple | str) else [given]
    found = [each if isinstance(each, tuple) else (each,) for each in layers]
    if not found or any(len(each) not in (1, 2) for each in found):
        counts = [len(each) for each in found]
        raise InputError(
            f"{who}: the layers have {counts} directions; expected one layer or more, of 1 or 2 directions"
        )
    return found
