"""What of a file of series is learned from, and what is left out."""

from pathlib import Path

import pytest

import made_series
from cellwright import tasks
from cellwright.data.readers.series import read_series
from cellwright.data.scaling import fit_scaling
from cellwright.tasks.run import load_run
from cellwright.tasks.series import SeriesConfig
from cellwright.tasks.series.data import load_splits
from cellwright.training import fit
from series_runs import Options, report, train

WAVES = made_series.waves(80, 0)


def test_the_runs_own_file_is_known_however_its_path_is_written(
    options: Options, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "test.csv").write_text(made_series.waves(7, 2))
    given = options(made_series.waves(60, 1), max_epochs=1, test=str(tmp_path / "test.csv"))
    train(given)
    monkeypatch.chdir(tmp_path)
    for written in (given["data"], "data.csv", "./data.csv"):
        assert report(given | {"data": written})["series"] == 7


def test_scaling_is_measured_on_the_training_split_alone(options: Options) -> None:
    given = options(made_series.waves(60, 1), max_epochs=1)
    train(given)
    kept = load_run(given["out"]).config.scaling
    splits = load_splits(SeriesConfig(**given))
    assert kept == fit_scaling(splits["train"].values)
    assert kept != fit_scaling([*splits["train"].values, *splits["test"].values])


def test_series_of_one_step_are_left_out_of_forecasts_and_counted(options: Options) -> None:
    content = "series,x\n" + "".join(f"a,{k % 3}\n" for k in range(60)) + "b,1\n"
    said: list[str] = []
    fit(SeriesConfig(**options(content, objective="forecast", max_epochs=1)), progress=False, say=said.append)
    assert any(note == "1 series of one step left out of the train split: nothing follows" for note in said)


def test_labels_that_differ_in_white_space_are_one_and_one_that_the_run_lacks_is_left_out(
    options: Options, tmp_path: Path
) -> None:
    """'very  fast' was a class of its own, and a series of a new class kept evaluate from scoring the others."""
    named = WAVES.replace("fast", "very fast")
    given = options(
        named[: len(named) // 2] + named[len(named) // 2 :].replace("very fast", "very  fast"), max_epochs=1
    )
    train(given)
    run = load_run(given["out"])
    assert run.config.labels == ["slow", "very fast"]
    other, said = tmp_path / "other.csv", list[str]()
    other.write_text(WAVES.replace("fast", "quick"))
    report = tasks.get("series").evaluate(run, str(other), "all", {}, said.append, False)
    quick = sum(label == "quick" for label in read_series(other).labels or [])
    assert report.as_json()["series"] == len(read_series(other)) - quick > 0
    (left,) = [each for each in said if "does not know" in each]
    assert left == (
        f"{quick} of the {len(read_series(other))} series have a label that the run does not know, and are not scored: "
        f"'quick' ({quick})"
    )
