"""Two processes, as `torchrun` starts them: each goes on from its own state, and both from what was trained before."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cellwright.errors import InputError
from cellwright.tasks.lm import LanguageConfig
from cellwright.tasks.run import load_run
from cellwright.training import fit
from process import outcome

pytestmark = pytest.mark.slow

RUNS = """
from cellwright.tasks.classify import *
from cellwright.tasks.lm import *
from cellwright.training import *
fit(LanguageConfig(**{language!r}, out={out!r} + "/alone"), progress=False)
fit(LanguageConfig(**{language!r}, out={out!r} + "/stopped", max_minutes=1e-6), progress=False)
fit(LanguageConfig(**{language!r}, out={out!r} + "/stopped", resume=True, max_minutes=60), progress=False)
fit(ClassifyConfig(**{classify!r}, out={out!r} + "/pretrained"), progress=False)
"""


@pytest.fixture(scope="module")
def language(reviews: Path) -> dict[str, Any]:
    return {
        "data": str(reviews), "hidden_size": 8, "embedding_dim": 8, "batch_tokens": 512, "threads": 1, "max_epochs": 1,
        "lr_schedule": "constant",
    }  # fmt: skip


@pytest.fixture(scope="module")
def runs(language: dict[str, Any], reviews: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs")
    shared = {name: language[name] for name in ("data", "hidden_size", "embedding_dim", "batch_tokens", "threads")}
    classify = shared | {"pretrain": "own", "pretrain_epochs": 1, "max_epochs": 2}
    code = RUNS.format(language=language, classify=classify, out=str(out))
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", "--no-python", sys.executable]
    ended = subprocess.run([*command, "-c", code], capture_output=True, text=True, env=os.environ, timeout=180)
    assert ended.returncode == 0, ended.stderr
    (out / "said.txt").write_text(ended.stdout)
    return out


def test_a_language_model_stopped_within_an_epoch_goes_on_from_the_state_of_each(runs: Path) -> None:
    alone, stopped = outcome(runs / "alone"), outcome(runs / "stopped")
    states = {name: value for name, value in alone["last"].items() if name.startswith(".objective.")}
    assert len(states) == 4  # h and c of each process
    assert states[".objective.0.state.0.0.0"] != states[".objective.1.state.0.0.0"]
    assert stopped["last"] == alone["last"]
    assert stopped["weights"] == alone["weights"]


def test_another_number_of_processes_is_refused(runs: Path, language: dict[str, Any]) -> None:
    config = LanguageConfig(**language | {"max_epochs": 2}, out=runs / "alone", resume=True)
    with pytest.raises(InputError, match="was trained by 2 processes, and 1 resume it; expected as many"):
        fit(config, progress=False, say=lambda sentence: None)


def test_what_was_trained_before_is_there_for_both(runs: Path) -> None:
    assert load_run(runs / "pretrained").config.model.hidden_size == 8
    assert (runs / "said.txt").read_text().count("pre-training: epoch 1 of at most 1") == 1  # one of them speaks
