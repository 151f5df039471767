"""The README: its Python runs, its commands and links are there."""

import re
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from cellwright.cli.main import app

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "README.md").read_text()


@pytest.mark.parametrize("code", re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL))
def test_its_python_runs(code, capsys):
    exec(compile(code, "README.md", "exec"), {"__name__": "readme"})
    printed = capsys.readouterr().out
    for line in code.splitlines():
        if line.startswith("print("):
            assert printed.strip() == line.partition("#")[2].strip()


def test_its_commands_are_there():
    there = {command.name or command.callback.__name__ for command in app.registered_commands}
    there |= {group.name for group in app.registered_groups}
    assert set(re.findall(r"cellwright ([a-z]+)", TEXT)) - {"import"} <= there


@pytest.mark.parametrize("target", re.findall(r"\]\(([^)]+)\)", TEXT))
def test_its_links_lead_somewhere(target):
    assert (ROOT / target).exists()


@pytest.mark.parametrize("goal", re.findall(r"`?make ([a-z]+)", TEXT))
def test_its_goals_are_in_the_makefile(goal):
    assert re.search(rf"^{goal}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


def test_its_figures_of_speed_are_those_of_the_benchmarks():
    measured = (ROOT / "docs" / "benchmarks.md").read_text()
    columns = re.search(r"^\|  \| shapes \| (.*) \|$", measured, re.MULTILINE)[1].split(" | ")

    def times(cell, training, lengths, rival):
        row = re.search(rf"^\| {cell}, {training}, {lengths} \| \d+ \| (.*) \|$", measured, re.MULTILINE)[1]
        return row.split(" | ")[columns.index(rival)].replace("×", "")

    rows = re.findall(r"^\| `([A-Z]+)`, (\w+) \| (.*) \|$", TEXT, re.MULTILINE)
    assert len(rows) == 6
    for name, training, figures in rows:
        asked = [("differ", "torch.nn packed"), ("differ", "torch.nn padded"), ("equal", "torch.nn padded")]
        wanted = [times(name.lower(), training, f"lengths {how}", rival) for how, rival in asked]
        assert figures.split(" | ") == wanted
    assert f"at a median of {rows[0][2].split()[0]} times" in " ".join(TEXT.split())


def test_the_cpu_build_of_torch_is_what_pip_prefers():
    """The build that README.md's index has is a local version: it meets the pin, and comes before PyPI's."""
    (pin,) = re.findall(r"^torch==(.+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    assert Version(f"{pin}+cpu") in SpecifierSet(f"=={pin}")
    assert Version(f"{pin}+cpu") > Version(pin)
