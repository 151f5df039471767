"""The Chinese README beside the English one: the same commands, code, tables and links."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ENGLISH, CHINESE = ((ROOT / name).read_text() for name in ("README.md", "README.zh.md"))


def commands(text):
    """Indented lines, without what explains them."""
    lines = re.findall(r"^    (?:make|cellwright) .*$", text, re.MULTILINE)
    return [line.partition("  #")[0].strip() for line in lines]


def code(text):
    """The blocks of Python, without their comments."""
    return [ast.unparse(ast.parse(block)) for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL)]


def table(text):
    """The first and the last cell of each row below a head: what is typed, and figures."""
    rows = re.findall(r"^\| .*\|$(?!\n\|--)", text, re.MULTILINE)
    return [(cells[1].strip(), cells[-2].strip()) for row in rows if (cells := row.split("|"))]


def links(text):
    return sorted(set(re.findall(r"\]\(([^)]+)\)", text)) - {"README.md", "README.zh.md"})


def options(text):
    """Names and calls in running text."""
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    return sorted({" ".join(found.split()) for found in re.findall(r"`([^`]+)`", prose)})


def headings(text):
    return len(re.findall(r"^#+ ", text, re.MULTILINE))


@pytest.mark.parametrize("part", [commands, code, table, links, options, headings])
def test_the_two_agree(part):
    assert part(ENGLISH)
    assert part(CHINESE) == part(ENGLISH)
