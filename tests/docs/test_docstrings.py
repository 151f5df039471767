"""The `>>>` lines in docstrings do what they say."""

import doctest
import importlib
from pathlib import Path

import pytest

from optional_modules import ABSENT, NEEDS

SOURCE = Path(__file__).parents[2] / "src"
MODULES = [
    ".".join(path.relative_to(SOURCE).with_suffix("").parts)
    for path in sorted(SOURCE.rglob("*.py"))
    if ">>> " in path.read_text(encoding="utf-8")
]


@pytest.mark.parametrize("module", MODULES)
def test_the_examples_of_a_module(module: str) -> None:
    if module in ABSENT:
        pytest.skip(f"{NEEDS[module]} is not installed")
    found = doctest.testmod(importlib.import_module(module))
    assert found.attempted
    assert found.failed == 0
