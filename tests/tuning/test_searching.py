"""A search: what it tries, what it keeps, and how it goes on."""

import csv
import json
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from matplotlib import image
from safetensors.torch import load_file

import cellwright
import searches
from agreement import SINGLE, assert_agree
from cellwright.errors import InputError
from cellwright.tuning import searching
from cellwright.tuning.searching import SearchResult, folder_of, search
from cellwright.tuning.space import Range, Space
from cellwright.tuning.study import Locks, Study
from process import SERVER

GIVEN: dict[str, Any] = {
    "hidden_size": "4..32", "learning_rate": "1e-4..1e-1", "cell": "lstm,gru", "embedding_dim": 8,
    "batch_tokens": 256, "max_epochs": 3, "threads": 1, "seed": 1, "lr_schedule": "constant",
}  # fmt: skip
"""Options of a search whose trials take a part of a second."""


@pytest.fixture
def given() -> dict[str, Any]:
    return dict(GIVEN)


def quiet(sentence: str) -> None:
    pass


def found(result: SearchResult) -> list[tuple[Any, ...]]:
    """What must not depend on how often a search was stopped."""
    return [(t.number, t.state, t.score, t.options, t.epochs, t.best_epoch, t.error) for t in result.trials]


def weights(folder: Path) -> dict[str, Any]:
    return {name: each.double() for name, each in load_file(folder / "model.safetensors").items()}


def assert_same_run(one: Path, other: Path) -> None:
    """To rounding: torch rounds the last bit by where numbers lie in memory, which is another place in each process."""
    assert_agree(weights(one), weights(other), SINGLE)


@pytest.fixture(scope="module")
def study(reviews: Path, tmp_path_factory: pytest.TempPathFactory) -> SearchResult:
    """Four trials in one go, by a process that nothing stops."""
    return search(reviews, tmp_path_factory.mktemp("study") / "s", options=GIVEN, trials=4, say=quiet)


def test_the_best_run_is_the_run_that_fit_makes_of_its_options(
    study: SearchResult, reviews: Path, tmp_path: Path
) -> None:
    best = study.best
    assert best is not None
    assert best.score == max(each.score for each in study.trials if each.state == "done" and each.score is not None)
    options = json.loads((study.run / "config.json").read_text())["options"]
    del options["data"]
    result = cellwright.fit(reviews, tmp_path / "run", options=options, say=quiet)
    assert result.validation == pytest.approx(best.scores, rel=1e-4)
    assert result.validation[study.metric.name] == best.score
    assert_same_run(tmp_path / "run", study.run)


def test_the_best_run_predicts_and_can_be_trained_on(study: SearchResult, reviews: Path, tmp_path: Path) -> None:
    predictor = cellwright.load(study.run)
    assert predictor.predict(["word3 great word1"])[0].label == "pos"
    best = study.best
    assert best is not None
    shutil.copytree(study.run, tmp_path / "run")  # for the other tests
    result = cellwright.fit(reviews, tmp_path / "run", options={"resume": True, "max_epochs": 4}, say=quiet)
    assert (best.epochs, result.epochs) == (3, 4)


def test_trials_have_options_of_the_space_and_the_first_ones_differ(study: SearchResult) -> None:
    assert [each.number for each in study.trials] == [*range(4)]
    for each in study.trials:
        assert each.options.keys() == {"hidden_size", "learning_rate", "cell"}
        assert 4 <= each.options["hidden_size"] <= 32
        assert 1e-4 <= each.options["learning_rate"] <= 1e-1
        written = json.loads((folder_of(study.out, each.number) / "config.json").read_text())["options"]
        assert each.options.items() <= written.items()
    assert len({each.options["learning_rate"] for each in study.trials}) == 4


def test_the_table_and_the_picture_hold_every_trial(study: SearchResult) -> None:
    rows = list(csv.DictReader((study.out / "study.csv").open()))
    assert [int(row["number"]) for row in rows] == [*range(4)]
    for row, each in zip(rows, study.trials, strict=True):
        assert (row["state"], float(row["accuracy"])) == (each.state, each.score)
        assert (int(row["hidden_size"]), row["cell"]) == (each.options["hidden_size"], each.options["cell"])
        assert float(row["learning_rate"]) == each.options["learning_rate"]
    assert image.imread(study.out / "study.png").std() > 0.05


def test_only_the_best_trial_keeps_a_checkpoint(reviews: Path, given: dict[str, Any], tmp_path: Path) -> None:
    result = search(reviews, tmp_path / "s", options=given, trials=2, say=quiet)
    kept = [each.number for each in result.trials if [*folder_of(result.out, each.number).rglob("last.safetensors")]]
    assert result.best is not None
    assert kept == [result.best.number]


@pytest.mark.slow
def test_more_trials_go_on_as_if_all_had_been_asked_for_at_once(
    study: SearchResult, reviews: Path, given: dict[str, Any], tmp_path: Path
) -> None:
    for trials in (1, 3, 3, 4):
        result = search(reviews, tmp_path / "s", options=given, trials=trials, say=quiet)
        assert len(result.trials) == trials
    assert found(result) == found(study)


@pytest.mark.slow
def test_killed_again_and_again_it_is_the_search_left_alone(
    study: SearchResult, reviews: Path, given: dict[str, Any], tmp_path: Path
) -> None:
    """By SIGKILL while a trial trains, from its first epoch's log to its end."""
    out = tmp_path / "s"
    given |= {"checkpoint_seconds": 0}  # so that a trial goes on from within an epoch
    kills = 0
    for number in (0, 0, 2):
        process = SERVER.Process(target=searches.run, args=(reviews, out, given, 4))
        process.start()
        place = folder_of(out, number) / "checkpoints" / "last.safetensors"
        while process.is_alive() and not place.exists():
            time.sleep(0.01)
        time.sleep(0.15)
        process.kill()
        process.join()
        kills += process.exitcode == -signal.SIGKILL
    assert kills == 3
    result = search(reviews, out, options=given, trials=4, say=quiet)
    assert found(result) == found(study)
    assert_same_run(result.run, study.run)


@pytest.mark.slow
def test_two_processes_share_the_trials(reviews: Path, given: dict[str, Any], tmp_path: Path) -> None:
    paths = [tmp_path / "first", tmp_path / "second"]
    processes = [SERVER.Process(target=searches.run, args=(reviews, tmp_path / "s", given, 5, path)) for path in paths]
    for process in processes:
        process.start()
    for process in processes:
        process.join(300)
    assert [process.exitcode for process in processes] == [0, 0]
    said = [[line for line in path.read_text().splitlines() if line.startswith("trial ")] for path in paths]
    assert all(said), "both had something to do"
    numbers = sorted(int(line.split()[1]) for lines in said for line in lines)
    assert numbers == [*range(5)]
    rows = list(csv.DictReader((tmp_path / "s" / "study.csv").open()))
    assert [int(row["number"]) for row in rows] == [*range(5)]
    assert {row["state"] for row in rows} <= {"done", "pruned"}


def test_a_trial_that_cannot_be_trained_is_kept_with_its_sentence(
    reviews: Path, given: dict[str, Any], tmp_path: Path
) -> None:
    """Windows that overlap by as much as they hold go together in some trials, and in others not."""
    given |= {
        "truncation": "windows",
        "max_length": "4,16",
        "overlap": 8,
        "learning_rate": 0.01,
        "max_epochs": 1,
        "seed": 4,
    }
    said: list[str] = []
    result = search(reviews, tmp_path / "s", options=given, trials=2, say=said.append)
    states = {(each.options["max_length"], each.state) for each in result.trials}
    assert states == {(4, "failed"), (16, "done")}
    data, trials = ([each for each in said if each.startswith("trial ") is of_trials] for of_trials in (False, True))
    assert sum("texts of 2 classes" in each for each in data) == 1
    for each, sentence in zip(result.trials, trials, strict=True):
        if each.state == "failed":
            assert "--overlap is 8 and --max-length 4; expected windows" in str(each.error)
            assert str(each.error) in sentence


def test_a_trial_that_diverges_is_kept_with_its_sentence(reviews: Path, given: dict[str, Any], tmp_path: Path) -> None:
    given |= {"learning_rate": "0.01,1e38", "max_epochs": 2, "clip_norm": None, "hidden_size": 8, "cell": "relu-lstm"}
    result = search(reviews, tmp_path / "s", options=given, trials=3, say=quiet)
    states = {(each.options["learning_rate"], each.state) for each in result.trials}
    assert states == {(0.01, "done"), (1e38, "failed")}
    assert "the loss is nan" in next(str(each.error) for each in result.trials if each.state == "failed")


def test_where_no_trial_succeeds_the_search_says_why(reviews: Path, given: dict[str, Any], tmp_path: Path) -> None:
    given |= {"learning_rate": "1e38,2e38", "max_epochs": 1, "clip_norm": None}
    with pytest.raises(InputError, match="no trial of 2 succeeded; the last: the loss is nan"):
        search(reviews, tmp_path / "s", options=given, trials=2, say=quiet)


def test_the_median_prunes_what_is_worse_than_half_of_the_others(tmp_path: Path) -> None:
    space = Space({}, {"dropout": Range(0.0, 0.5, log=False)})
    study = Study(tmp_path, space, seed=0, higher_is_better=False, pruner="median")
    for loss in (1.0, 2.0, 3.0, 4.0, 5.0):
        trial = study.next(9)
        assert trial is not None
        assert study.goes_on(trial, 1, loss), "none is pruned before five have ended"
        study.end(trial, loss, {})
    for loss, expected in ((2.9, True), (3.1, False)):
        trial = study.next(9)
        assert trial is not None
        assert [study.goes_on(trial, 1, loss), study.goes_on(trial, 1, loss)] == [
            expected
        ] * 2  # asked twice, after a kill
        study.end(trial, loss, {}, pruned=True)
    assert [each.state.name for each in study.trials()] == ["COMPLETE"] * 5 + ["PRUNED"] * 2
    study.locks.close()


def test_a_pruned_trial_ends_after_its_epoch_and_is_not_the_best(
    reviews: Path, given: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[int, int, float]] = []

    def goes_on(study: Study, trial: Any, epoch: int, score: float) -> bool:
        asked.append((trial.number, epoch, score))
        return trial.number == 0 or epoch < 2

    monkeypatch.setattr(Study, "goes_on", goes_on)
    result = search(reviews, tmp_path / "s", options=given, trials=2, say=quiet)
    assert [(each.state, each.epochs) for each in result.trials] == [("done", 3), ("pruned", 2)]
    assert [each[:2] for each in asked] == [(0, 1), (0, 2), (0, 3), (1, 1), (1, 2)]
    assert result.trials[1].score == max(score for number, _, score in asked if number == 1)
    assert result.best == result.trials[0]
    metrics = json.loads((folder_of(result.out, 1) / "metrics.json").read_text())
    assert metrics["stopped"] == "pruned"


def test_another_search_in_the_folder_is_refused(study: SearchResult, reviews: Path, given: dict[str, Any]) -> None:
    for changed, message in (
        ({"hidden_size": "4..64"}, r"was started with --hidden-size 4\.\.32, and now it is --hidden-size 4\.\.64"),
        ({"dropout": 0.1}, r"was started with --dropout \(not given\), and now it is --dropout 0.1"),
    ):
        with pytest.raises(InputError, match=message):
            search(reviews, study.out, options=given | changed, say=quiet)
    with pytest.raises(InputError, match="was started with pruner median, and now it is none"):
        search(reviews, study.out, options=given, pruner="none", say=quiet)
    search(reviews, study.out, options=given | {"threads": 2}, trials=4, say=quiet)  # which changes no score


def test_a_folder_of_something_else_is_left_alone(reviews: Path, given: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="is there already and holds no study"):
        search(reviews, tmp_path, options=given, say=quiet)
    assert [each.name for each in tmp_path.iterdir()] == ["notes.txt"]


def test_data_that_is_not_there_is_said_once_and_leaves_nothing(given: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.csv"):
        search(tmp_path / "nowhere.csv", tmp_path / "s", options=given, say=quiet)
    assert not (tmp_path / "s").exists()


def test_without_validation_there_is_nothing_to_compare_by(
    reviews: Path, given: dict[str, Any], tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="trials are compared by their validation scores, and nothing is held out"):
        search(reviews, tmp_path / "s", options=given | {"validation_share": 0}, say=quiet)


def test_without_optuna_the_sentence_has_the_line_for_pip(
    reviews: Path, given: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install 'cellwright\[search\]'"):
        search(reviews, tmp_path / "s", options=given, say=quiet)


def test_a_lock_is_free_where_its_process_has_ended(tmp_path: Path) -> None:
    path, (here, there) = tmp_path / "lock", SERVER.Pipe()
    process = SERVER.Process(target=searches.hold, args=(path, 3, there))
    process.start()
    assert here.recv()
    locks = Locks(path)
    assert [locks.taken(number) for number in (3, 4)] == [False, True]
    process.kill()
    process.join()
    assert locks.taken(3)
    locks.close()


def test_under_torchrun_it_is_refused(
    reviews: Path, given: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(InputError, match="search under torchrun"):
        search(reviews, tmp_path / "s", options=given, say=quiet)


def test_a_score_of_other_rows_is_no_trial_of_the_study(
    reviews: Path, given: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given |= {"max_epochs": 1}
    search(reviews, tmp_path / "s", options=given, trials=1, say=quiet)
    asked = json.loads((tmp_path / "s" / searching.ASKED).read_text())
    asked["fingerprint"] = "of other rows"
    (tmp_path / "s" / searching.ASKED).write_text(json.dumps(asked))
    result = search(reviews, tmp_path / "s", options=given, trials=2, say=quiet)
    assert "are not those of the other trials" in str(result.trials[1].error)
