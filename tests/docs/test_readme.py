"""The README: its Python runs, its commands and links are there."""

import re
from pathlib import Path

import pytest

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
