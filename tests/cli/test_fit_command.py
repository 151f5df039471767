import csv
import json
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from matplotlib import image

from cellwright.cli.fit import _again
from cellwright.serve import Predictor

COMMAND = [sys.executable, "-c", "import sys; from cellwright.cli import main; sys.exit(main())"]


def test_fit_prints_the_test_scores_beside_the_baselines(fitted):
    out, ended = fitted
    assert ended.status == 0
    test = json.loads((out / "test.json").read_text())
    for name, key in {"this model": "model", "linear baseline": "linear", "majority class": "majority"}.items():
        line = next(line for line in ended.out.splitlines() if line.strip().startswith(name))
        assert line.split()[-2:] == [f"{test[key]['accuracy']:.3f}", f"{test[key]['macro_f1']:.3f}"]
    assert test["model"]["accuracy"] > 0.9 > test["majority"]["accuracy"]


def test_fit_says_where_the_run_is_and_what_to_try_next(fitted):
    out, ended = fitted
    assert f"The run is in {out}" in ended.out
    assert f"cellwright predict '{out}' " in ended.out  # quoted: there is a space in it
    assert f"cellwright evaluate '{out}' " in ended.out


def test_run_keeps_both_pictures(fitted):
    for name in ("curve.png", "confusion.png"):
        assert image.imread(fitted[0] / name).std() > 0.05


def test_scores_in_the_run_are_those_of_evaluate(cellwright, fitted, reviews):
    out, _ = fitted
    evaluated = json.loads(cellwright("evaluate", out, reviews, "--json").out)
    kept = json.loads((out / "test.json").read_text())
    assert {**kept, "run": str(out), "data": str(reviews), "split": "test"} == evaluated


def test_options_reach_the_run(cellwright, small, reviews, tmp_path):
    out = tmp_path / "run"
    given = "--cell gru --num-layers 2 --no-bidirectional --pooling mean --clip-norm none --clip-value 0.5 --seed 3"
    ended = cellwright("fit", reviews, "--task", "classify", "--out", out, "--max-epochs", 1, *given.split(), *small)
    assert ended.status == 0, ended.err
    config = json.loads((out / "config.json").read_text())
    model, training = config["model"], config["options"]
    assert (model["cell"], model["num_layers"], model["bidirectional"], model["pooling"]) == ("gru", 2, False, "mean")
    assert (training["clip_norm"], training["clip_value"], training["seed"]) == (None, 0.5, 3)


def test_resumed_run_is_scored_with_its_own_columns(cellwright, small, reviews, tmp_path):
    data, out = tmp_path / "columns.csv", tmp_path / "run"
    data.write_text(reviews.read_text(encoding="utf-8-sig").replace("text,label", "review,stars", 1))
    named = ["--text", "review", "--label", "stars"]
    assert cellwright("fit", data, "--out", out, *named, "--max-epochs", 1, *small).status == 0
    ended = cellwright("fit", data, "--out", out, "--resume", "--max-epochs", 2)
    assert ended.status == 0, ended.err
    with (out / "log.csv").open() as log:
        assert [row["epoch"] for row in csv.DictReader(log)] == ["1", "2"]


@pytest.mark.slow
def test_interrupted_fit_keeps_a_model_and_no_scores_of_another(small, reviews, tmp_path):
    out = tmp_path / "run"
    start = [*COMMAND, "fit", reviews, "--out", out, "--max-epochs", "100000", "--patience", "100000", *small]
    with subprocess.Popen(start, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert any(line.startswith("epoch 2 ") for line in process.stdout)
        (out / "test.json").write_text("{}")  # of a run before
        process.send_signal(signal.SIGINT)
        said, complaint = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "Traceback" not in complaint
    assert said.splitlines()[-1] == (
        f"The best model so far is in {out}; to go on: cellwright fit {reviews} --out {out} --resume"
    )
    assert not (out / "test.json").exists()
    assert Predictor.load(out).predict(["great"])[0].label in {"very good", "坏 评"}


@pytest.mark.parametrize(("launcher", "before"), [(None, ""), ("none", "torchrun … -m ")])
def test_the_command_that_goes_on_names_the_launcher(monkeypatch, tmp_path, launcher, before):
    """It named cellwright alone, so that what several processes had begun went on in one."""
    monkeypatch.delenv("TORCHELASTIC_RUN_ID", raising=False)
    if launcher:
        monkeypatch.setenv("TORCHELASTIC_RUN_ID", launcher)
    assert _again("a b.csv", tmp_path, None) == f"{before}cellwright fit 'a b.csv' --out {tmp_path} --resume"


@pytest.mark.parametrize("cell", ["rnn", "gru"])
def test_any_cell_from_the_command_line(cellwright, small, reviews, tmp_path, cell):
    ended = cellwright("fit", reviews, "--out", tmp_path / "run", "--cell", cell, "--max-epochs", 1, *small)
    assert ended.status == 0, ended.err


@pytest.mark.slow
def test_ctrl_c_with_workers_is_one_sentence(small, reviews, tmp_path):
    """A terminal sends it to every process of its group."""
    out = tmp_path / "run"
    start = [*COMMAND, "fit", reviews, "--out", out, "--max-epochs", "100000", "--patience", "100000", *small]
    with subprocess.Popen(
        [*start, "--num-workers", "2"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert any(line.startswith("epoch 2 ") for line in process.stdout)
        os.killpg(process.pid, signal.SIGINT)
        said, complaint = process.communicate(timeout=120)
    assert process.returncode == 130
    assert (said + complaint).count("stopping after this step") == 1
    assert said.splitlines()[-1].startswith(f"The best model so far is in {out}; to go on: ")
    assert all(line.startswith("loading PyTorch and Lightning") for line in complaint.splitlines())


def test_what_fit_says_is_there_is_there(cellwright, small, reviews, tmp_path):
    """It named curve.png, which needs a whole epoch, and said that training never saw what it may have seen."""
    ended = cellwright("fit", reviews, "--out", tmp_path / "run", "--max-minutes", 1e-9, *small)
    assert ended.status == 0, ended.err
    assert not (tmp_path / "run" / "curve.png").exists()
    assert f"The run is in {tmp_path / 'run'}: confusion.png." in ended.out
    assert "never saw" not in ended.out


def test_without_baselines_as_asked(cellwright, small, reviews, tmp_path):
    out = tmp_path / "run"
    ended = cellwright("fit", reviews, "--out", out, "--no-baseline", "--max-epochs", 1, *small)
    assert ended.status == 0, ended.err
    assert "without baselines fitted on the training texts, as asked" in ended.err
    assert "linear baseline" not in ended.out
    assert json.loads((out / "test.json").read_text())["linear"] is None
    assert "linear baseline" in cellwright("evaluate", out, reviews).out


def test_where_the_last_epoch_was_the_best_a_run_of_constant_steps_may_go_on(cellwright, small, reviews, tmp_path):
    out = tmp_path / "run"
    ended = cellwright("fit", reviews, "--out", out, "--max-epochs", 1, *small)
    assert f"cellwright fit {reviews} --out {out} --resume --max-epochs 2    (the last epoch was the best)" in ended.out


def test_where_a_cosine_has_ended_the_command_begins_anew_with_the_same_options(cellwright, small, reviews, tmp_path):
    """A resumed one would take large steps again, and its scores may fall before they rise."""
    out = tmp_path / "a run"
    options = ["--no-bidirectional", "--clip-norm", "none", "--seed", 7, "--no-baseline", "--max-epochs", 1]
    ended = cellwright("fit", reviews, "--out", out, *options, *small, "--lr-schedule", "cosine")
    advised = next(line for line in ended.out.splitlines() if "the last epoch was the best" in line)
    _, *command = shlex.split(advised.partition("    (")[0])
    assert cellwright(*command).status == 0
    before, after = (json.loads(Path(each, "config.json").read_text()) for each in (out, f"{out}-longer"))
    assert after["options"].pop("max_epochs") == 2 == 2 * before["options"].pop("max_epochs")
    assert after == before
