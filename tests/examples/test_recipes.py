"""Each recipe, called as its head says, is of commands that `fit` takes: options that exist, within their bounds."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cellwright import tasks
from cellwright.cli.fit import _with_options
from cellwright.data import datasets
from cellwright.data.readers.several import as_one
from cellwright.options import configured

RECIPES = sorted(Path(__file__).parents[2].glob("examples/recipes/*.sh"))
# Stands in for `cellwright`: says what it was told.
ECHO = f"#!{sys.executable}\nimport json, sys\nprint(json.dumps(sys.argv[1:]))\n"


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_its_options_are_those_of_its_task(recipe: Path, tmp_path: Path) -> None:
    program = tmp_path / "cellwright"
    program.write_text(ECHO)
    program.chmod(0o755)
    path = {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    call = re.search(r"^#     sh \S+(.*?)(?:  .*)?$", recipe.read_text(), re.MULTILINE)
    words = call[1].split() if call else []  # some take none
    said = subprocess.run(["sh", recipe, *words], env=path, capture_output=True, text=True, check=True).stdout
    fits = [arguments for command, *arguments in map(json.loads, said.splitlines()) if command == "fit"]
    assert fits
    for arguments in fits:
        task = arguments[arguments.index("--task") + 1] if "--task" in arguments else tasks.USUAL
        given = _with_options(task).make_context("fit", arguments).params
        given["data"] = as_one(given["data"], datasets.names())
        assert configured(tasks.config_of(given.pop("task")), given).task == task
