"""A recording of a series against the predictor and the reference; and the command that takes a file of them."""

import json

import numpy as np
import pytest
import torch

import cellwright
from agreement import SINGLE, assert_agree, double
from cellwright.cli import main
from cellwright.data.series_batches import SeriesExample, collate_series
from cellwright.errors import InputError
from cellwright.inspect.recorders import record
from cellwright.tasks.run import load_run
from cellwright.tasks.series import SeriesConfig
from cellwright.tasks.series.objectives import predictor_of
from cellwright.training import fit
from made_series import beats, days, reservoirs, slopes, small, stores, waves

FEW = {"max_epochs": 1, "patience": 1}
GIVEN = {
    "classify": (waves(40, 0, missing=0.1), {"num_layers": 2, "label": "label"}),
    "forecast": (days(150, 0), {"objective": "forecast", "horizon": 2, "window": 16, "cell": "gru"}),
    "regress": (slopes(40, 0, missing=0.1), {"objective": "regress"}),
    "panel": (stores(40, 0), {"objective": "forecast", "season_length": 7, "window": 16}),
    "anomaly": (beats(40, 0), {"objective": "anomaly", "label": "label"}),
}


@pytest.fixture(scope="module", params=GIVEN)
def made(request, tmp_path_factory):
    """A run of each objective, and the file of series that it learned from."""
    folder = tmp_path_factory.mktemp(request.param)
    content, options = GIVEN[request.param]
    (folder / "series.csv").write_text(content)
    fit(SeriesConfig(data=str(folder / "series.csv"), out=folder / "run", **small(**FEW | options)), progress=False)
    return load_run(folder / "run"), folder / "series.csv"


def test_letters_and_answers_are_the_models(made):
    run, path = made
    objective = run.config.model.objective
    predictor = predictor_of(run)
    text = predictor.request(str(path), {}).texts[-1]
    (expected,) = predictor.predict([text])
    seen = record(run, text)
    assert dict(seen.prediction) == expected.as_json()
    values = predictor.table([text]).values[0]
    window = 16 if objective == "forecast" else len(values)
    scaling = run.config.scaling.of(values[-window:])
    assert scaling.by == ("window" if max(abs(values[:, 0])) > 1e5 else "training")
    scaled = scaling.apply(values[-window:])
    assert seen.tokens == [str(k + 1) for k in range(len(values) - len(scaled), len(values))]
    assert_agree(seen.channels.values, scaled, share=0)  # a missing value is NaN in both
    batch = collate_series([SeriesExample(scaled)])
    with cellwright.use_backend("reference"), torch.no_grad():
        model, values, known = double([run.model, batch.values, batch.known])
        output = model(values, known, batch.lengths)[0]
        layer = model.encoder if objective == "anomaly" else model.recurrent
        told = layer(model.input(values, known), return_gates=True)[2]
    for letters, one in zip(seen.letters, told, strict=False):
        assert_agree(letters.values, {name: each[0] for name, each in one.items()})
    assert len(seen.letters) == (2 * len(told) if objective == "anomaly" else len(told))
    if objective == "classify":
        assert (seen.answer, seen.share) == (expected.label, expected.probability)
        last = dict(zip(seen.answers.names, seen.answers.values[-1].tolist(), strict=True))
        assert_agree(last, expected.probabilities, SINGLE)
        found = seen.attributions
        assert found.values.sum() == pytest.approx(found.score - found.baseline, rel=0.02, abs=1e-4)
    elif objective == "regress":
        assert_agree(seen.answers.values[-1, 0], expected.value, SINGLE)
        found = seen.attributions
        assert found.values.sum() == pytest.approx(found.score - found.baseline, rel=0.02, abs=1e-4)
    elif objective == "forecast":
        middle = len(run.config.model.quantiles) // 2
        assert_agree(seen.answers.values, output[:, 0, :, middle])
        ahead = scaling.undo(seen.answers.values[-1])
        assert_agree(ahead, [list(q.values())[middle] for q in expected.ahead[0].values()], SINGLE)
    else:
        assert_agree(seen.answers.values[:, 0], expected.steps, SINGLE)


@pytest.mark.slow
def test_the_command(made, tmp_path, capsys):
    run, path = made
    page, picture, numbers = (tmp_path / f"a.{kind}" for kind in ("html", "png", "npz"))
    given = ["inspect", str(run.path), str(path), "--out", str(page), "--png", str(picture), "--npz", str(numbers)]
    assert main([*given, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["text"] == told["prediction"]["name"]
    assert page.read_text().startswith("<!doctype html>")
    assert picture.read_bytes().startswith(b"\x89PNG")
    with np.load(numbers, allow_pickle=False) as held:
        assert held["channels"].shape == (len(told["tokens"]), len(run.config.channels))
        assert_agree(held["answers"], np.array(told["answers"]["values"]))
    assert main(["inspect", str(run.path), str(path), "--row", "999"]) == 2
    assert "--row is 999; expected 1" in capsys.readouterr().err


def test_what_is_no_series_is_refused(made):
    with pytest.raises(InputError, match="not JSON"):
        record(made[0], "a text")


@pytest.mark.parametrize("objective", ["forecast", "simulate"])
def test_what_follows_other_columns_is_shown_step_by_step(objective, tmp_path):
    (tmp_path / "series.csv").write_text(reservoirs(3, 60, 0))
    (tmp_path / "asked.csv").write_text(reservoirs(1, 40, 1, ahead=2))
    ahead = {"future_covariates": "rain", "horizon": 2} if objective == "forecast" else {}
    options = {"objective": objective, "targets": "flow", "static_covariates": "area", "window": 16} | ahead
    out = tmp_path / "run"
    fit(SeriesConfig(data=str(tmp_path / "series.csv"), out=out, **small(**FEW | options)), progress=False)
    run = load_run(out)
    predictor = predictor_of(run)
    (text,) = predictor.request(str(tmp_path / "asked.csv"), {}).texts
    (expected,) = predictor.predict([text])
    seen = record(run, text)
    assert seen.answers.names == ["flow"]
    last = 38 if objective == "forecast" else 40  # of the flow, and of all
    assert seen.tokens == [str(step + 1) for step in range(last - len(seen.tokens), last)]
    assert {len(value) for each in seen.letters for value in each.values.values()} == {len(seen.tokens)}
    assert seen.channels.values.shape == (len(seen.tokens), 4)
    told = run.config.scaling.first(1).undo(seen.answers.values[-1:])[0, 0]
    step = expected.ahead[0] if objective == "forecast" else expected.steps[-1]
    assert_agree(told, step["flow"]["0.5"], SINGLE)
    assert seen.answer == f"{'next' if objective == 'forecast' else 'last'} flow {told:.4g}"
