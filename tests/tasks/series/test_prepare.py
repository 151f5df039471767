"""What of a file of series is learned from, and what is left out."""

from pathlib import Path

import pytest

import made_series
from cellwright import tasks
from cellwright.data.readers.series import read_series
from cellwright.data.scaling import fit_scaling
from cellwright.errors import InputError
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


@pytest.mark.parametrize(
    ("objective", "shares", "counts"),
    [
        ("forecast", {"validation_share": 0, "test_share": 0}, (100, 0, 0)),
        ("forecast", {"validation_share": 0.3}, (60, 30, 10)),
        ("forecast", {"test_share": 0}, (90, 10, 0)),
        ("anomaly", {"validation_share": 0, "test_share": 0}, (100, 0, 0)),
        ("anomaly", {"validation_share": 0}, (90, 0, 10)),
    ],
)
def test_as_much_of_series_is_held_out_as_is_asked_for(
    objective: str, shares: dict[str, float], counts: tuple[int, ...], options: Options
) -> None:
    content = "x,y\n" + "".join(f"{k % 3},{k % 7}\n" for k in range(100))
    splits = load_splits(SeriesConfig(**options(content, objective=objective, **shares)))
    scored = [sum(len(v) - first for v, first in zip(t.values, t.firsts, strict=True)) for t in splits.values()]
    assert tuple(scored) == counts
    assert splits.without == {split for split, count in zip(splits, counts, strict=True) if not count}
    said = [note for note in splits.notes if "cut in time" in note]
    assert len(said) == (counts[0] < 100)


def test_a_file_that_is_scored_is_all_that_is_held_out_of_series(options: Options, tmp_path: Path) -> None:
    """Of the UCR archive's files TRAIN is trained on whole, and TEST is what is scored."""
    (tmp_path / "other.csv").write_text(made_series.waves(20, 2))
    for named, sizes in (
        ({"validation_share": 0, "test": "other.csv"}, (60, 0, 20)),
        ({"validation": "other.csv"}, (60, 20, 0)),
    ):
        told = {name: str(tmp_path / value) if isinstance(value, str) else value for name, value in named.items()}
        given = options(made_series.waves(60, 1), max_epochs=2, **told)
        assert tuple(map(len, load_splits(SeriesConfig(**given)).values())) == sizes
        result, run = train(given | {"overwrite": True}), load_run(given["out"])
        assert result.best_epoch == 2 or "validation" in named
        said: list[str] = []
        scored = "test" if "test" in named else "validation"
        report = tasks.get("series").evaluate(run, given["data"], scored, {}, said.append)
        assert (report.as_json()["series"], said) == (20, [])
        other = "validation" if scored == "test" else "test"
        with pytest.raises(
            InputError, match=f"no series falls to the {other} split; .* --split all takes every series"
        ):
            tasks.get("series").evaluate(run, given["data"], other, {}, said.append)


def test_shares_of_series_that_cannot_be_are_refused(options: Options) -> None:
    with pytest.raises(InputError, match=r"--validation-share is 0\.5 and --test-share 0\.5; expected two"):
        SeriesConfig(**options(WAVES, validation_share=0.5, test_share=0.5))
    with pytest.raises(InputError, match=r"--test is x\.csv, which is taken whole, and --test-share 0\.2"):
        SeriesConfig(**options(WAVES, test="x.csv", test_share=0.2))


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
