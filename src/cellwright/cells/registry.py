"""The key of a cell: a text by which a saved program finds the definition again.

lstm                a cell of this library
mine#1f0c93ab       another: its name, and a digest of its equations, so that no program runs on changed ones
zoneout(lstm)       a cell derived from one
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from cellwright.errors import DefinitionError

if TYPE_CHECKING:
    from cellwright.cells.definition import Definition

_defined: dict[str, Definition] = {}
_DIGEST = re.compile("#[0-9a-f]{8}")
_derivations: dict[str, Callable[[Definition], Definition]] = {}
_F = TypeVar("_F", bound=Callable[..., Any])


def derivation(function: _F) -> _F:
    """Make `function`, which derives a cell from one, findable under its name."""
    _derivations[function.__name__] = function
    return function


def register(cell: Definition) -> str:
    """Make the cell findable, and return its key; of cells with the same equations the first one stands."""
    key = _key(cell)
    _defined.setdefault(key, cell)
    return key


def named(key: str) -> str:
    """The key without digests, for people."""
    return _DIGEST.sub("", key)


def is_defined(key: str) -> bool:
    """Whether the cell of that key has been defined in this process."""
    return key in _defined


def find(key: str) -> Definition:
    """The cell of that key; raises DefinitionError where it has not been defined in this process."""
    if key in _defined:
        return _defined[key]
    outer, _, inner = key.partition("(")
    if inner:
        if outer not in _derivations:
            raise DefinitionError(
                f"the program was made with a cell {key}, and no {outer} is known here; expected "
                f"{' or '.join(_derivations)}: it was exported by another version"
            )
        return _derivations[outer](find(inner.removesuffix(")")))
    name = key.partition("#")[0]
    same = [other for other in _defined if other.partition("#")[0] == name]
    if same:
        raise DefinitionError(
            f"the program was made with a cell {key}, and {same[0]} is defined here: its equations have changed since; "
            "restore them, or export the program anew"
        )
    raise DefinitionError(
        f"the program was made with a cell {key}, which is not defined here; import the module that defines {name} "
        "before running it"
    )


def _key(cell: Definition) -> str:
    if cell.origin:
        function, (inner,) = cell.origin
        return f"{function.__name__}({inner.key})"
    module = cell.step.__module__ or ""  # none where the text was run by exec alone
    ours = module.rpartition(".")[0] == f"{__package__}.library"
    return cell.name if ours else f"{cell.name}#{_digest(cell)}"


def _digest(cell: Definition) -> str:
    """Eight digits of all that a cell's numbers depend on: what it declares, and its operations."""
    declared = (
        f"{cell.projections} {cell.states} {cell.recurrent_state} {cell.bias} {[*cell.parameters.items()]} "
        f"{[*cell.masks.items()]}"
    )
    if cell.differentiable_streams or cell.outputs:
        declared += f" {[*cell.streams.items()]} {cell.outputs}"
    return hashlib.sha256("\n".join([declared, *cell.trace.lines]).encode()).hexdigest()[:8]
