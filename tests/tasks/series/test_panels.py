"""Panels of series on scales of their own, and runs that answer files of another format than they learned from."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest

import made_series
from agreement import SINGLE, assert_agree
from cellwright import tasks
from cellwright.data.readers.series import read_series
from cellwright.errors import InputError
from cellwright.tasks.predictor import Predictor
from cellwright.tasks.run import load_run
from cellwright.tasks.series import SeriesConfig
from cellwright.training import fit

FORECAST: dict[str, Any] = {"objective": "forecast", "horizon": 3, "season_length": 7, "window": 32, "max_epochs": 2}
Fitted = Callable[..., Path]


@pytest.fixture
def fitted(tmp_path: Path) -> Fitted:
    """The folder of a run on a file with that content."""

    def make(content: str, **changes: Any) -> Path:
        (tmp_path / "data.csv").write_text(content)
        given = made_series.small(data=str(tmp_path / "data.csv"), out=str(tmp_path / "run"), **changes)
        fit(SeriesConfig(**given), progress=False, say=lambda sentence: None)
        return tmp_path / "run"

    return make


def evaluated(run: Path, data: str | Path, split: str, said: list[str] | None = None) -> dict[str, Any]:
    notes = [] if said is None else said
    return json.loads(
        json.dumps(tasks.get("series").evaluate(load_run(run), str(data), split, {}, notes.append).as_json())
    )  # type: ignore[arg-type]


def test_panel_of_scales(fitted: Fitted, tmp_path: Path) -> None:
    run = fitted(made_series.stores(80, 0), **FORECAST)
    assert load_run(run).config.scaling.by == "window"
    predictor = Predictor.load(run)
    said = predictor.predict(predictor.request(str(tmp_path / "data.csv"), {}).texts)
    for k, store in enumerate(said):  # values from 2 to 4, times 10 ** k
        numbers = [value / 10**k for step in store.ahead for value in step["sales"].values()]
        assert 1 < min(numbers) <= max(numbers) < 5
    models = evaluated(run, tmp_path / "data.csv", "test")["models"]
    assert models["this model"]["mase"] < 1.2 * models["value a season before"]["mase"] < models["last value"]["mase"]


def test_a_store_is_forecast_alike_in_any_unit(fitted: Fitted) -> None:
    predictor = Predictor.load(fitted(made_series.stores(80, 0), **FORECAST))
    days = np.array([3.0, 3.8, 4.0, 3.4, 2.6, 2.0, 2.2] * 3)
    first, second = predictor.predict([json.dumps({"values": (unit * days).tolist()}) for unit in (1, 1024)])
    for one, other in zip(first.ahead, second.ahead, strict=True):
        assert_agree([1024 * value for value in one["sales"].values()], [*other["sales"].values()], SINGLE)


def test_series_scored_whole_are_told_their_first_half(fitted: Fitted, tmp_path: Path) -> None:
    run = fitted(made_series.stores(80, 0), **FORECAST)
    other = tmp_path / "other.csv"
    said: list[str] = []
    other.write_text("sales\n" + "".join(f"{3 + (k % 7)}\n" for k in range(28)))
    found = evaluated(run, other, "all", said)
    assert any("are told their first half, which they are scaled by" in note for note in said)
    assert found["models"]["this model"]["count"] == 14 * 3


def test_one_series_without_its_name_is_answered_and_scored(fitted: Fitted, tmp_path: Path) -> None:
    run = fitted(made_series.stores(40, 0).replace("series", "store"), series="store", **FORECAST | {"max_epochs": 1})
    other = tmp_path / "other.csv"
    other.write_text("sales\n" + "".join(f"{3 + (k % 7)}\n" for k in range(28)))
    predictor, said = Predictor.load(run), list[str]()
    (piece,) = predictor.request(str(other), {}).pieces()
    (answer,) = predictor.predict(piece.texts)
    assert (answer.name, len(answer.ahead)) == ("1", 3)
    assert evaluated(run, other, "all", said)["models"]["this model"]["count"] == 14 * 3
    note = f"{other}: no column 'store', which names the series of the run: read as one"
    assert note in said
    assert note in piece.notes
    with pytest.raises(InputError, match="no column 'shop'"):
        predictor.request(str(other), {"series": "shop"})


def test_series_alike_keep_one_scale(fitted: Fitted) -> None:
    run = fitted(made_series.waves(60, 1), max_epochs=1)
    assert load_run(run).config.scaling.by == "training"


def test_the_choice_of_scale_is_said_and_can_be_made(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text(made_series.stores(60, 0))
    for scaling, told in (("auto", True), ("training", False), ("window", False)):
        said: list[str] = []
        given = made_series.small(
            data=str(tmp_path / "data.csv"), out=str(tmp_path / scaling), scaling=scaling, **FORECAST
        )
        fit(SeriesConfig(**given | {"max_epochs": 1}), progress=False, say=said.append)
        assert any("the series are on scales of their own" in note for note in said) is told
        assert load_run(tmp_path / scaling).config.scaling.by == ("training" if scaling == "training" else "window")


def panel_of_beats(count: int, seed: int) -> str:
    """Waves on scales from 1 to 10,000, a sixth of which jump by three of their own."""
    draw = random.Random(seed)
    rows = made_series.beats(count, seed).splitlines()
    scales: dict[str, float] = {}
    scaled = [rows[0]]
    for row in rows[1:]:
        name, value, label = row.split(",")
        scaled.append(f"{name},{scales.setdefault(name, 10 ** draw.uniform(0, 4)) * float(value):.8g},{label}")
    return "\n".join(scaled) + "\n"


def test_anomalies_of_a_panel_are_found_on_its_small_series_too(fitted: Fitted, tmp_path: Path) -> None:
    own = {"objective": "anomaly", "normal_label": "usual", "code_dim": 3, "batch_tokens": 120}
    run = fitted(panel_of_beats(150, 0), **own)
    assert load_run(run).config.scaling.by == "window"
    areas = evaluated(run, tmp_path / "data.csv", "test")["roc_auc"]
    assert areas["this model"] > 0.9


@pytest.fixture
def learnt_from_csv(fitted: Fitted) -> Path:
    return fitted(made_series.waves(60, 1), max_epochs=1)


def test_panel_small_store_jsonl(learnt_from_csv: Path, tmp_path: Path) -> None:
    """A run learned from CSV answers the same series as JSON lines, records, Parquet and NumPy's archive alike."""
    table = read_series(tmp_path / "data.csv")
    frame = pandas.read_csv(tmp_path / "data.csv")
    frame.to_parquet(tmp_path / "s.parquet", index=False)
    frame.to_json(tmp_path / "records.jsonl", orient="records", lines=True)
    frame[frame.columns[::-1]].assign(more="words").to_csv(tmp_path / "turned.csv", index=False)
    rows = zip(table.names, table.values, table.labels or [], strict=True)
    lines = [json.dumps({"name": name, "values": values.tolist(), "label": label}) for name, values, label in rows]
    (tmp_path / "s.jsonl").write_text("\n".join(lines) + "\n")
    np.savez(tmp_path / "s.npz", labels=np.array(table.labels), **dict(zip(table.names, table.values, strict=True)))
    predictor = Predictor.load(learnt_from_csv)
    expected = predictor.predict(predictor.request(str(tmp_path / "data.csv"), {}).texts)
    scores = evaluated(learnt_from_csv, tmp_path / "data.csv", "all")
    for name in ("s.parquet", "records.jsonl", "turned.csv", "s.jsonl", "s.npz"):
        [piece] = predictor.request(str(tmp_path / name), {}).pieces()
        found = predictor.predict(piece.texts)
        assert [(each.name, each.label) for each in found] == [(each.name, each.label) for each in expected], name
        if name != "turned.csv":
            assert evaluated(learnt_from_csv, tmp_path / name, "all")["models"] == scores["models"], name
        left_out = [f"{tmp_path / name}: columns that are not read: 'more'"]
        assert list(piece.notes) == (left_out if name == "turned.csv" else []), name


def test_predictions_need_no_label(learnt_from_csv: Path, tmp_path: Path) -> None:
    rows = (tmp_path / "data.csv").read_text().splitlines()
    (tmp_path / "bare.csv").write_text("\n".join(row.rpartition(",")[0] for row in rows) + "\n")
    predictor = Predictor.load(learnt_from_csv)
    assert len(predictor.predict(predictor.request(str(tmp_path / "bare.csv"), {}).texts)) == 60


def test_how_files_are_read_is_kept_in_the_run(fitted: Fitted, tmp_path: Path) -> None:
    content = made_series.days(120, 0).replace("time,load", "when,load")
    content = "\n".join(f"{row},Riverside" if k else f"{row},station" for k, row in enumerate(content.splitlines()))
    run = fitted(content, objective="forecast", window=16, max_epochs=1, time="when", ignore="station", missing="-9999")
    predictor = Predictor.load(run)
    with pytest.raises(InputError, match="step 3, channel 'load': a value is missing"):
        predictor.predict(['{"values": [500, 510, -9999]}'])
    (tmp_path / "more.csv").write_text("when,load\n1,500\n2,510\n")
    assert len(predictor.predict(predictor.request(str(tmp_path / "more.csv"), {}).texts)) == 1
    assert evaluated(run, tmp_path / "more.csv", "all")["models"]["last value"]["mae"] > 0


def test_a_run_on_the_wide_form_reads_it_again(fitted: Fitted, tmp_path: Path) -> None:
    draw = random.Random(0)
    rows = [f"{k % 2},{','.join(f'{k % 2 + draw.gauss(0, 0.1):.3f}' for _ in range(9))}" for k in range(60)]
    run = fitted("\n".join(rows) + "\n", max_epochs=3)
    (tmp_path / "one.csv").write_text(rows[0] + "\n")  # by itself it could be a step as well
    predictor = Predictor.load(run)
    (said,) = predictor.predict(predictor.request(str(tmp_path / "one.csv"), {}).texts)
    assert said.label == "0"
