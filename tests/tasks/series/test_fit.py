"""Series from a file: what is learned, and what is refused."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import made_series
from agreement import SINGLE, assert_agree, double
from cellwright import tasks
from cellwright.data.readers.series import read_series
from cellwright.data.scaling import fit_scaling
from cellwright.errors import InputError
from cellwright.tasks.predictor import Predictor
from cellwright.tasks.run import load_run
from cellwright.tasks.series import SeriesConfig
from cellwright.tasks.series.data import load_splits
from cellwright.training import FitResult, fit

Options = Callable[..., dict[str, Any]]


@pytest.fixture
def options(tmp_path: Path) -> Options:
    """Options of a run on a file with that content."""

    def make(content: str, **changes: Any) -> dict[str, Any]:
        path = tmp_path / "data.csv"
        path.write_text(content)
        return made_series.small(data=str(path), out=str(tmp_path / "run"), **changes)

    return make


def train(given: dict[str, Any]) -> FitResult:
    return fit(SeriesConfig(**given), progress=False, say=lambda sentence: None)


def report(given: dict[str, Any]) -> dict[str, Any]:
    run = load_run(given["out"])
    said: list[str] = []
    found = tasks.get("series").evaluate(run, given["data"], "test", {}, said.append)
    assert not said
    return json.loads(json.dumps(found.as_json()))


def test_classes_with_missing_values_are_learned(options: Options) -> None:
    given = options(made_series.waves(150, 0, missing=0.1))
    result = train(given)
    run = load_run(result.out)
    validation = load_splits(SeriesConfig(**given))["validation"]
    said = [each.label for each in tasks.get("series").predictor(run).predict_series(validation)]  # type: ignore[attr-defined]
    right = np.mean([label == true for label, true in zip(said, validation.labels, strict=True)])
    assert result.validation["accuracy"] == pytest.approx(right)
    assert right > 0.9 > result.baseline
    assert run.config.model.masked
    assert report(given)["models"]["this model"]["accuracy"] > 0.9


def test_baseline_and_report_mean_the_same_most_frequent_label(options: Options, tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("series,x,label\np,1,fast\nq,2,fast\nr,3,slow\n")
    files = dict.fromkeys(("validation", "test"), str(tmp_path / "other.csv"))
    given = options("series,x,label\na,1,slow\nb,2,fast\nc,3,fast\nd,4,slow\n", **files, max_epochs=1)
    assert train(given).baseline == pytest.approx(2 / 3)
    assert report(given)["models"]["majority class"]["accuracy"] == pytest.approx(2 / 3)


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


def test_forecasts_beat_the_last_value_and_are_in_the_channels_units(options: Options) -> None:
    given = options(
        made_series.days(500, 0, 0.05), objective="forecast", horizon=4, season_length=8, window=32, max_epochs=6
    )
    train(given)
    models = report(given)["models"]
    assert models["this model"]["mae"] < models["last value"]["mae"] / 2
    assert len(models["this model"]["by_step"]) == 4
    (said,) = Predictor.load(given["out"]).predict(['{"values": [500, 570, 600, 570, 500, 430, 400, 430, 500, 570]}'])
    assert [400 < step["load"]["0.5"] < 650 for step in said.ahead] == [True] * 4
    assert all(step["load"]["0.1"] <= step["load"]["0.5"] <= step["load"]["0.9"] for step in said.ahead)


def test_frames_are_forecast_better_than_by_frequency(options: Options) -> None:
    given = options(made_series.chords(60, 0), objective="forecast", likelihood="bernoulli", test=None, window=32)
    given["validation"] = given["test"] = given["data"]  # whole series rather than their last steps
    result = train(given)
    run = load_run(result.out)
    assert run.config.scaling == ([0.0] * 3, [1.0] * 3, "training")
    nll = report(given)["nll"]
    assert_agree(nll["this model"], result.validation["loss"], SINGLE)
    assert nll["this model"] < 0.2 < nll["state before of each channel"] < nll["frequency of each channel"]
    # By hand: the mean over the frames that follow another of the sum over notes.
    total, frames, model = 0.0, 0, double(run.model)
    for values in read_series(given["data"]).values:
        seen = torch.tensor(values, dtype=torch.float64)[None]
        with torch.no_grad():
            logits = model(seen, torch.ones_like(seen), torch.tensor([len(values)]))[0, :-1, 0, :, 0]
        notes = torch.distributions.Bernoulli(logits=logits).log_prob(seen[0, 1:])
        total, frames = total - float(notes.sum()), frames + len(values) - 1
    assert_agree(nll["this model"], total / frames, SINGLE)


def test_frames_are_counted_as_they_are_scored(options: Options) -> None:
    content = "time,x\n" + "".join(f"{t},{t // 2 % 2}\n" for t in range(100))
    given = options(
        emptied(content, 97, 99), objective="forecast", likelihood="bernoulli", horizon=3, window=32, max_epochs=1
    )
    given["validation"] = given["data"]  # misses values too
    train(given)
    found = tasks.get("series").evaluate(load_run(given["out"]), given["data"], "test", {}, lambda sentence: None)
    # Of the last ten steps two are missing, and each of the others is forecast from 1, 2 and 3 steps before.
    assert found.counted == "24 frames forecast of 1 series"


def test_what_jumps_is_an_anomaly(options: Options) -> None:
    given = options(made_series.beats(150, 0), objective="anomaly", normal_label="usual", code_dim=3, batch_tokens=120)
    train(given)
    found = report(given)
    assert found["roc_auc"]["this model"] > 0.95
    assert found["error"]["this model"] < found["error"]["mean"]
    splits = load_splits(SeriesConfig(**given))
    said = tasks.get("series").predictor(load_run(given["out"])).predict_series(splits["test"])  # type: ignore[attr-defined]
    for each, label, values in zip(said, splits["test"].labels, splits["test"].values, strict=True):
        assert len(each.steps) == 12
        assert_agree(each.score, np.mean(each.steps), SINGLE)
        if label == "odd":
            assert int(np.argmax(each.steps)) == int(values.argmax())


def test_anomalies_are_ranked_by_what_is_known_of_them(options: Options, tmp_path: Path) -> None:
    header = "series,x,y,label\n"
    learned = header + "a,1,1,usual\na,-1,-1,usual\nb,,,usual\nb,1,1,usual\nb,-1,-1,usual\n"
    scored = tmp_path / "scored.csv"  # by steps 4.5, 4, 0 from the mean; by values the first would be 3
    scored.write_text(header + "p,3,,odd\np,0,0,odd\nq,2,2,usual\nq,2,2,usual\nr,,,usual\nr,,,usual\n")
    files = {"validation": str(scored), "test": str(scored)}
    given = options(learned, objective="anomaly", normal_label="usual", max_epochs=1, **files)
    train(given)
    assert report(given)["roc_auc"]["mean"] == 1


def test_a_long_series_is_scored_step_by_step_in_stretches(options: Options) -> None:
    given = options(made_series.days(300, 0), objective="anomaly", window=16, max_epochs=1)
    train(given)
    (said,) = Predictor.load(given["out"]).predict(Predictor.load(given["out"]).request(given["data"], {}).texts)
    assert len(said.steps) == 300
    assert None not in said.steps


def test_answers_do_not_depend_on_the_batch(options: Options) -> None:
    given = options(made_series.waves(60, 0), max_epochs=2)
    train(given)
    predictor = Predictor.load(given["out"])
    texts = predictor.request(given["data"], {}).texts[:9]
    for text, together in zip(texts, predictor.predict(texts), strict=True):
        (alone,) = predictor.predict([text])
        assert (alone.name, alone.label) == (together.name, together.label)
        assert_agree(alone.probabilities, together.probabilities, SINGLE)


WAVES = made_series.waves(80, 0)
UNLABELLED = made_series.days(100, 0)
REFUSED: dict[str, tuple[str, dict[str, Any], str]] = {
    "no labels": (UNLABELLED, {"test": "same", "validation": "same"}, "the series have no labels, which --objective"),
    "one class": (WAVES.replace("fast", "slow"), {}, "every label is 'slow'; expected at least two classes"),
    "too few": ("series,x,label\na,1,p\nb,2,q\n", {}, "no series falls to the "),
    "one step": (
        "x\n1\n",
        {"objective": "forecast", "test": "same", "validation": "same"},
        "every series has one step, and",
    ),
    "not binary": (
        UNLABELLED,
        {"objective": "forecast", "likelihood": "bernoulli"},
        "expected 0 or 1, which --likelihood bern",
    ),
    "no such label": (
        WAVES,
        {"objective": "anomaly", "normal_label": "calm"},
        "no series is labelled 'calm', which --normal-label",
    ),
    "no such cell": (WAVES, {"cell": "lstn"}, "did you mean lstm?"),
    "horizon": (UNLABELLED, {"objective": "forecast", "horizon": 9, "window": 16}, "--horizon is 9 and --window 16"),
    "unread option": (
        WAVES,
        {"horizon": 3},
        "--horizon is 3, and --objective is classify; leave it out, or give --objective",
    ),
    "layers of one": (
        WAVES,
        {"objective": "anomaly", "num_layers": 2},
        "--num-layers is 2, and --objective is anomaly; leave it out, or give --objective classify or regress or "
        "forecast",
    ),
    "dropout of none": (
        WAVES,
        {"objective": "anomaly", "dropout": 0.1},
        "--dropout is 0.1, and --objective is anomaly; ",
    ),
    "season of chords": (
        UNLABELLED,
        {"objective": "forecast", "likelihood": "bernoulli", "season_length": 8},
        "--season-length is 8, which --likelihood quantiles reads, and --likelihood is bernoulli; leave it out",
    ),
    "quantiles of chords": (
        UNLABELLED,
        {"objective": "forecast", "likelihood": "bernoulli", "quantiles": "0.5"},
        "--quantiles is 0.5, which --likelihood quantiles reads, and --likelihood is bernoulli; leave it out",
    ),
    "even quantiles": (
        UNLABELLED,
        {"objective": "forecast", "quantiles": "0.1,0.9"},
        "--quantiles is 0.1,0.9; expected an",
    ),
    "falling ones": (
        UNLABELLED,
        {"objective": "forecast", "quantiles": "0.9,0.5,0.1"},
        "expected an odd number of them",
    ),
    "no numbers": (
        UNLABELLED,
        {"objective": "forecast", "quantiles": "low"},
        "--quantiles is low; expected an odd number",
    ),
    "a set of texts": (
        WAVES,
        {"data": "reviews-zh"},
        "reviews-zh holds texts; expected a set of numeric series: vowels",
    ),
    "files of a set": (
        WAVES,
        {"data": "vowels", "label": "who"},
        "a built-in set, and --label is who, which",
    ),
    "no such file": (WAVES, {"data": "vowel"}, "vowel: no such file; did you mean vowels?"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(options: Options, case: str) -> None:
    content, changes, message = REFUSED[case]
    given = options(content, objective=changes.get("objective", "classify"))
    given |= {name: given["data"] if value == "same" else value for name, value in changes.items()}
    with pytest.raises(InputError) as error:
        train(given)
    assert message in str(error.value)
    assert not Path(given["out"]).exists()


def emptied(content: str, begin: int, end: int) -> str:
    """The rows of those numbers without their values, in CSV of a time and a channel."""
    header, *rows = content.splitlines()
    rows[begin:end] = [row.split(",")[0] + "," for row in rows[begin:end]]
    return "\n".join([header, *rows]) + "\n"


@pytest.mark.parametrize(
    ("changes", "done"),
    [
        ({"objective": "forecast"}, "forecast"),
        ({"objective": "forecast", "likelihood": "bernoulli"}, "forecast"),
        ({"objective": "anomaly"}, "restored"),
    ],
)
@pytest.mark.parametrize(("split", "begin", "end"), [("train", 0, 80), ("validation", 80, 90), ("test", 90, 100)])
def test_a_split_of_which_nothing_is_known_is_refused_before_training(
    options: Options, changes: dict[str, Any], done: str, split: str, begin: int, end: int
) -> None:
    content = "time,x\n" + "".join(f"{t},{t // 2 % 2}\n" for t in range(100))
    given = options(emptied(content, begin, end), **changes)
    with pytest.raises(InputError, match=rf"data\.csv: in the {split} split every value to be {done} is missing"):
        train(given)
    assert not Path(given["out"]).exists()


@pytest.mark.parametrize(("objective", "known", "done"), [("forecast", 1, "forecast"), ("anomaly", 0, "restored")])
def test_a_file_with_nothing_to_score_is_refused(
    options: Options, tmp_path: Path, objective: str, known: int, done: str
) -> None:
    given = options(made_series.days(200, 0, 0.05), objective=objective, window=16, max_epochs=1)
    train(given)
    other = tmp_path / "other.csv"
    other.write_text(emptied(made_series.days(20, 1), known, 20))  # there is no forecast of the first step
    with pytest.raises(InputError, match=rf"other\.csv: every value to be {done} is missing; expected at least one"):
        tasks.get("series").evaluate(load_run(given["out"]), str(other), "all", {}, lambda sentence: None)


def test_a_resumed_run_is_held_against_its_own_options(options: Options) -> None:
    given = options(made_series.days(200, 0, 0.05), objective="forecast", horizon=4, window=16, max_epochs=1)
    train(given)
    resumed = {"data": given["data"], "out": given["out"], "max_epochs": 2, "resume": True}
    with pytest.raises(InputError, match="was started with horizon 4, and 3 is given now"):
        train(resumed | {"horizon": 3})
    assert train(resumed | {"horizon": 4}).epochs == 2  # the default --objective reads no horizon


@pytest.mark.parametrize(
    ("changes", "unread"),
    [
        ({"objective": "anomaly"}, {"num_layers": 2, "dropout": 0.1}),
        ({"objective": "forecast", "likelihood": "bernoulli"}, {"season_length": 8}),
    ],
)
def test_a_run_that_was_started_with_an_option_that_does_nothing_is_still_of_use(
    options: Options, changes: dict[str, Any], unread: dict[str, Any]
) -> None:
    given = options(made_series.chords(60, 0), **changes, window=16, max_epochs=1)
    train(given)
    before = report(given)
    written = Path(given["out"]) / "config.json"
    content = json.loads(written.read_text())
    for part in ("model", "options"):  # as versions wrote it that did not refuse the option
        content[part] |= unread
    written.write_text(json.dumps(content))
    assert report(given) == before
    resumed = {name: given[name] for name in ("data", "out")}
    assert train(resumed | {"max_epochs": 2, "resume": True}).epochs == 2


def test_other_channels_on_the_test_split_are_refused(options: Options, tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text(WAVES.replace("noise", "sound"))
    with pytest.raises(
        InputError, match=r"other\.csv, line 1: no column 'noise'; the columns are 'series', 'time', 'wave', 'sound'"
    ):
        train(options(WAVES, test=str(other)))


def test_a_label_that_training_lacks_is_named_with_its_line(options: Options, tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text(WAVES.replace("fast", "quick"))
    with pytest.raises(InputError, match=r"other\.csv, line \d+: label 'quick' is none that is learned from"):
        train(options(WAVES, test=str(other)))


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("", "line 2, step 1, channel 'wave': a value is missing, and the run learned from series without any"),
        ("1e20", "line 2, step 1, channel 1: 1e+20 is 1e+20 standard deviations from the mean"),
    ],
)
def test_values_that_the_test_split_alone_has_are_refused_before_training(
    options: Options, tmp_path: Path, written: str, message: str
) -> None:
    other = tmp_path / "other.csv"
    header, first, *rest = WAVES.splitlines()
    name, time, _, noise, label = first.split(",")
    other.write_text("\n".join([header, f"{name},{time},{written},{noise},{label}", *rest]))
    given = options(WAVES, test=str(other))
    with pytest.raises(InputError, match=re.escape(f"{other}, {message}")):
        train(given)
    assert not Path(given["out"]).exists()


def test_a_missing_value_is_refused_by_a_run_that_never_saw_one(options: Options) -> None:
    given = options(WAVES, max_epochs=1)
    train(given)
    predictor = Predictor.load(given["out"])
    with pytest.raises(InputError, match="series, line 2, step 3, channel 'noise': a value is missing, and the run"):
        predictor.predict(['{"values": [[1, 2]]}', '{"values": [[1, 2], [3, 4], [1, null]]}'])
    with pytest.raises(
        InputError, match="series, line 1: 1 channels; expected 2, as in training \\('wave', 'noise'\\)"
    ):
        predictor.predict(['{"values": [1, 2]}'])
    with pytest.raises(InputError, match=r"series, line 2, step 1, channel 2: 1e\+20 is .* deviations from the mean"):
        predictor.predict(['{"values": [[1, 2]]}', '{"values": [[1, 1e20]]}'])
    (said,) = predictor.predict(['{"values": [[1, 2]], "name": "one step"}'])
    assert said.name == "one step"
    assert predictor.predict([]) == []
    with pytest.raises(InputError, match="series, line 2: blank; expected a series"):
        predictor.predict(['{"values": [[1, 2]]}', ""])


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
