"""Who opens a large room of the package finds a map there: its docstring names every module."""

import ast
import re
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "cellwright"
LARGE = 12
"""Modules that one finds one's way among without a map."""
OF_A_KIND = {
    "cells/library": "a cell each",
    "cli": "a subcommand each",
    "data/readers": "a format each",
    "weights": "a framework each",
}
"""Rooms whose files are named by what they are for."""
ROOMS = sorted({str(path.parent.relative_to(SOURCE)) for path in SOURCE.rglob("*.py")} - {".", *OF_A_KIND})


def modules(room: str) -> list[str]:
    return sorted(path.stem for path in (SOURCE / room).glob("*.py") if path.stem != "__init__")


@pytest.mark.parametrize("room", [room for room in ROOMS if len(modules(room)) > LARGE])
def test_every_module_of_a_large_room_is_on_its_map(room):
    folders = [SOURCE / room, (SOURCE / room).parent]  # that of the compiler's floors is the compiler's
    told = " ".join(
        ast.get_docstring(ast.parse((folder / "__init__.py").read_text("utf-8"))) or "" for folder in folders
    )
    named = {*re.findall(r"\w+", told)}
    assert [name for name in modules(room) if name not in named and f"*_{name.rpartition('_')[2]}" not in told] == []


def test_rooms_of_a_kind_are_there():
    assert [room for room in OF_A_KIND if len(modules(room)) <= LARGE] == []
