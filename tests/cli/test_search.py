"""`cellwright search` and `cellwright compare`, as a user types them."""

import json

import pytest

import made_series

OPTIONS = [
    "--embedding-dim", 4, "--batch-tokens", 512, "--max-epochs", 2, "--threads", 1, "--seed", 1,
    "--hidden-size", "4..16",
]  # fmt: skip


@pytest.fixture(scope="module")
def study(cellwright, reviews, tmp_path_factory):
    out = tmp_path_factory.mktemp("search") / "a study"
    flags = ["--bidirectional", "true,false", "--skip-missing", "--no-baseline"]
    return out, cellwright("search", reviews, "--out", out, "--trials", 2, *OPTIONS, *flags)


def test_it_says_each_trial_the_table_and_what_to_try_next(study):
    out, ended = study
    assert ended.status == 0, ended.err
    lines = ended.out.splitlines()
    counts = next(place for place, line in enumerate(lines) if " texts of 2 classes; " in line)
    trials = [place for place, line in enumerate(lines) if line.startswith("trial ")]
    assert [lines[place].partition(",")[0] for place in trials] == ["trial 0 of 2", "trial 1 of 2"]
    assert counts < trials[0]
    assert f"2 trials are in {out}: study.csv, study.png." in ended.out
    assert f"cellwright compare '{out}'/trials/*" in ended.out
    assert "test split:" in ended.out


def test_what_to_try_next_is_what_the_task_takes(cellwright, study, tmp_path):
    data, out = tmp_path / "days.csv", tmp_path / "study"
    data.write_text(made_series.days(40, 0))
    given = ["--objective", "forecast", "--hidden-size", "4..8", "--max-epochs", 1, "--threads", 1, "--trials", 1]
    ended = cellwright("search", data, "--task", "series", "--out", out, *given)
    assert f"cellwright predict {out}/best more.csv    (a file of series)" in ended.out, ended.err
    assert f"cellwright predict '{study[0]}/best' \"" in study[1].out


def test_flags_are_those_of_fit_or_take_a_value(study):
    out, _ = study
    options = json.loads((out / "best" / "config.json").read_text())["options"]
    assert (options["skip_missing"], options["baseline"]) == (True, False)
    asked = json.loads((out / "study.json").read_text())["options"]
    assert asked["bidirectional"] == "true,false"


def test_its_best_run_predicts_and_has_test_scores(cellwright, study):
    out, ended = study
    assert cellwright("predict", out / "best", "a great phone").status == 0
    accuracy = json.loads((out / "best" / "test.json").read_text())["model"]["accuracy"]
    assert f"{accuracy:.3f}" in ended.out


def test_the_same_command_with_nothing_left_to_do_tells_the_same(cellwright, reviews, study):
    out, ended = study
    flags = ["--bidirectional", "true,false", "--skip-missing", "--no-baseline"]
    again = cellwright("search", reviews, "--out", out, "--trials", 2, *OPTIONS, *flags)
    assert again.status == 0
    told = ended.out.splitlines(keepends=True)
    last = max(place for place, line in enumerate(told) if line.startswith("trial "))
    assert again.out == "".join(told[last + 1 :])  # without what is said of the data too


def test_its_trials_are_compared(cellwright, study, tmp_path):
    out, _ = study
    runs = sorted((out / "trials").iterdir())
    ended = cellwright("compare", *runs, "--out", tmp_path / "compare.html")
    assert ended.status == 0, ended.err
    assert "options that differ" in ended.out
    assert "hidden size" in ended.out
    assert "without test scores:" in ended.err
    assert (tmp_path / "compare.html").read_text().startswith("<!doctype html>")
    again = cellwright("compare", *runs, "--out", tmp_path / "compare.html")
    assert (again.status, "is there already" in again.err) == (2, True)
    told = json.loads(cellwright("compare", *runs, "--json").out)
    assert {*told["runs"][0]["options"]} <= {"hidden_size", "bidirectional"}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--hidden-size", "512..64"], "--hidden-size is 512..64; expected two numbers LOW..HIGH"),
        (["--cell", ","], "--cell is ',', a choice of which is empty"),
        (["--hiden-size", "4..8"], "No such option"),
        (["--hidden-size", "8"], "every option has one value"),
        (["--hidden-size", "4..8", "--trials", "0"], "--trials is 0; expected at least 1"),
        (["--hidden-size", "4..8", "--pruner", "mean"], "--pruner is mean; expected 'median', 'halving' or 'none'"),
        (["--hidden-size", "4..8", "--resume"], "No such option"),
        (["--hidden-size", "4..8", "--task", "tags"], "no task 'tags'"),
    ],
)
def test_a_mistake_is_one_sentence_and_leaves_no_folder(cellwright, reviews, tmp_path, given, message):
    ended = cellwright("search", reviews, "--out", tmp_path / "s", *given)
    assert (ended.status, ended.out) == (2, "")
    assert message in ended.err
    assert ended.err.count("\n") == 1
    assert not (tmp_path / "s").exists()


def test_data_that_is_not_there(cellwright, tmp_path):
    ended = cellwright("search", tmp_path / "none.csv", "--out", tmp_path / "s", "--hidden-size", "4..8")
    assert (ended.status, ended.err.count("\n")) == (2, 1)
    assert "none.csv" in ended.err


def test_help_lists_the_options_of_the_task(cellwright):
    ended = cellwright("search", "--task", "lm", "--help")
    assert ended.status == 0
    assert "--bptt" in ended.out
    assert "--pruner" in ended.out
    assert "--resume" not in ended.out
    assert "--no-" not in ended.out
