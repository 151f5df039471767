"""What every task's folder holds under the names that it is found by."""

import inspect
import subprocess
import sys

import pytest

from cellwright import tasks

IN_MEMORY = ("classify", "tag", "series")
"""Tasks that learn from rows in memory too."""


@pytest.mark.parametrize("name", tasks.NAMES)
def test_the_record_and_the_functions_beside_it(name: str) -> None:
    task = tasks.get(name)
    assert (task.name, task.config) == (name, tasks.config_of(name))
    taken = {
        (part, function): [*inspect.signature(getattr(tasks.module(name, part), function)).parameters]
        for part, function in [("prepare", "prepare"), ("evaluate", "evaluate"), ("data", "load_splits")]
    }
    given = ["given"] if name in IN_MEMORY else []
    assert taken == {
        ("prepare", "prepare"): ["config", "before", *given],
        ("evaluate", "evaluate"): ["run", "data", "split", "columns", "say", "baselines"],
        ("data", "load_splits"): ["config", *given],
    }
    assert set(task.columns) <= task.config.model_fields.keys()
    assert task.decoding is None or task.decoding in task.run_config.model_fields


@pytest.mark.slow
def test_what_predicts_loads_neither_baselines_nor_pictures() -> None:
    program = "import sys; from cellwright import tasks; [tasks.get(name) for name in tasks.NAMES]; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert "cellwright.tasks.series.objectives" in loaded
    assert not {"lightning", "sklearn", "matplotlib"} & set(loaded)
