"""Every name of the package that a page, a message or an example writes out is there as it is written."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from optional_modules import ABSENT

ROOT = Path(__file__).parents[2]
TEXTS = [path for pattern in ("*.md", "docs/**/*.md", "src/**/*.py", "examples/**/*.py") for path in ROOT.glob(pattern)]
NAME = re.compile(r"(?<!ops\.)\bcellwright(?:\.[A-Za-z_]\w*)+")
NAMES = sorted(
    name
    for name in {name for text in TEXTS for name in NAME.findall(text.read_text("utf-8"))}
    if not any(f"{name}.".startswith(f"{module}.") for module in ABSENT)
)
# In a process of its own, where no other test has loaded a module; what is no attribute is in a module to import.
LOOK = """
import functools, json, pkgutil, sys, cellwright
missing, others = [], []
for name in json.load(sys.stdin):
    try:
        functools.reduce(getattr, name.split(".")[1:], cellwright)
    except AttributeError:
        others.append(name)
for name in others:
    try:
        pkgutil.resolve_name(name)
    except (ImportError, AttributeError):
        missing.append(name)
print(json.dumps(missing))
"""


@pytest.mark.slow
def test_every_name_can_be_used_as_it_is_written():
    assert {"cellwright.nn.Recurrent", "cellwright.to_onnx", "cellwright.allocator.keep_freed_memory"} <= {*NAMES}
    command = [sys.executable, "-c", LOOK]
    found = subprocess.run(command, input=json.dumps(NAMES), capture_output=True, text=True, check=True)
    assert json.loads(found.stdout) == []


@pytest.mark.slow
def test_a_module_is_loaded_when_it_is_first_named():
    code = (
        "import cellwright, sys; print('cellwright.nn' in sys.modules, 'nn' in dir(cellwright), cellwright.nn.__name__)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["False", "True", "cellwright.nn"]
