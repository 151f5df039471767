"""Runs side by side: what their folders say, and no more."""

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from matplotlib import image

import cellwright
from cellwright.errors import InputError
from cellwright.tuning.comparing import Comparison, compare

SMALL: dict[str, Any] = {"hidden_size": 4, "embedding_dim": 4, "batch_tokens": 512, "max_epochs": 2, "threads": 1}


@pytest.fixture(scope="module")
def runs(reviews: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An LSTM that is scored on its test split, a GRU that is not, and a language model."""
    out = tmp_path_factory.mktemp("runs")
    for name, options in (("lstm", {}), ("gru", {"cell": "gru", "clip_norm": None})):
        cellwright.fit(reviews, out / name, options=SMALL | options, say=lambda sentence: None)
    report = cellwright.evaluate(out / "lstm", reviews, say=lambda sentence: None)
    (out / "lstm" / "test.json").write_text(json.dumps(report.as_json()))
    cellwright.fit(reviews, out / "lm", task="lm", options=SMALL | {"max_epochs": 1}, say=lambda sentence: None)
    return out


@pytest.fixture
def both(runs: Path) -> Comparison:
    return compare([runs / "lstm", runs / "gru"])


def test_only_options_that_differ_are_shown(both: Comparison) -> None:
    assert [each.options for each in both.runs] == [
        {"cell": "lstm", "clip_norm": 1.0},
        {"cell": "gru", "clip_norm": None},
    ]
    last = both.sections()[-1]
    assert (last.title, last.columns) == ("options that differ", ["cell", "clip norm"])
    assert [row[1:] for row in last.rows] == [["lstm", "1"], ["gru", "none"]]


def test_scores_are_those_of_the_folders(both: Comparison, runs: Path) -> None:
    for each, name in zip(both.runs, ("lstm", "gru"), strict=True):
        metrics = json.loads((runs / name / "metrics.json").read_text())
        assert each.validation == metrics["validation"]
        assert [each.epochs, each.seconds, each.parameters] == [metrics[k] for k in ("epochs", "seconds", "parameters")]
    test = json.loads((runs / "lstm" / "test.json").read_text())["model"]
    assert both.runs[0].test == {"accuracy": test["accuracy"], "macro_f1": test["macro_f1"]}
    assert both.metric == "accuracy"
    validation, tested, *_ = both.sections()
    assert validation.rows[0] == [str(runs / "lstm"), *(f"{value:.4f}" for value in both.runs[0].validation.values())]
    assert tested.rows[1] == [str(runs / "gru"), "–", "–"]


def test_a_run_without_test_scores_is_said(both: Comparison, runs: Path) -> None:
    assert both.notes == [f"without test scores: {runs / 'gru'} (cellwright evaluate RUN DATA takes them)"]


def test_runs_of_other_rows_and_such_as_have_not_ended_are_said(runs: Path, tmp_path: Path) -> None:
    shutil.copytree(runs / "gru", tmp_path / "other")
    (tmp_path / "other" / "metrics.json").unlink()
    config = json.loads((tmp_path / "other" / "config.json").read_text())
    (tmp_path / "other" / "config.json").write_text(json.dumps(config | {"fingerprint": "of other rows"}))
    found = compare([runs / "lstm", tmp_path / "other"])
    assert "did not all learn from the same examples" in found.notes[0]
    assert found.notes[1] == f"training has not ended: {tmp_path / 'other'}"
    assert found.runs[1].epochs is None
    assert len(found.runs[1].log) == 2  # the epochs that are done


def test_the_curves_are_those_of_the_logs(both: Comparison, runs: Path, tmp_path: Path) -> None:
    with (runs / "gru" / "log.csv").open() as file:
        rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
    assert [dict(row) for row in both.runs[1].log] == rows
    both.write(tmp_path / "curves.png")
    assert image.imread(tmp_path / "curves.png").std() > 0.05


def test_the_page_stands_alone_and_escapes_names(runs: Path, tmp_path: Path) -> None:
    shutil.copytree(runs / "lstm", tmp_path / "<b>")
    found = compare([tmp_path / "<b>", runs / "gru"])
    found.write(tmp_path / "compare.html")
    page = (tmp_path / "compare.html").read_text()
    assert "&lt;b&gt;" in page
    assert "<b>" not in page
    assert "data:image/png;base64," in page
    assert "http" not in page
    for section in found.sections():
        assert all(f"<td>{cell}</td>" in page for row in section.rows for cell in row[1:])


def test_json_has_all_but_the_logs(both: Comparison) -> None:
    told = json.loads(json.dumps(both.as_json()))
    assert told["runs"][1]["options"] == {"cell": "gru", "clip_norm": None}
    assert "log" not in told["runs"][0]


def test_what_is_refused(runs: Path, both: Comparison, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"is a run of lm, and .* one of classify, whose scores are others"):
        compare([runs / "lstm", runs / "lm"])
    with pytest.raises(InputError, match="got 1 run; expected at least two"):
        compare([runs / "lstm"])
    with pytest.raises(InputError, match="is given twice"):
        compare([runs / "lstm", runs / "lstm"])
    with pytest.raises(InputError, match="no such run folder"):
        compare([runs / "lstm", tmp_path / "nowhere"])
    with pytest.raises(InputError, match=r"expected a file name that ends in \.html or \.png"):
        both.write(tmp_path / "compare.pdf")
