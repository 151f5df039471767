"""A run whose cell is its user's own: the code is kept in its folder as text, and runs only when its user names it.

    RUN/cell.py       the file, as it was when training began
    RUN/config.json   own_cell: the cell's name and key, and the SHA-256 of the file

`fit --cell FILE.py:NAME` runs the file. Every other command refuses such a run until --cell names the code again; that
it is the run's is checked before it runs.
"""

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict

from cellwright.cells import registry
from cellwright.cells.from_file import from_source, is_file, read_source
from cellwright.errors import InputError
from cellwright.tasks.config import FitConfig

CODE = "cell.py"
Options = TypeVar("Options", bound=FitConfig)


class OwnCell(BaseModel):
    """What a run's `config.json` says of its own cell."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    """In the file, as FILE.py:NAME has it."""
    key: str
    """By which the model's description names it: its name, and a digest of its equations."""
    sha256: str
    """Of the file."""


_defined: dict[str, tuple[OwnCell, bytes]] = {}
"""By key, the own cells whose files this process has run, and the files."""


def with_key(config: Options) -> Options:
    """The options with the key of their cell where they name a file of it, which is run. Raises InputError."""
    cell = getattr(config, "cell", "")
    return config.model_copy(update={"cell": _define(cell, None).key}) if is_file(cell) else config


def kept(key: str) -> tuple[OwnCell, bytes] | None:
    """What a run keeps of the cell of that key: None for one of this library, and of a module that was imported."""
    return _defined.get(key)


def trust(folder: Path, own: OwnCell | None, where: str | None) -> None:
    """Run the code of a run's own cell, if its user names it as FILE.py:NAME.

    Raises InputError where code is named that is not the run's, before it runs, and where it has to be named.
    """
    if own is None:
        if where is not None:
            raise InputError(f"--cell is {where}, and {folder} has no cell of its own; leave it out")
        return
    if where is None:
        if not registry.is_defined(own.key):
            raise InputError(
                f"{folder}: its cell {own.name} is code, which runs only when you name it: read {folder / CODE}, then "
                f"give --cell {folder / CODE}:{own.name}"
            )
        return
    found = _define(where, own.sha256)
    if found.key != own.key:
        raise InputError(f"--cell is {where}, whose key is {found.key}; expected {own.key}, the cell of {folder}")


def _define(where: str, sha256: str | None) -> OwnCell:
    source = read_source(where)
    if sha256 is not None and source.sha256 != sha256:
        raise InputError(
            f"--cell is {where}, a file of SHA-256 {source.sha256[:12]}…; expected {sha256[:12]}…, with which the run "
            f"was trained: its folder holds it as {CODE}"
        )
    cell, name = from_source(source)
    own = OwnCell(name=name, key=cell.key, sha256=source.sha256)
    if "#" in cell.key:  # else the file only names a cell of this library
        _defined[cell.key] = own, source.content
    return own
