"""Numbers of series: learned, scored against numpy's formulas, and what is refused."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import RidgeCV

import made_series
from agreement import assert_agree
from cellwright import tasks
from cellwright.data.readers.series import read_series
from cellwright.data.scaling import Scaling
from cellwright.data.series import SeriesTable
from cellwright.errors import InputError
from cellwright.evaluation import series_baselines
from cellwright.evaluation.series_numbers import score_numbers
from cellwright.tasks.predictor import Predictor
from cellwright.tasks.run import load_run
from cellwright.tasks.series import SeriesConfig
from cellwright.tasks.series.classify import check_classes
from cellwright.tasks.series.regress import number_scaling
from cellwright.training import FitResult, fit


def train(folder: Path, content: str, **changes: Any) -> FitResult:
    (folder / "data.csv").write_text(content)
    given = made_series.small(data=str(folder / "data.csv"), out=str(folder / "run"), objective="regress", **changes)
    return fit(SeriesConfig(**given), progress=False, say=lambda sentence: None)


def test_slopes_are_learned_and_scored_in_their_own_unit(tmp_path: Path) -> None:
    result = train(tmp_path, made_series.slopes(150, 0, missing=0.05).replace(",label", ",slope"), label="slope")
    run = load_run(tmp_path / "run")
    report = tasks.get("series").evaluate(run, str(tmp_path / "data.csv"), "all", {}, lambda sentence: None).as_json()
    assert set(report["models"]) == {"this model", "linear model", "mean"}
    predictor = Predictor.load(tmp_path / "run")
    said = [each.value for each in predictor.predict(predictor.request(str(tmp_path / "data.csv"), {}).texts)]
    true = np.array([float(x) for x in read_series(tmp_path / "data.csv", run.config.learned.reading).labels or []])
    found, errors = report["models"]["this model"], np.array(said) - true
    assert found["r2"] == pytest.approx(1 - (errors**2).sum() / ((true - true.mean()) ** 2).sum())
    assert found["mae"] == pytest.approx(np.abs(errors).mean())
    assert found["rmse"] == pytest.approx(np.sqrt((errors**2).mean()))
    assert found["r2"] > 0.9
    assert result.validation["loss"] < result.baseline / 4


def test_the_linear_model_is_scikit_learns_on_series_of_one_length() -> None:
    draw = np.random.default_rng(0)
    series = list(draw.standard_normal((30, 5, 2)))
    numbers = [float(each[:, 0].sum()) for each in series]
    ours = series_baselines.linear_model(series[:20], numbers[:20], series[20:])
    flat = [each.T.ravel() for each in series]
    theirs = RidgeCV(alphas=np.logspace(-3, 5, 17)).fit(flat[:20], numbers[:20]).predict(flat[20:])
    assert_agree(ours, theirs, share=1e-7)  # another solver
    assert_agree(ours, numbers[20:], share=0.01)


def test_numbers_that_do_not_vary_have_no_share_explained() -> None:
    report = score_numbers({"this model": [1.0, 2.0]}, [1.0, 1.0])
    assert report.models["this model"].r2 is None
    assert report.sections()[0].rows[0][1] == "–"
    assert json.loads(json.dumps(report.as_json()))["series"] == 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "series,x,label\na,1,high\nb,2,0.5\n" * 1,
            r"line 2: label 'high' is no number, which --objective regress learns",
        ),
        ("series,x,label\na,1,inf\nb,2,0.5\n", r"line 2: label 'inf' is no number"),
        ("series,x\na,1\nb,2\n", "the series have no labels, which --objective regress learns"),
        ("series,x,label\na,1,2\nb,2,2.0\n", "every number to learn is 2; expected at least two"),
    ],
)
def test_what_is_no_number_to_learn_is_refused_before_training(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "data.csv").write_text(content)
    files = dict.fromkeys(("validation", "test"), str(tmp_path / "data.csv"))
    with pytest.raises(InputError, match=message):
        train(tmp_path, content, **files)
    assert not (tmp_path / "run").exists()


def labelled(labels: list[str]) -> SeriesTable:
    names = [str(k) for k in range(len(labels))]
    return SeriesTable([np.zeros((2, 1))] * len(labels), names, labels, names, ("x",), "it")


def test_classes_that_are_measured_values_are_refused() -> None:
    with pytest.raises(InputError, match=r"it: 30 labels that all are numbers, for 30 series; .*--objective regress"):
        check_classes(labelled([str(k) for k in range(30)]))
    check_classes(labelled([str(k) for k in range(30)] * 3))
    check_classes(labelled(["1.5", "2.5"] * 20))


def test_numbers_are_scaled_by_the_training_split() -> None:
    assert number_scaling(labelled(["1", "3"])) == Scaling([2.0], [1.0])


def test_options_of_other_targets_are_refused() -> None:
    with pytest.raises(InputError, match="--horizon is 3, and --objective is regress"):
        SeriesConfig(data="x", out="y", objective="regress", horizon=3)
