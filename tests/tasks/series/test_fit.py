"""What is learned of series from a file, and what its scores are."""

from pathlib import Path

import numpy as np
import pytest
import torch

import made_series
from agreement import SINGLE, assert_agree, double
from cellwright import tasks
from cellwright.cells import CELLS
from cellwright.data.readers.series import read_series
from cellwright.data.scaling import no_scaling
from cellwright.tasks.predictor import Predictor
from cellwright.tasks.run import load_run
from cellwright.tasks.series import SeriesConfig
from cellwright.tasks.series.data import load_splits
from series_runs import Options, report, train


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


@pytest.mark.parametrize("cell", [name for name, one in CELLS.items() if one.outputs and one.takes_x_alone])
def test_a_cell_whose_output_is_no_state_learns(cell: str, options: Options) -> None:
    result = train(options(made_series.waves(150, 0), cell=cell))
    assert result.validation["accuracy"] > 0.9 > result.baseline


def test_baseline_and_report_mean_the_same_most_frequent_label(options: Options, tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("series,x,label\np,1,fast\nq,2,fast\nr,3,slow\n")
    files = dict.fromkeys(("validation", "test"), str(tmp_path / "other.csv"))
    given = options("series,x,label\na,1,slow\nb,2,fast\nc,3,fast\nd,4,slow\n", **files, max_epochs=1)
    assert train(given).baseline == pytest.approx(2 / 3)
    assert report(given)["models"]["majority class"]["accuracy"] == pytest.approx(2 / 3)


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
    assert run.config.scaling == no_scaling(3)
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
        made_series.emptied(content, 97, 99),
        objective="forecast",
        likelihood="bernoulli",
        horizon=3,
        window=32,
        max_epochs=1,
    )
    given |= {"validation": given["data"], "test_share": 0.1}  # misses values too
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
