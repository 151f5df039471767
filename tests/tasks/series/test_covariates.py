"""Targets that follow other columns: known ahead, known up to the present, constant; and simulated ones."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

import made_series
from agreement import SINGLE, assert_agree
from cellwright import tasks
from cellwright.data.readers.series import read_series
from cellwright.data.scaling import no_scaling
from cellwright.data.series import Roles, SeriesTable
from cellwright.data.series_batches import collate_series
from cellwright.errors import InputError
from cellwright.models.forecaster import scored
from cellwright.serve.limits import Limits
from cellwright.serve.load import app_of
from cellwright.tasks.predictor import Predictor
from cellwright.tasks.run import load_run
from cellwright.tasks.series import SeriesConfig
from cellwright.tasks.series.covariates import arranged, completed
from cellwright.tasks.series.examples import stretches_of
from cellwright.tasks.series.predictor import SeriesPredictor
from cellwright.training import fit
from series_runs import Options, report, train

FLOW: dict[str, Any] = {"targets": "flow", "static_covariates": "area", "window": 32, "hidden_size": 16}
AHEAD = FLOW | {"objective": "forecast", "future_covariates": "rain,pet", "horizon": 3}
SIMULATED = FLOW | {"objective": "simulate"}
CATCHMENTS = made_series.reservoirs(5, 160, 0)
Written = Callable[[str], str]


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """Where a file of that content is."""

    def write(content: str) -> str:
        path = tmp_path / f"other{len(list(tmp_path.iterdir()))}.csv"
        path.write_text(content)
        return str(path)

    return write


def without(content: str, column: str) -> str:
    """CSV without a column."""
    rows = [row.split(",") for row in content.splitlines()]
    place = rows[0].index(column)
    return "\n".join(",".join(row[:place] + row[place + 1 :]) for row in rows) + "\n"


def last_days(content: str, days: int, of: int, change: Callable[[list[str]], list[str]]) -> str:
    """CSV whose last days of each series of `of` days are changed."""
    header, *rows = content.splitlines()
    changed = [",".join(change(row.split(","))) if k % of >= of - days else row for k, row in enumerate(rows)]
    return "\n".join([header, *changed]) + "\n"


def test_rain_that_is_known_ahead_forecasts_the_flow(options: Options, written: Written) -> None:
    alone = options(without(without(without(CATCHMENTS, "rain"), "pet"), "area"), **AHEAD | dict.fromkeys(
        ("future_covariates", "static_covariates", "targets")
    ))  # fmt: skip
    train(alone)
    flow = report(alone)["models"]["this model"]["mae"]
    told = options(CATCHMENTS, **AHEAD, overwrite=True)
    train(told)
    models = report(told)["models"]
    assert models["this model"]["mae"] < 0.6 * flow
    assert models["this model"]["mae"] < 0.6 * models["last value"]["mae"]
    assert load_run(told["out"]).config.channels == ["flow", "rain", "pet", "area"]
    predictor = Predictor.load(told["out"])
    asked = predictor.request(written(made_series.reservoirs(5, 160, 0, ahead=3)), {})
    said = predictor.predict(asked.texts)
    assert [len(each.ahead) for each in said] == [3] * 5
    assert {*said[0].ahead[0]} == {"flow"}
    dry = last_days(made_series.reservoirs(5, 160, 0, ahead=3), 3, 160, lambda row: [*row[:2], "0", *row[3:]])
    without_rain = predictor.predict(predictor.request(written(dry), {}).texts)
    apart = [
        wet.ahead[-1]["flow"]["0.5"] - other.ahead[-1]["flow"]["0.5"]
        for wet, other in zip(said, without_rain, strict=True)
    ]
    assert min(apart) >= 0 < max(apart)  # it does not rain everywhere


def test_the_answers_are_those_that_are_scored(options: Options, written: Written) -> None:
    """What evaluate calls the MAE is that of the answers from each step whose horizon is told."""
    train(options(CATCHMENTS, **AHEAD | {"max_epochs": 1, "scaling": "training"}))
    run = load_run(options(CATCHMENTS)["out"])
    days, other = 12, written(made_series.reservoirs(2, 12, 3))
    models = tasks.get("series").evaluate(run, other, "all", {}, print).as_json()["models"]
    assert models["this model"]["count"] == 2 * (days - 3) * 3
    predictor, table = Predictor.load(run.path), read_series(other, run.config.reading)
    flow, missed = table.channels.index("flow"), []
    for end in range(1, days - 2):
        told = replace(table, values=[values.copy() for values in table.values])
        for values in told.values:
            values[end:, flow] = np.nan
        for said, true in zip(predictor.predict_series(told), table.values, strict=True):
            missed += [step["flow"]["0.5"] - true[end + k, flow] for k, step in enumerate(said.ahead)]
    assert len(missed) == models["this model"]["count"]
    assert_agree([models["this model"]["mae"]], [np.abs(missed).mean() / run.config.scaling.deviation[0]], SINGLE)


def test_a_forecast_without_its_horizon_is_refused(options: Options, written: Written) -> None:
    train(options(CATCHMENTS, **AHEAD | {"max_epochs": 1}))
    predictor = Predictor.load(options(CATCHMENTS)["out"])
    with pytest.raises(
        InputError, match="0 steps after the last value of 'flow'; expected 3, the horizon, with 'rain'"
    ):
        predictor.request(written(made_series.reservoirs(2, 9, 3)), {})


def test_flow_is_simulated_from_rain(options: Options, written: Written) -> None:
    given = options(CATCHMENTS, **SIMULATED)
    result = train(given)
    assert result.baseline is not None
    assert result.validation["loss"] < result.baseline / 2
    models = report(given)["models"]
    assert [*models] == ["this model", "linear model of 30 steps", "mean"]
    assert models["this model"]["nse"] > 0.6 > 0 > models["mean"]["nse"]
    predictor = Predictor.load(given["out"])
    asked = predictor.request(written(without(CATCHMENTS, "flow")), {})
    said = predictor.predict(asked.texts)
    assert [len(each.steps) for each in said] == [160] * 5
    rows = said[0].as_rows()
    assert [*rows[0]] == predictor.header.split("\t") == ["series", "step", "channel", "0.1", "0.5", "0.9"]
    with_flow = predictor.request(written(CATCHMENTS), {})
    assert with_flow.texts == asked.texts
    assert any("columns that are not read: 'flow'" in note for piece in with_flow.pieces() for note in piece.notes)
    # Inputs alone, and inputs with targets of which nothing is read, without names.
    bare = json.dumps({"values": [[5.0, 2.0, 40.0]] * 4})
    with_target = json.dumps({"values": [[7.0, 5.0, 2.0, 40.0]] * 4})
    (one,), (other,) = predictor.predict([bare]), predictor.predict([with_target])
    assert one.steps == other.steps


def test_a_panel_on_scales_of_its_own_keeps_what_all_series_share(options: Options) -> None:
    train(options(made_series.scaled_reservoirs(5, 100, 0), **AHEAD | {"max_epochs": 1}))
    scaling = load_run(options(CATCHMENTS)["out"]).config.scaling
    assert (scaling.by, scaling.shared) == ("window", (2, 3))  # pet and area; not flow and rain
    told = np.array([[3.0, 5.0, 2.0, 40.0], [4.0, 7.0, 2.0, 40.0]])
    assert scaling.of(told).mean[2:] == scaling.mean[2:]
    assert scaling.of(told).mean[:2] == [3.5, 6.0]


def test_what_has_no_target_yet_is_left_out_and_said(options: Options, written: Written) -> None:
    given = options(made_series.reservoirs(5, 160, 0, ahead=4), **AHEAD | {"max_epochs": 1})
    said: list[str] = []
    fit(SeriesConfig(**given), progress=False, say=said.append)
    assert any("20 steps after the last value of 'flow' left out" in note for note in said)
    assert any(
        "'flow' from its past, from 'rain', 'pet', known ahead, and from 'area' of each" in each for each in said
    )
    predictor = Predictor.load(given["out"])
    further = predictor.request(written(made_series.reservoirs(2, 60, 0, ahead=5)), {})
    assert any("4 steps beyond the horizon not read" in note for piece in further.pieces() for note in piece.notes)


PAST = FLOW | {"objective": "forecast", "horizon": 3, "static_covariates": None}


def test_without_future_covariates_a_forecast_begins_after_the_last_target_too(
    options: Options, written: Written
) -> None:
    train(options(CATCHMENTS, **PAST | {"max_epochs": 1}))
    predictor = Predictor.load(options(CATCHMENTS)["out"])
    header, *rows = made_series.reservoirs(2, 60, 0, ahead=4).splitlines()
    ended = "\n".join([header, *(row for k, row in enumerate(rows) if k % 60 < 56)]) + "\n"
    asked = [predictor.request(written(content), {}) for content in ("\n".join([header, *rows]) + "\n", ended)]
    (note,) = (note for piece in asked[0].pieces() for note in piece.notes if "not read" in note)
    assert note.endswith(": 8 steps after the last value of 'flow', where the forecast begins, not read")
    late, early = (predictor.predict(each.texts) for each in asked)
    assert [each.as_rows() for each in late] == [each.as_rows() for each in early]
    # What is missing where nothing is read is not asked for.
    gap = last_days("\n".join([header, *rows]) + "\n", 4, 60, lambda row: [*row[:2], "", *row[3:]])
    assert [each.as_rows() for each in predictor.predict(predictor.request(written(gap), {}).texts)] == [
        each.as_rows() for each in early
    ]
    with pytest.raises(InputError, match="line 2: no value of 'flow'; expected some, after which it is forecast"):
        predictor.request(written(made_series.reservoirs(1, 9, 0, ahead=9)), {})


@pytest.mark.parametrize("fill", ["previous", "linear"])
@pytest.mark.parametrize(
    "options_given", [AHEAD, AHEAD | {"targets": None}, SIMULATED], ids=["", "unnamed", "simulate"]
)
def test_filling_leaves_targets_as_they_are(
    options: Options, written: Written, fill: str, options_given: dict[str, Any]
) -> None:
    rows = [row.split(",") for row in made_series.reservoirs(5, 160, 0, ahead=3).splitlines()]
    rows[20][2] = rows[30][-1] = ""  # of the first series a day's rain, and another's flow
    content = "\n".join(map(",".join, rows)) + "\n"
    said: list[str] = []
    given = options(content, **options_given | {"max_epochs": 1, "fill": fill})
    fit(SeriesConfig(**given), progress=False, say=said.append)
    assert any(
        f"1 missing value of covariates is filled, as --fill {fill} says; those of targets are not" in note
        for note in said
    )
    assert any("15 steps after the last value of 'flow' left out" in note for note in said)
    missing = "1 target is missing, and not scored" if options_given == SIMULATED else "1 value is missing, which the"
    assert any(missing in note for note in said)
    predictor = Predictor.load(given["out"])
    (first, *_) = predictor.predict(predictor.request(written(content), {}).texts)  # the future is still ahead
    assert len(first.as_rows()) == (160 if options_given == SIMULATED else 3)


def test_a_static_covariate_of_one_row_is_that_of_all(options: Options, written: Written) -> None:
    rows = [row.split(",") for row in made_series.reservoirs(5, 160, 0, ahead=3).splitlines()]
    once = "\n".join(",".join([*row[:4], row[4] if k % 160 <= 1 else "", row[5]]) for k, row in enumerate(rows)) + "\n"
    everywhere = "\n".join(map(",".join, rows)) + "\n"
    given = options(once, **AHEAD | {"max_epochs": 1})
    said: list[str] = []
    fit(SeriesConfig(**given), progress=False, say=said.append)
    assert any("the static covariate 'area' is in some steps of 5 series, and taken for all" in note for note in said)
    predictor = Predictor.load(given["out"])
    texts = [predictor.request(written(content), {}).texts for content in (once, everywhere)]
    assert texts[0] == texts[1]


def test_names_of_columns_may_be_a_list(tmp_path: Path) -> None:
    found = SeriesConfig(data="x", out=tmp_path, objective="forecast", targets=["flow"], future_covariates=["a", "b"])  # type: ignore[arg-type]
    assert (found.targets, found.future_covariates) == ("flow", "a,b")


def test_the_linear_model_is_the_same_beside_every_cell(options: Options) -> None:
    content = made_series.gauged(300, 0, x1=300.0, x2=-1.0, x3=80.0, x4=1.8)
    found = []
    for changes in (
        {"hidden_size": 4, "dropout": 0.0},
        {"cell": "gr4j", "cell_inputs": "precipitation=rain,evaporation=pet"},
    ):
        given = options(content, objective="simulate", targets="flow", max_epochs=1, overwrite=True)
        given = {name: value for name, value in given.items() if name not in {"hidden_size", "dropout"}} | changes
        train(given)
        found.append(report(given)["models"]["linear model of 30 steps"]["nse"])
    assert found[0] == found[1]


def test_a_table_without_the_inputs_is_told_which_they_are(options: Options, written: Written) -> None:
    train(options(CATCHMENTS, **SIMULATED | {"max_epochs": 1}))
    predictor = Predictor.load(options(CATCHMENTS)["out"])
    with pytest.raises(InputError, match=r"2 channels; expected 3, as in training \('rain', 'pet', 'area'\)"):
        predictor.predict([json.dumps({"values": [[5.0, 2.0]] * 4})])


REFUSED: dict[str, tuple[str, dict[str, Any], str]] = {
    "a copy of the target": (
        re.sub(r"(?m)([^,\n]+)$", r"\1,\1", CATCHMENTS).replace("flow,flow", "flow,outflow"),
        SIMULATED,
        "the covariate 'outflow' equals the target 'flow' at every step of the training split that has both; expected",
    ),
    "nothing": (CATCHMENTS, AHEAD | {"future_covariates": " , "}, "--future-covariates is empty; expected names of"),
    "unknown column": (
        CATCHMENTS,
        AHEAD | {"future_covariates": "snow"},
        "--future-covariates names 'snow', which is no",
    ),
    "the target as a covariate": (
        CATCHMENTS,
        AHEAD | {"future_covariates": "rain,flow"},
        "--future-covariates names 'flow' and --targets names it too; expected each column once",
    ),
    "twice": (CATCHMENTS, AHEAD | {"targets": "flow,flow"}, "--targets names 'flow' twice; expected each column once"),
    "the time": (
        CATCHMENTS,
        AHEAD | {"static_covariates": "time"},
        "--static-covariates names 'time', which is no col",
    ),
    "none left": (
        CATCHMENTS,
        AHEAD | {"targets": None, "future_covariates": "rain,pet,flow"},
        "every column of values is a covariate",
    ),
    "changes": (
        CATCHMENTS,
        AHEAD | {"static_covariates": "pet", "future_covariates": "rain"},
        "line 2: the static covariate 'pet' is 2 and 2.031 in one series; expected one number in all of its steps",
    ),
    "constant": (
        re.sub(r"(?m)^(k\d+,\d+,)[^,]*", r"\g<1>4", CATCHMENTS),
        AHEAD,
        "the covariate 'rain' is 4 in every step of the training split; expected one that varies: --ignore rain",
    ),
    "constant and static": (
        made_series.reservoirs(1, 99, 0),
        AHEAD,
        "the covariate 'area' is 59 in every step of every series; expected one that varies",
    ),
    "words": (CATCHMENTS.replace(",0.000,", ",none at all,"), AHEAD, "'none at all' is no number"),
    "no targets to simulate": (CATCHMENTS, SIMULATED | {"targets": None}, "--objective simulate needs --targets"),
    "nothing to simulate from": (
        CATCHMENTS,
        SIMULATED | {"targets": "flow,rain,pet"},
        "no column of values beside 'flow', 'rain', 'pet', 'area'; expected one that changes",
    ),
    "a scale of its own": (
        CATCHMENTS,
        SIMULATED | {"scaling": "window"},
        "--scaling is window, and --objective is sim",
    ),
    "covariates of chords": (
        CATCHMENTS,
        AHEAD | {"likelihood": "bernoulli"},
        "--targets is given, which --likelihood quantiles reads, and --likelihood is bernoulli",
    ),
    "known ahead of now": (
        CATCHMENTS,
        SIMULATED | {"future_covariates": "rain"},
        "--future-covariates is rain, and --objective is simulate; leave it out, or give --objective forecast",
    ),
    "of a class": (CATCHMENTS, {"targets": "flow"}, "--targets is flow, and --objective is classify"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(options: Options, case: str) -> None:
    content, changes, message = REFUSED[case]
    given = options(content, **changes)
    with pytest.raises(InputError) as error:
        train(given)
    assert message in str(error.value)
    assert not Path(given["out"]).exists()


def test_series_no_longer_than_the_horizon_are_refused(options: Options, written: Written) -> None:
    given = options(CATCHMENTS, **AHEAD | {"test": written(made_series.reservoirs(2, 3, 0))})
    with pytest.raises(
        InputError, match="every series has at most 3 steps, the horizon, of all of which covariates are"
    ):
        train(given)


def test_a_gap_in_a_covariate_is_refused_where_there_was_none(options: Options, written: Written) -> None:
    given = options(CATCHMENTS, **AHEAD | {"max_epochs": 1})
    train(given)
    predictor = Predictor.load(given["out"])
    content = made_series.reservoirs(2, 60, 0, ahead=3)
    gap = last_days(content, 1, 60, lambda row: [*row[:2], "", *row[3:]])
    with pytest.raises(InputError, match="line 61, column 'rain': a value is missing, and the run learned from"):
        predictor.request(written(gap), {})
    with pytest.raises(InputError, match="line 2: no value of 'flow'; expected some, after which it is forecast"):
        predictor.request(written(made_series.reservoirs(1, 9, 0, ahead=9)), {})
    with pytest.raises(InputError, match="the static covariate 'area' is 1 and 59 in one series"):
        predictor.request(written(last_days(content, 1, 60, lambda row: [*row[:4], "1", *row[5:]])), {})


@given(
    lengths=st.lists(st.integers(1, 40), min_size=1, max_size=3),
    told=st.integers(0, 5),
    window=st.none() | st.integers(4, 20),
)
def test_a_stretch_is_told_the_covariates_that_follow_it_and_nothing_else(
    lengths: list[int], told: int, window: int | None
) -> None:
    values = [np.arange(3.0 * length).reshape(length, 3) for length in lengths]
    names = [str(k) for k in range(len(lengths))]
    table = SeriesTable(values, names, None, names, ("y", "x", "f"), "made up", roles=Roles(past=1, future=1))
    scored = [0] * len(lengths)
    for example, row, _ in stretches_of(table, no_scaling(3), window, told=told):
        assert example.steps is not None
        begin = int(example.values[0, 2]) // 3
        end = begin + example.steps
        assert len(example.values) == min(lengths[row], end + told) - begin
        np.testing.assert_array_equal(example.values[: example.steps], values[row][begin:end])
        assert np.isnan(example.values[example.steps :, :2]).all()
        np.testing.assert_array_equal(example.values[example.steps :, 2], values[row][end : end + told, 2])
        scored[row] += example.steps - example.first
    assert scored == lengths


@given(window=st.integers(4, 20), length=st.integers(2, 60), first=st.integers(0, 59), data=st.data())
def test_every_scored_step_is_forecast_from_a_step_whose_horizon_is_told(
    window: int, length: int, first: int, data: st.DataObject
) -> None:
    first = min(first, length - 1)
    horizon = data.draw(st.integers(1, min(window // 2, length - 1)))
    values = np.stack([np.ones(length), np.arange(float(length))], 1)
    table = SeriesTable([values], ["a"], None, ["line 2"], ("y", "f"), "made up", [first], roles=Roles(future=1))
    forecast = np.zeros(length)
    for example, _, _ in stretches_of(table, no_scaling(2), window, told=horizon):
        batch = collate_series([example])
        counted = scored(batch.known[..., :1], batch.first, horizon, batch.ends)[0, :, :, 0]
        for origin, ahead in counted.nonzero().tolist():
            assert origin + ahead + 1 < example.steps
            forecast[int(example.values[0, 1]) + origin + ahead + 1] += 1
    assert (forecast[:first] == 0).all()
    assert (forecast[max(first, 1) :] >= 1).all()
    assert (forecast <= horizon).all()


@given(order=st.permutations(["flow", "rain", "pet", "area"]))
def test_columns_are_arranged_by_their_roles_wherever_they_stand(order: list[str]) -> None:
    numbers = {"flow": 1.0, "rain": 2.0, "pet": 3.0, "area": 4.0}
    values = [np.array([[numbers[name] for name in order]] * 2)]
    table = SeriesTable(values, ["a"], None, ["line 2"], tuple(order), "made up")
    config = SeriesConfig(
        data="x", out=Path(), objective="forecast", targets="flow", future_covariates="pet", static_covariates="area"
    )
    found = arranged(table, config)
    assert found.channels == ("flow", "rain", "pet", "area")
    assert found.values[0][0].tolist() == [1, 2, 3, 4]
    assert (found.roles, found.targets) == (Roles(past=1, future=1, static=1), 1)
    assert found.of_targets.channels == ("flow",)


@given(
    lengths=st.lists(st.integers(1, 20), min_size=1, max_size=3),
    fill=st.sampled_from([None, "missing", "previous", "linear"]),
    seed=st.integers(0, 99),
)
def test_completing_makes_up_no_target_and_changes_no_value(lengths: list[int], fill: Any, seed: int) -> None:
    draw = np.random.default_rng(seed)
    values = [np.stack([*draw.random((2, steps)), np.full(steps, 7.0)], 1) for steps in lengths]
    for each in values:
        each[draw.random(each.shape) < 0.4] = np.nan
    names = [str(k) for k in range(len(lengths))]
    table = SeriesTable(values, names, None, names, ("y", "x", "s"), "made up", roles=Roles(past=1, static=1))
    before = [each.copy() for each in values]
    found = completed(table, fill)
    for old, given_values, new in zip(before, values, found.values, strict=True):
        np.testing.assert_array_equal(given_values, old)
        np.testing.assert_array_equal(new[:, 0], old[:, 0])
        np.testing.assert_array_equal(new[~np.isnan(old)], old[~np.isnan(old)])
        there = ~np.isnan(old[:, 2])
        assert (new[:, 2] == 7).all() if there.any() else np.isnan(new[:, 2]).all()
        assert not np.isnan(new[np.maximum.accumulate(~np.isnan(old[:, 1])), 1]).any() or fill != "previous"
    for row, steps in enumerate(lengths):
        known = np.flatnonzero(~np.isnan(before[row][:, 0]))
        assert found.present(row) == (known[-1] + 1 if len(known) else 0) <= steps
        assert not found.missing_in(row)[found.present(row) :].any()
    assert completed(found, fill).values[0].tobytes() == found.values[0].tobytes()


def test_python_and_http_give_channels_by_name(options: Options) -> None:
    """What is not known as far ends earlier, an attribute is one number, and the page says what to send."""
    train(given := options(CATCHMENTS, **AHEAD))
    predictor = cast(SeriesPredictor[Any], Predictor.load(given["out"]))
    table = read_series(given["data"], predictor.run.config.reading)
    values = dict(zip(table.channels, table.values[0].T, strict=True))
    by_name = {
        "name": "k0",
        "values": {
            "area": values["area"][0],
            "flow": values["flow"][:-3],
            "rain": values["rain"],
            "pet": values["pet"],
        },
    }
    ahead = table.values[0].copy()
    ahead[-3:, 0] = np.nan
    steps = [[None if np.isnan(each) else each for each in step] for step in ahead.tolist()]
    expected = predictor.predict([json.dumps({"name": "k0", "values": steps})])
    assert predictor.predict([by_name]) == expected
    text = json.dumps({"name": "k0", "values": {n: np.asarray(v).tolist() for n, v in by_name["values"].items()}})
    with TestClient(app_of(given["out"], Limits())) as client:
        found = client.post("/predict", json={"text": text}).json()
        said = client.get("/health").json()["reads"]
        wrong = client.post(
            "/predict", json={"text": '{"values": {"flow": [1, 2], "rain": [1, 0], "pet": [2, 2], "area": 3}}'}
        )
    assert_agree(found["ahead"], expected[0].as_json()["ahead"], share=SINGLE)
    assert "It says 'flow' from its past, from 'rain', 'pet', known ahead, and from 'area' of each series." in said
    (example,) = predictor.predict([said.partition("is a JSON object: ")[2]])
    assert len(example.ahead) == 3
    assert wrong.status_code == 422
    assert "0 steps after the last value of 'flow'; expected 3, the horizon" in wrong.json()["detail"]
