"""The drawing of the rooms: what it says of imports, and that it is the one of this tree."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SPEC = importlib.util.spec_from_file_location("graph", ROOT / "tools" / "graph.py")
graph = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(graph)

# Who imports whom, and how often.
HOUSE = {("d", "c"): 3, ("d", "a"): 1, ("c", "b"): 2, ("b", "a"): 5, ("c", "a"): 1}


def test_a_room_stands_above_what_it_imports():
    assert graph.floors(HOUSE) == {"a": 0, "b": 1, "c": 2, "d": 3}


def test_an_arrow_that_follows_from_others_is_not_drawn():
    assert graph.drawn(HOUSE) == [("d", "c"), ("c", "b"), ("b", "a")]


def test_a_circle_is_named():
    with pytest.raises(ValueError, match="a circle of imports: a → d → a"):
        graph.floors(HOUSE | {("a", "d"): 1})


def test_the_table_counts_every_arrow():
    assert "| 3 | `d` | c 3, a 1 |" in graph.counted(HOUSE)


def test_no_room_of_this_tree_imports_what_is_above_it_and_the_picture_is_of_today():
    assert graph.PICTURE.read_text(encoding="utf-8") == graph.svg(graph.arrows()), "run: make graph"
