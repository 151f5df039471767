"""A user's own cell as FILE.py:NAME."""

import sys

import pytest

from cellwright.cells.from_file import from_file, is_file
from cellwright.errors import InputError

CELL = """
from dataclasses import dataclass
import cellwright
from cellwright.cells.library.gru import gru
from cellwright.cells.language import State, relu, sigmoid, tanh

@dataclass
class Setting:
    size: "int" = 1

@cellwright.cell(projections="f g", gates="f", state="h")
def keeper(x, u, s):
    f = {gate}(x.f + u.f)
    return State(h=f * s.h + (1 - f) * tanh(x.g + u.g))
"""


@pytest.fixture
def file(tmp_path):
    def write(text, name="own.py"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_a_cell_by_name_and_the_only_one_without(file):
    path = file(CELL.format(gate="sigmoid"))
    for where in (f"{path}:keeper", str(path)):
        assert is_file(where)
        assert from_file(where).name == "keeper"
    assert not is_file("lstm")


def test_a_file_is_no_module_of_the_same_name(file):
    path = file(CELL.format(gate="sigmoid"), "json.py")
    import json

    assert from_file(f"{path}:keeper").name == "keeper"
    assert sys.modules["json"] is json


@pytest.mark.parametrize(
    ("text", "name", "parts"),
    [
        (CELL.format(gate="sigmoid"), ":keper", ["no cell 'keper'", "own.py:keeper"]),
        (CELL.format(gate="relu"), ":keeper", ["own.py: cell keeper", "[0, 1]"]),
        (CELL.format(gate="sigmoid") + "other = keeper\n", "", ["several cells; its cells are keeper, other"]),
        ("x = 1\n", "", ["no cell; expected a function under @cellwright.cell"]),
        ("x = (1\n", "", ["own.py, line 1: not Python"]),
        ("x = 1\ny = x / 0\n", ":y", ["own.py, line 2: ZeroDivisionError"]),
        ("import sys\nsys.exit(3)\n", ":y", ["own.py, line 2: SystemExit: 3; expected a file that runs"]),
    ],
)
def test_what_is_wrong_with_a_file(file, text, name, parts):
    with pytest.raises(InputError) as error:
        from_file(f"{file(text)}{name}")
    assert all(part in str(error.value) for part in parts)


def test_no_file(tmp_path):
    with pytest.raises(InputError, match=r"none\.py: no such file; expected .*FILE\.py:NAME"):
        from_file(f"{tmp_path}/none.py:cell")
