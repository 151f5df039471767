"""The pages on files and on pairs: their commands have options that there are."""

import re
import shlex
from pathlib import Path

import pytest

from cellwright import tasks
from cellwright.cli.options import options_of
from cellwright.options import configured

DOCS = Path(__file__).parents[2] / "docs"
TEXT = "".join((DOCS / page).read_text() for page in ("files.md", "transduce.md"))
COMMANDS = re.findall(r"^cellwright fit (.*)$", TEXT.replace("\\\n", ""), re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
def test_its_commands_can_be_given(command: str) -> None:
    data, *arguments = shlex.split(command)
    given = {}
    while arguments:
        option = arguments.pop(0).removeprefix("--").replace("-", "_")
        if option.startswith("no_"):
            given[option.removeprefix("no_")] = False
        else:
            given[option] = arguments.pop(0)
    config = tasks.config_of(given.pop("task", "classify"))
    assert set(given) <= {parameter.name for parameter in options_of(config)}
    assert configured(config, given | {"data": data}).data == data
