"""Columns with names: targets that follow from covariates, in the forms in which scikit-learn's users have series."""

import io
import json
import pickle
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load, load_file
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit, cross_val_score

import cellwright
import made_series
from agreement import SINGLE, assert_agree
from cellwright.data.readers.series_options import SeriesOptions
from cellwright.sklearn import Forecaster, Simulator
from cellwright.sklearn.panels import panel_of

SMALL = {"hidden_size": 8, "max_epochs": 3, "threads": 1, "random_state": 0, "learning_rate": 0.03, "dropout": 0.0}
CSV = made_series.reservoirs(4, 60, 0)
FRAME = pd.read_csv(io.StringIO(CSV))
INPUTS = ["rain", "pet", "area"]
ROLES = {"targets": "flow", "future_covariates": ["rain", "pet"], "static_covariates": "area"}
SERIES = [part[["rain", "pet", "area", "flow"]].reset_index(drop=True) for _, part in FRAME.groupby("series")]
GAPPED = FRAME[["series", "time", *INPUTS]].drop(index=7).reindex(FRAME.index)
"""With a row that has no cell."""
KNOWN, FUTURE = FRAME[FRAME.time < 57], FRAME[FRAME.time >= 57].drop(columns=["flow", "area"])


def forecaster(**changes):
    return Forecaster(**{**SMALL, "horizon": 3, **ROLES, **changes})


def simulator(**changes):
    return Simulator(**{**SMALL, "static_covariates": "area", **changes})


@pytest.fixture(scope="module")
def fitted():
    return forecaster().fit(FRAME)


@pytest.fixture(scope="module")
def simulating():
    return simulator().fit(FRAME[["series", "time", *INPUTS]], FRAME["flow"])


def of_file(tmp_path, **options):
    """What the command line's run on the same rows has learned."""
    data, out = tmp_path / "rows.csv", tmp_path / "run"
    data.write_text(CSV)
    own = {name: value for name, value in SMALL.items() if name != "random_state"} | {"seed": 0, "test": str(data)}
    cellwright.fit(data, out, task="series", options=own | options, say=lambda sentence: None)
    return load_file(out / "model.safetensors"), json.loads((out / "config.json").read_text("utf-8"))


def assert_same(estimator, learned):
    weights, config = learned
    for name, values in load(estimator._files["model.safetensors"]).items():
        np.testing.assert_array_equal(values, weights[name], err_msg=name)
    own = json.loads(estimator._files["config.json"])
    assert [own[name] for name in ("model", "channels", "scaling")] == [
        config[name] for name in ("model", "channels", "scaling")
    ]


def test_a_frame_is_learned_from_as_its_file_is(fitted, simulating, tmp_path):
    (tmp_path / "other").mkdir()
    assert_same(fitted, of_file(tmp_path, objective="forecast", horizon=3, **ROLES))
    simulate = {"objective": "simulate", "targets": "flow", "static_covariates": "area"}
    assert_same(simulating, of_file(tmp_path / "other", **simulate))


def indexed(frame):
    return frame.set_index(["series", "time"])


def renamed(frame):
    """With an index of series and days, whose levels have names of their own."""
    found = frame.assign(time=pd.Timestamp("2026-01-01") + pd.to_timedelta(frame.time, "D"))
    return found.set_index(["series", "time"]).rename_axis(["basin", "date"])


@pytest.mark.parametrize("form", [indexed, renamed])
def test_the_index_may_say_of_which_series_and_when(form, fitted):
    model = forecaster().fit(form(FRAME))
    assert model.feature_names_in_.tolist() == ["rain", "pet", "area", "flow"]
    np.testing.assert_array_equal(model.predict(form(KNOWN), form(FUTURE)), fitted.predict(KNOWN, FUTURE))


def test_series_in_a_list_by_name_and_arrays_by_place(fitted):
    known, future = [each[:57] for each in SERIES], [each[57:][["pet", "rain"]] for each in SERIES]
    expected = fitted.predict(KNOWN, FUTURE)
    assert expected.shape == (4, 3, 1)
    listed = forecaster().fit([SERIES[0], *(each[["flow", "area", "pet", "rain"]] for each in SERIES[1:])])
    np.testing.assert_array_equal(listed.predict(known, future), expected)
    np.testing.assert_array_equal(fitted.predict(known, future), expected)  # whatever form it was fitted in
    values = np.array(SERIES)
    placed = forecaster(targets=-1, future_covariates=[0, 1], static_covariates=[2]).fit(values)
    np.testing.assert_array_equal(placed.predict(values[:, :57], values[:, 57:, :2]), expected)
    alone = placed.predict(values[0, :57], values[0, 57:, :2])  # one series for itself
    np.testing.assert_array_equal(alone, expected[:1])


def test_rows_of_the_future_may_stand_in_x_with_empty_targets(fitted):
    rows = FRAME.assign(flow=FRAME.flow.where(FRAME.time < 57))
    np.testing.assert_array_equal(fitted.predict(rows), fitted.predict(KNOWN, FUTURE))
    changed = FUTURE.assign(rain=FUTURE.rain + 40)
    assert np.abs(fitted.predict(KNOWN, changed) - fitted.predict(KNOWN, FUTURE)).max() > 1e-4


@settings(max_examples=12)
@given(st.permutations(range(4)), st.lists(st.integers(4, 57), min_size=4, max_size=4))
def test_series_of_any_length_in_any_order_are_forecast_as_each_by_itself(fitted, order, lengths):
    known = [SERIES[k][:length] for k, length in zip(order, lengths, strict=True)]
    future = [SERIES[k][length : length + 3] for k, length in zip(order, lengths, strict=True)]
    together = fitted.predict(known, future)
    for k in range(4):
        assert_agree(together[k], fitted.predict([known[k]], [future[k]])[0], share=SINGLE)


def test_the_score_holds_out_what_is_not_known_ahead(fitted):
    said, true = fitted.predict(KNOWN, FUTURE)[..., 0], FRAME.flow.to_numpy().reshape(4, 60)
    naive = np.abs(true[:, 56:57] - true[:, 57:]).mean()
    assert fitted.score(FRAME) == pytest.approx(1 - np.abs(said - true[:, 57:]).mean() / naive)
    rows = FRAME.assign(flow=FRAME.flow.where(FRAME.time < 57))
    assert fitted.score(rows, true[:, 57:]) == pytest.approx(fitted.score(FRAME))
    with pytest.raises(ValueError, match="row 0: 3 steps; expected more than the horizon, 3"):
        fitted.score(FRAME[FRAME.time < 3])


def test_cloned_pickled_searched(fitted):
    assert clone(fitted).get_params() == fitted.get_params()
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.predict(KNOWN, FUTURE), fitted.predict(KNOWN, FUTURE))
    grid = {"hidden_size": [4, 8], "future_covariates": [None, "rain,pet"]}
    search = GridSearchCV(forecaster(), grid, cv=2, error_score="raise").fit(SERIES)
    assert search.best_params_["hidden_size"] in (4, 8)
    one = FRAME[FRAME.series == "k0"].drop(columns=["series", "area"])
    folds = cross_val_score(forecaster(static_covariates=None), one, cv=TimeSeriesSplit(2), error_score="raise")
    assert np.isfinite(folds).all()


def test_it_goes_on_in_the_same_columns(fitted):
    model = forecaster(warm_start=True).fit(FRAME)
    assert model.fit([each[["flow", "area", "pet", "rain"]] for each in SERIES]).n_iter_ == 6
    with pytest.raises(ValueError, match="future_covariates is 'rain', and the model that is gone on from has"):
        model.set_params(future_covariates="rain").fit(FRAME)


def test_what_is_odd_in_a_frame_is_a_warning():
    gap = FRAME[FRAME.time != 30]
    with pytest.warns(UserWarning, match="the widest of 4 gaps"):
        model = forecaster().fit(gap)
    with pytest.warns(UserWarning, match="columns that are not read: 'soil'"):
        model.predict(KNOWN.assign(soil=1.0), FUTURE)
    more = FRAME[FRAME.time >= 55].drop(columns="flow")
    with pytest.warns(UserWarning, match="8 steps beyond the horizon not read"):
        model.predict(FRAME[FRAME.time < 55], more)


def test_words_truths_and_times_of_a_frame():
    days = pd.date_range("2026-01-01", periods=40, freq="D")
    wave = np.sin(np.arange(40)) + 2.0 * (days.dayofweek == 6)
    frame = pd.DataFrame({"sold": wave, "sunday": days.dayofweek == 6}, index=days)
    model = forecaster(targets="sold", future_covariates="sunday", static_covariates=None).fit(frame)
    assert model.n_features_in_ == 2
    ahead = pd.DataFrame({"sunday": [False, True, False]}, index=days[-3:] + pd.Timedelta(days=3))
    assert model.predict(frame, ahead).shape == (1, 3, 1)
    with pytest.raises(ValueError, match="does not come after"):
        model.predict(frame, ahead.set_index(days[:3] - pd.Timedelta(days=9)))


REFUSED = {
    "no future": (lambda m: m.predict(KNOWN), "0 steps after the last value of 'flow'; expected 3, the horizon"),
    "half of it": (lambda m: m.predict(KNOWN, FUTURE[FUTURE.time < 58]), "1 step after the last value"),
    "another column of the future": (lambda m: m.predict(KNOWN, FUTURE.assign(x=1)), "future has a column 'x'"),
    "one less in a table": (lambda m: m.predict(KNOWN, FUTURE.drop(columns="pet")), "future has no column 'pet'"),
    "no table": (
        lambda m: m.predict(KNOWN, FUTURE[["rain", "pet"]].to_numpy()),
        "future is ndarray, and X a DataFrame",
    ),
    "no target known": (lambda m: m.fit(FRAME.assign(flow=np.nan)), "no series has a value of 'flow'"),
    "a series without a name": (
        lambda m: m.fit(FRAME.assign(series=FRAME.series.where(FRAME.index != 7))),
        "X, row 7, column 'series': empty; expected the name of a series in each row",
    ),
    "steps of another shape": (
        lambda m: m.score(FRAME, np.zeros((4, 2))),
        re.escape("y has shape (4, 2); expected (4, 3, 1)"),
    ),
    "nothing to measure by": (lambda m: m.score(FRAME.assign(flow=1.0)), "no known value differs from the last one"),
    "nothing known to measure by": (
        lambda m: m.score(FRAME.assign(flow=FRAME.flow.where(FRAME.time < 57)), np.full((4, 3), np.nan)),
        "no known value differs from",
    ),
    "one less": (lambda m: m.predict([each[:57] for each in SERIES], [each[["rain"]] for each in SERIES]), "no column"),
    "fewer series": (lambda m: m.predict([each[:57] for each in SERIES], [SERIES[0]]), "future has 1 series and X 4"),
    "a column that is not there": (lambda m: m.predict(KNOWN.drop(columns="pet")), "no column 'pet'"),
    "words": (lambda m: m.fit(FRAME.assign(soil="loam")), "column 'soil': words throughout"),
    "no such place": (lambda m: m.set_params(targets=7).fit(FRAME), re.escape("targets has 7; expected places of")),
    "no such name": (lambda m: m.set_params(targets="flood").fit(FRAME), "targets names 'flood', which is no column"),
    "two roles": (lambda m: m.set_params(targets=["rain"]).fit(FRAME), "future_covariates names 'rain' and"),
    "other columns": (lambda m: m.fit([SERIES[0], SERIES[1][["rain", "flow"]]]), "X, row 1: the columns are"),
    "an index of three": (lambda m: m.fit(FRAME.set_index(["series", "time", "pet"])), "an index of 3 levels"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(case, fitted):
    call, message = REFUSED[case]
    with pytest.raises(ValueError, match=message):
        call(pickle.loads(pickle.dumps(fitted)))


@pytest.mark.parametrize("kind", [list, np.array, pd.Index])
def test_columns_are_named_in_whatever_holds_names(kind, fitted):
    roles = {"targets": kind(["flow"]), "future_covariates": kind(["rain", "pet"]), "static_covariates": kind(["area"])}
    np.testing.assert_array_equal(forecaster(**roles).fit(FRAME).predict(KNOWN, FUTURE), fitted.predict(KNOWN, FUTURE))


def test_columns_whose_names_are_numbers(fitted):
    numbered = [each.set_axis(range(4), axis=1) for each in SERIES]
    model = forecaster(targets=3, future_covariates=[0, 1], static_covariates=[2]).fit(numbered)
    said = model.predict([each[:57] for each in numbered], [each[57:][[1, 0]] for each in numbered])
    np.testing.assert_array_equal(said, fitted.predict(KNOWN, FUTURE))


def test_days_in_the_index_make_a_row_a_step_without_covariates_too():
    days = pd.date_range("2026-01-01", periods=40, freq="D")
    values = np.column_stack([np.sin(np.arange(40)), np.cos(np.arange(40))])
    plain = {**SMALL, "horizon": 3}
    model = Forecaster(**plain).fit(pd.DataFrame(values, columns=["x", "y"], index=days))
    said = model.predict(pd.DataFrame(values[:, ::-1], columns=["y", "x"], index=days))
    np.testing.assert_array_equal(said, Forecaster(**plain).fit([values]).predict([values]))


def test_weeks_in_the_index_make_a_row_a_step():
    weeks = pd.period_range("2026-01-01", periods=40, freq="W")
    frame, plain = pd.DataFrame({"x": np.sin(np.arange(40))}, index=weeks), {**SMALL, "horizon": 3}
    said = Forecaster(**plain).fit(frame).predict(frame)
    np.testing.assert_array_equal(said, Forecaster(**plain).fit([frame.x]).predict([frame.x]))


def test_a_simulation_has_the_form_of_x(simulating):
    X, y = FRAME[["series", "time", *INPUTS]], FRAME["flow"]
    said = simulating.predict(X)
    assert said.shape == (240,)
    shuffled = X.iloc[np.arange(240).reshape(4, 60).T.ravel()]  # series by turns, each in order
    np.testing.assert_array_equal(simulating.predict(shuffled), said.reshape(4, 60).T.ravel())
    each = simulating.predict([part[INPUTS] for part in SERIES])
    np.testing.assert_array_equal(np.concatenate(each), said)
    stacked = simulating.predict(np.array([part[INPUTS] for part in SERIES]))
    np.testing.assert_array_equal(stacked.ravel(), said)
    assert simulating.predict_quantiles(X).shape == (240, 1, 3)
    by_hand = [1 - np.mean((a - b) ** 2) / np.var(b) for a, b in zip(each, y.to_numpy().reshape(4, 60), strict=True)]
    assert simulating.score(X, y) == pytest.approx(np.median(by_hand))


def test_simulations_of_several_targets_warm_up_and_go_into_searches():
    X, y = FRAME[["series", *INPUTS]], FRAME[["flow"]].assign(half=FRAME.flow / 2)
    model = simulator(warm_up=20, warm_start=True).fit(X, y)
    assert model.predict(X).shape == (240, 2)
    assert pickle.loads(pickle.dumps(model)).score(X, y) == model.score(X, y)
    assert model.score(X, y.where(FRAME.time >= 20)) == model.score(X, y)  # those before are not scored
    assert model.fit(X, y).n_iter_ == 6
    one = FRAME[FRAME.series == "k1"]
    search = GridSearchCV(
        simulator(static_covariates=None), {"hidden_size": [4, 8]}, cv=TimeSeriesSplit(2), error_score="raise"
    ).fit(one[["rain", "pet"]].to_numpy(), one["flow"].to_numpy())
    assert search.predict(one[["rain", "pet"]].to_numpy()).shape == (60,)


def test_a_process_model_is_calibrated():
    frame = pd.read_csv(io.StringIO(made_series.gauged(120, 0, x1=300.0, x2=-1.0, x3=80.0, x4=1.8)))
    options = {"cell": "gr4j", "cell_inputs": "precipitation=rain,evaporation=pet", "warm_up": 30, "threads": 1}
    model = Simulator(**options, learning_rate=0.1, max_epochs=20, random_state=0).fit(
        frame[["rain", "pet"]], frame.flow
    )
    assert model.score(frame[["rain", "pet"]], frame.flow) > 0.5
    with pytest.raises(ValueError, match="hidden_size is 7, of which cell='gr4j' has no use"):
        Simulator(**options, hidden_size=7).fit(frame[["rain", "pet"]], frame.flow)


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        (FRAME[["series", *INPUTS]], FRAME.flow[:-1], "X has 240 rows and y 239"),
        ([part[INPUTS] for part in SERIES], [part.flow[1:] for part in SERIES], "expected as many"),
        (FRAME[["series", *INPUTS]], None, "requires y to be passed"),
        (
            FRAME[["series", *INPUTS]],
            FRAME.flow * np.nan,
            "no series has a value of 'flow'; expected some to learn from",
        ),
        (GAPPED, FRAME.flow, "240 rows, of which 1 without a single cell"),
        (FRAME[["series", "area"]], FRAME.flow, "to simulate from"),
        (FRAME[["series", *INPUTS]], FRAME.flow.rename("rain"), "rain"),
    ],
)
def test_what_no_simulation_is_learned_from(X, y, message):
    with pytest.raises(ValueError, match=message):
        simulator().fit(X, y)


def test_what_a_row_without_a_cell_is_simulated_of(simulating):
    with pytest.raises(ValueError, match="240 rows, of which 1 without a single cell"):
        simulating.predict(GAPPED)


def test_a_table_may_begin_with_its_times():
    first = FRAME[["time", "flow", "series", *INPUTS]]
    days = first.assign(time=pd.Timestamp("2026-01-01") + pd.to_timedelta(first.time, unit="D"))
    table = panel_of(forecaster(), days, SeriesOptions(), told=True, reset=True)
    assert [len(each) for each in table.values] == [60] * 4
    assert table.channels == ("flow", *INPUTS)


def test_numbers_of_other_times_than_the_columns_are_refused():
    days = FRAME[:40].set_index(pd.date_range("2026-01-01", periods=40))
    with pytest.raises(ValueError, match=r"row 0: X is of 2026-01-01 00:00:00 and y of 2026-02-09 00:00:00; expected"):
        simulator().fit(days[INPUTS], days["flow"][::-1])
    weeks = days["flow"].set_axis(pd.period_range("2026-01-01", periods=40, freq="W"))
    with pytest.raises(ValueError, match=r"row 0: X is of .* and y of .*; expected the same times in the same order"):
        simulator().fit(days[INPUTS], weeks)
