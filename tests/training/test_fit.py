"""What a user of `fit` reads and gets."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from agreement import SINGLE, assert_agree, double
from cellwright.data.batches import collate
from cellwright.data.source import open_source
from cellwright.errors import InputError
from cellwright.tasks.classify import ClassifyConfig
from cellwright.tasks.run import load_run
from cellwright.training import fit, module

Options = Callable[..., dict[str, Any]]


def test_learns_and_the_scores_are_those_of_the_kept_model(options: Options) -> None:
    given = options(learning_rate=0.05, max_epochs=6, checkpoint_seconds=60)
    result = fit(ClassifyConfig(**given), progress=False)
    run = load_run(result.out)
    table = open_source(given["data"])["validation"]
    batch = collate([(tokens, None) for tokens in run.tokenizer.encode(table.texts)])
    logits = double(run.model)(batch.tokens, batch.lengths)
    labels = torch.tensor([run.labels.index(label) for label in table.labels or []])
    assert (logits.argmax(-1) == labels).double().mean().item() == result.validation["accuracy"] > 0.9
    loss = torch.nn.functional.cross_entropy(logits, labels).item()
    assert_agree(result.validation["loss"], loss, SINGLE)


def test_says_when_the_model_has_learnt_nothing(options: Options, tmp_path: Path) -> None:
    path = tmp_path / "noise.csv"
    path.write_text("text,label\n" + "".join(f"word{i},{'ab'[i % 7 == 0]}\n" for i in range(300)))
    said: list[str] = []
    changes = {
        "data": str(path),
        "learning_rate": 1e-6,
        "max_epochs": 1,
        "checkpoint_seconds": 60,
        "batch_tokens": None,
    }
    result = fit(ClassifyConfig(**options(**changes)), progress=False, say=said.append)
    assert "batches of at most 256 tokens" in said
    assert result.validation["accuracy"] <= result.baseline
    assert "no better than always giving the most frequent label" in said[-1]


def test_a_loss_that_is_no_number_keeps_the_best_model(options: Options, monkeypatch: pytest.MonkeyPatch) -> None:
    step = module.TrainedModule.training_step

    def poisoned(self: module.TrainedModule, *args: Any) -> torch.Tensor:
        if self.global_step == 13:
            with torch.no_grad():
                self.model.dense.bias.fill_(torch.nan)
        return step(self, *args)

    monkeypatch.setattr(module.TrainedModule, "training_step", poisoned)
    given = options(checkpoint_seconds=60)
    with pytest.raises(InputError, match=r"the loss is nan at step 14 \(epoch 2\).*the model of epoch 1 stays"):
        fit(ClassifyConfig(**given), progress=False)
    assert torch.isfinite(load_run(given["out"]).model.dense.bias).all()


@pytest.mark.slow
def test_the_same_seed_is_the_same_model_and_another_is_not(options: Options) -> None:
    def weights(name: str, **changes: Any) -> dict[str, torch.Tensor]:
        given = options(max_epochs=1, checkpoint_seconds=60, **changes)
        return load_run(
            fit(ClassifyConfig(**given | {"out": given["out"] + name}), progress=False).out
        ).model.state_dict()

    first, second, other = weights("1"), weights("2", num_workers=1), weights("3", seed=2)
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(first["dense.weight"], other["dense.weight"])


def test_progress_bar_has_loss_speed_and_time_left(options: Options, capfd: pytest.CaptureFixture[str]) -> None:
    fit(ClassifyConfig(**options(max_epochs=1, checkpoint_seconds=60)), progress=True)
    captured = capfd.readouterr()
    assert "epoch 1 of 1" in captured.err
    assert "loss=" in captured.err
    assert "tokens/s=" in captured.err
    assert "epoch 1 of at most 1: loss" in captured.out
    assert "\r" not in captured.out


@pytest.mark.slow
def test_two_processes_share_the_texts(options: Options) -> None:
    given = options(max_epochs=2, checkpoint_seconds=60, ema_decay=0.0)
    imports = "import atexit, torch; from cellwright.tasks.classify import *; from cellwright.training import *"
    left = "atexit.register(lambda: print('left', not torch.distributed.is_initialized()))"  # called after fit's own
    code = f"{imports}; {left}; fit(ClassifyConfig(**{given!r}), progress=False)"
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", "--no-python", sys.executable]
    ended = subprocess.run([*command, "-c", code], capture_output=True, text=True, env=os.environ, timeout=120)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.count("epoch 1 of at most 2") == 1  # one of them speaks
    assert ended.stdout.count("left True") == 2  # else they may abort at their end: pytorch/pytorch#190489
    alone = options(out=given["out"] + "-alone", max_epochs=2, checkpoint_seconds=60)
    fit(ClassifyConfig(**alone), progress=False)
    logs = [Path(each["out"], "log.csv").read_text().splitlines()[1].split(",") for each in (given, alone)]
    assert logs[0][5] == logs[1][5]  # every token once, whoever read it
    assert logs[0][1] == logs[1][1]  # in the same steps
    load_run(given["out"])
