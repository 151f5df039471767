"""The command as a user runs it, and the processes that figures are taken in."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import memory
from cellwright.bench.case import Case
from cellwright.bench.rivals import OURS

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def run(*arguments):
    return subprocess.run([sys.executable, *map(str, arguments)], capture_output=True, text=True, check=True).stdout


@pytest.mark.slow
def test_one_case_from_measurement_to_page(tmp_path):
    figures, page = tmp_path / "figures.json", tmp_path / "page.md"
    case = ["--quick", "--only", "rnn inference padded T100 B1 ", "--repeat", "1", "--seconds", "0"]
    printed = run(BENCHMARKS / "layers.py", *case, "--json", figures, "--markdown", page)
    assert "| padded T100 B1 H128 |" in printed
    found = json.loads(figures.read_text())
    (speed,) = found["speed"]
    assert speed["case"] == {
        "cell": "rnn", "training": False, "ragged": False, "time": 100, "batch": 1, "hidden": 128, "directions": 1,
        "precision": "highest",
    }  # fmt: skip
    assert {OURS, "torch.nn padded", "Python loop"} <= set(speed["times"])
    assert all(times["low"] <= times["median"] <= times["high"] for times in speed["times"].values())
    assert set(found["targets"]) == {"RNN inference, batch 1"}
    written = page.read_text()
    assert written.startswith("# Benchmarks\n\nWritten by `python benchmarks/layers.py --quick --only ")
    assert "## rnn, inference" in written
    assert str(tmp_path.home()) not in written


def test_the_process_that_times_the_import_has_not_loaded_it():
    code = f"import sys; sys.path.insert(0, {str(BENCHMARKS)!r}); import startup; print(*sys.modules)"
    assert not {"torch", "cellwright"} & set(run("-c", code).split())


@pytest.mark.slow
@pytest.mark.skipif(not os.access("/proc/self/clear_refs", os.W_OK), reason="needs Linux")
def test_peak_memory_holds_what_a_step_must_keep():
    """torch.nn keeps at least four gates a row for backward; a step that kept all it ever made would take ten times."""
    case = Case("lstm", True, False, 300, 16, 128)
    gates = 4 * 300 * 16 * 4 * 128
    assert gates < memory.ask(case, "torch.nn padded") < 10 * gates
