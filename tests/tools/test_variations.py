"""Tests as on other processors: which rooms they are of, and what is said of each variation."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "tools" / "variations.sh"
VARIATIONS = 12
# In place of pytest: fails on one variation, as a test would there, and notes what it was given.
PYTEST = """#!/bin/sh
echo "$*" >>given.txt
[ "${ATEN_CPU_CAPABILITY:-}" = default ] || { echo '9 passed in 1s'; exit 0; }
printf 'FAILED tests/nn/test_a.py::test_b - by luck\\n1 failed, 8 passed in 1s\\n'
exit 1
"""


def rooms(name: str) -> list[str]:
    """The rooms that stand in one list of the script."""
    (found,) = re.findall(f'^{name}="(.*)"$', SCRIPT.read_text(encoding="utf-8"), re.MULTILINE)
    return found.split()


def test_every_room_of_tests_computes_or_is_left_out():
    folders = {path.name for path in (ROOT / "tests").iterdir() if any(path.rglob("test_*.py"))}
    assert sorted(rooms("computing") + rooms("others")) == sorted(folders)


@pytest.fixture
def run(tmp_path):
    """The script in a tree of its own: its result, and what each run of pytest was given."""
    for path, text in (("tools/variations.sh", SCRIPT.read_text(encoding="utf-8")), (".venv/bin/pytest", PYTEST)):
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
        (tmp_path / path).chmod(0o755)

    def started(*words):
        done = subprocess.run(["sh", "tools/variations.sh", *words], cwd=tmp_path, capture_output=True, text=True)
        assert done.stderr == ""
        return done, (tmp_path / "given.txt").read_text().splitlines()

    return started


def test_a_line_a_variation_and_what_is_left_out(run):
    done, given = run()
    assert done.returncode == 1
    left_out, verdicts = done.stdout.split("sh tools/variations.sh tests\n")
    assert "marked slow" in left_out
    assert f": {' '.join(rooms('others'))}. " in left_out
    assert len(re.findall("^green .* 9 passed in 1s$", verdicts, re.MULTILINE)) == VARIATIONS - 1
    assert re.findall("^(?!green).*", verdicts, re.MULTILINE)[:2] == [
        "FAILED tests/nn/test_a.py::test_b - by luck",
        f"RED   {'ATEN_CPU_CAPABILITY=default':40} 1 failed, 8 passed in 1s",
    ]
    of_rooms = " ".join(f"tests/{room}" for room in rooms("computing"))
    assert len(given) == VARIATIONS
    assert all(each.endswith(f" -m not slow {of_rooms}") for each in given)


def test_what_is_given_is_what_runs_and_nothing_is_left_out(run):
    done, given = run("tests", "-k", "lengths")
    assert "left out" not in done.stdout
    assert all(each.endswith(" tests -k lengths") for each in given)
