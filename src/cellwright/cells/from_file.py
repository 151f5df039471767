"""A user's own cell, found as path/to/file.py:name."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from cellwright.cells import get
from cellwright.cells.definition import Definition
from cellwright.errors import CellwrightError, InputError


class Source(NamedTuple):
    """A Python file that makes a cell, before it is run."""

    path: Path
    name: str
    """Of the cell in it; empty where it makes one only."""
    content: bytes

    @property
    def sha256(self) -> str:
        """Of the content, in hexadecimal digits."""
        return hashlib.sha256(self.content).hexdigest()


def named(where: str) -> Definition:
    """The cell of that name, or that a file makes, which is run: FILE.py:NAME. Raises InputError."""
    return from_file(where) if is_file(where) else get(where)


def from_file(where: str) -> Definition:
    """The cell `name` that the Python file makes; the name may be left out where it makes one cell only.

    The file is run, as `python file.py` would, but under its own name.

    Raises InputError where there is no such file, it fails, or makes no cell of that name.
    """
    return from_source(read_source(where))[0]


def read_source(where: str) -> Source:
    """The file of FILE.py:NAME, which is not run. Raises InputError where there is none."""
    path, _, name = where.rpartition(":") if not where.endswith(".py") else (where, "", "")
    try:
        return Source(Path(path), name, Path(path).read_bytes())
    except OSError as error:
        reason = (error.strerror or str(error)).lower().removesuffix(" or directory")
        raise InputError(f"{path}: {reason}; expected a Python file that makes a cell, as FILE.py:NAME") from None


def from_source(source: Source) -> tuple[Definition, str]:
    """Run the file, as `from_file` does; returns the cell and its name in the file. Raises InputError."""
    path, name = source.path, source.name
    found = _cells(_run(source))
    if not name and len(found) == 1:
        (name,) = found
    if name in found:
        return found[name], name
    asked = f"no cell {name!r}" if name else "no cell" if not found else "several cells"
    made = f"its cells are {', '.join(found)}: write {path}:{next(iter(found))}" if found else _ADVICE
    raise InputError(f"{path}: {asked}; {made}")


_ADVICE = "expected a function under @cellwright.cell(projections=…, gates=…, state=…)"


def is_file(where: str) -> bool:
    """Whether `where` is written as a file's cell rather than a name."""
    return where.endswith(".py") or where.rpartition(":")[0].endswith(".py")


def _cells(module: ModuleType) -> dict[str, Definition]:
    """The cells made in the file, by their name in it; those that it imports only where it has no other."""
    every = {name: value for name, value in vars(module).items() if isinstance(value, Definition)}
    own = {name: value for name, value in every.items() if value.step.__module__ == module.__name__}
    return own or every


def _run(source: Source) -> ModuleType:
    path = source.path
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None  # its name ends in .py
    module = importlib.util.module_from_spec(spec)
    before = sys.modules.get(path.stem)
    sys.modules[path.stem] = module  # dataclasses look their module up while the file runs
    try:
        # The very bytes that were read: a loader would read the file again, or a cache beside it.
        exec(compile(source.content, str(path), "exec"), module.__dict__)
    except SyntaxError as error:
        raise InputError(f"{error.filename}, line {error.lineno}: not Python ({error.msg})") from None
    except CellwrightError as error:
        raise InputError(f"{path}: {error}") from None
    except (Exception, SystemExit) as error:
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
        line = f", line {lines[-1]}" if lines else ""
        raise InputError(f"{path}{line}: {type(error).__name__}: {error}; expected a file that runs") from error
    finally:
        if before is not None:
            sys.modules[path.stem] = before
    return module
