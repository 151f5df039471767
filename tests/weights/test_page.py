"""docs/weights.md says what the tables in the code say, and the versions that the kept numbers are of."""

import importlib
import re
from pathlib import Path

import pytest

from kept_numbers import kept_versions

PAGE = (Path(__file__).parents[2] / "docs" / "weights.md").read_text("utf-8")
FRAMEWORKS = {
    "Keras": ("keras", "TABLE", "RESET_BEFORE"),
    "Flax": ("flax", "TABLE", "SIMPLE"),
    "Haiku": ("haiku", "TABLE"),
    "Equinox": ("equinox", "TABLE"),
    "MLX": ("mlx", "TABLE", "RNN"),
    "PaddlePaddle": ("paddle", "TABLE", "SIMPLE"),
    "tinygrad": ("tinygrad", "CONVENTION"),
    "DyNet": ("dynet", "TABLE", "GRU"),
    "Haste": ("haste", "TABLE"),
}


def rows():
    """(framework, our cell, gates, whether transposed) of each row of the page."""
    framework = ""
    table = PAGE[PAGE.index("| framework | source") :].split("\n\n")[0]
    for line in table.splitlines()[2:]:
        first, _, _, ours, gates, matrices, _ = (each.strip() for each in line.strip("|").split("|"))
        framework = first.split()[0].rstrip(",") if first else framework
        yield framework, ours, gates.replace(" ", ""), matrices.startswith("I first")


def conventions(module, *tables):
    found = importlib.import_module(f"cellwright.weights.{module}")
    for name in tables:
        table = getattr(found, name)
        yield from table.values() if isinstance(table, dict) else [table]


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_page_has_the_rows_of_the_code(framework):
    there = {row[1:] for row in rows() if row[0] == framework}
    assert there == {(each.cell, each.gates, each.transposed) for each in conventions(*FRAMEWORKS[framework])}


@pytest.mark.parametrize("framework", sorted(FRAMEWORKS.keys() - {"Keras", "Haste"}))
def test_the_versions_are_those_of_the_numbers(framework):
    module = FRAMEWORKS[framework][0]
    version = re.search(r"[\d.]+(?=,|$)", kept_versions(module))[0]
    assert f"| {framework} {version}" in PAGE
