"""Files, options and values of series that are refused, and the sentence with which they are."""

import re
from pathlib import Path
from typing import Any

import pytest

import made_series
from cellwright import tasks
from cellwright.errors import InputError
from cellwright.tasks.predictor import Predictor
from cellwright.tasks.run import load_run
from series_runs import Options, train

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
    "a horizon that training does not reach": (
        made_series.days(10, 0),
        {"objective": "forecast", "horizon": 8},
        "the longest series of the training split has 8 steps; expected more than the horizon, 8",
    ),
    "a horizon that frames do not reach": (
        "x\n" + "0\n1\n" * 5,
        {"objective": "forecast", "likelihood": "bernoulli", "horizon": 8},
        "the longest series of the training split has 8 steps; expected more than the horizon, 8",
    ),
    "nothing observed": (
        "rain,flow\n" + "1,\n2,\n" * 20,
        {"objective": "simulate", "targets": "flow", "warm_up": 5},
        "no series has a value of 'flow'; expected some to learn from, or to score",
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
    "a cell of more than x": (
        WAVES,
        {"cell": "ea-lstm"},
        "--cell is ea-lstm, which reads static covariates; expected --objective forecast or simulate with --static-",
    ),
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
    given = options(made_series.emptied(content, begin, end), **changes)
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
    other.write_text(made_series.emptied(made_series.days(20, 1), known, 20))  # there is no forecast of the first step
    with pytest.raises(InputError, match=rf"other\.csv: every value to be {done} is missing; expected at least one"):
        tasks.get("series").evaluate(load_run(given["out"]), str(other), "all", {}, lambda sentence: None)


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
        ("", "line 2, column 'wave': a value is missing, and the run learned from series without any"),
        ("1e20", "line 2, column 'wave': 1e+20 is 1e+20 standard deviations from the mean"),
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
    with pytest.raises(
        InputError, match=r"series, line 2, step 1, channel 'noise': 1e\+20 is .* deviations from the mean"
    ):
        predictor.predict(['{"values": [[1, 2]]}', '{"values": [[1, 1e20]]}'])
    (said,) = predictor.predict(['{"values": [[1, 2]], "name": "one step"}'])
    assert said.name == "one step"
    assert predictor.predict([]) == []
    with pytest.raises(InputError, match="series, line 2: blank; expected a series"):
        predictor.predict(['{"values": [[1, 2]]}', ""])
