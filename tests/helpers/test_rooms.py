"""The tests lie as the package does: a folder of tests is named as the folder that it guards."""

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
REPOSITORY = TESTS.parent
SOURCE = REPOSITORY / "src" / "cellwright"
OF_THE_PACKAGE = "imports"  # tests/test_imports.py: what importing the package itself loads


def folders(top: Path, names: str) -> set[str]:
    """Those below `top` with a file of that kind, by their paths from it."""
    return {str(path.parent.relative_to(top)) for path in top.rglob(names)}


def test_every_folder_is_named_as_the_one_it_guards():
    mine = folders(TESTS, "test_*.py") - {"helpers"}
    assert {name for name in mine if not any((top / name).is_dir() for top in (SOURCE, REPOSITORY))} == set()
    assert folders(SOURCE, "*.py") - mine == set(), "rooms without a test"


def test_beside_the_folders_lie_tests_of_the_modules_there():
    modules = {path.stem for path in SOURCE.glob("*.py")} | {OF_THE_PACKAGE}
    assert {path.stem.removeprefix("test_") for path in TESTS.glob("test_*.py")} - modules == set()


def quick_tests(file: Path) -> list[str]:
    """The tests of a file that are not marked slow, neither by themselves nor with the file."""
    body = ast.parse(file.read_text(encoding="utf-8")).body
    named = [each for each in body if isinstance(each, ast.Assign) and ast.unparse(each.targets[0]) == "pytestmark"]
    if any("mark.slow" in ast.unparse(each.value) for each in named):
        return []
    tests = [each for each in body if isinstance(each, ast.FunctionDef) and each.name.startswith("test_")]
    return [each.name for each in tests if "pytest.mark.slow" not in map(ast.unparse, each.decorator_list)]


@pytest.mark.parametrize("room", sorted(folders(TESTS, "test_*.py")))
def test_what_is_fast_touches_every_room(room: str):
    """`make test-fast` leaves out what is marked slow."""
    assert [test for file in (TESTS / room).glob("test_*.py") for test in quick_tests(file)]
