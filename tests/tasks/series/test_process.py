"""Simulation by a rainfall-runoff model: its parameters are found again, and what it cannot read is refused."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import made_series
from agreement import SINGLE, assert_agree
from cellwright.errors import InputError
from cellwright.onnx.exporters import export
from cellwright.tasks.predictor import Predictor
from cellwright.tasks.run import load_run
from cellwright.tuning.comparing import compare
from series_runs import Options, report, train

TRUE = {"x1": 300.0, "x2": -1.0, "x3": 80.0, "x4": 1.8}
GAUGED = made_series.gauged(900, 0, **TRUE)
GR4J: dict[str, Any] = {
    "objective": "simulate",
    "targets": "flow",
    "cell": "gr4j",
    "cell_inputs": "precipitation=rain, evaporation=pet",
    "warm_up": 200,
}


def process(options: Options, content: str, **changes: Any) -> dict[str, Any]:
    """Options without those that such a cell has no use for."""
    given = options(content, **GR4J | changes)
    unused = {"dropout"} if given.get("static_covariates") else {"dropout", "hidden_size"}
    return {name: value for name, value in given.items() if name not in unused - changes.keys()}


@pytest.mark.slow
def test_the_parameters_of_a_catchment_are_found_again(options: Options) -> None:
    given = process(options, GAUGED, learning_rate=0.2, max_epochs=100, patience=30)
    train(given)
    found = report(given)
    assert found["models"]["this model"]["nse"] > 0.99 > found["models"]["linear model of 30 steps"]["nse"]
    for name, value in TRUE.items():
        assert found["parameters"][name] == [pytest.approx(value, rel=0.05)]


def test_a_run_answers_columns_in_their_own_units(options: Options, tmp_path: Path) -> None:
    given = process(options, GAUGED, max_epochs=1, overwrite=True)
    train(given)
    run = load_run(given["out"])
    assert run.config.channels == ["flow", "rain", "pet"]
    assert run.config.scaling.mean == [0, 0, 0]
    assert run.config.scaling.deviation[1:] == [1, 1]
    predictor = Predictor.load(given["out"])
    (said,) = predictor.predict_series(predictor.table(predictor.request(given["data"], {}).texts))
    # The cell by itself, with the parameters that the report tells.
    again = made_series.gauged(900, 0, **{name: found for name, (found,) in report(given)["parameters"].items()})
    expected = [float(row.split(",")[-1]) for row in again.splitlines()[1:]]
    assert len(expected) > 3 * run.config.learned.window  # a store is not emptied at the end of any
    found = [step["flow"]["0.5"] for step in said.steps]
    assert_agree(found, expected, SINGLE)
    # evaluate reads on in the same way: its mean absolute error is that of these answers, in the target's deviations.
    days = len(expected) // 10
    true = [float(row.split(",")[-1]) for row in GAUGED.splitlines()[1:]]
    missed = np.abs(np.array(found) - true)[-days:].mean() / run.config.scaling.deviation[0]
    assert_agree([report(given)["models"]["this model"]["mae"]], [missed], SINGLE)
    with pytest.raises(
        InputError, match="step 2, channel 'pet': a value is missing, and the run learned from series wi"
    ):
        predictor.predict([json.dumps({"values": [[1, 2], [1, None]]})])
    with pytest.raises(InputError, match="a run of --cell gr4j, which reads columns by name, is not written as ONNX"):
        export(run, tmp_path / "m.onnx")


def test_parameters_follow_static_covariates(options: Options) -> None:
    content = made_series.reservoirs(4, 60, 0)
    areas = {row.split(",")[4] for row in content.splitlines()[1:]}
    assert len(areas) > 2
    given = process(options, content, static_covariates="area", warm_up=9, max_epochs=1)
    train(given)
    found = report(given)["parameters"]
    assert {*found} == {*TRUE}
    for values in found.values():
        assert (len(values), len({*values})) == (4, len(areas))


def test_a_comparison_shows_no_option_without_a_use(options: Options, tmp_path: Path) -> None:
    given = process(options, made_series.gauged(60, 0, **TRUE), warm_up=0, max_epochs=1)
    train(given)
    lstm = {"cell": "lstm", "cell_inputs": None, "hidden_size": 4, "dropout": 0.5, "window": 16}
    for size in (4, 5):
        train(given | lstm | {"hidden_size": size, "out": str(tmp_path / f"lstm{size}")})
    with_process = compare([given["out"], tmp_path / "lstm4"])
    assert [[*each.options] for each in with_process.runs] == [["cell_inputs", "cell"]] * 2
    three = compare([given["out"], tmp_path / "lstm4", tmp_path / "lstm5"])
    assert [each.options.get("hidden_size") for each in three.runs] == [None, 4, 5]
    assert three.sections()[-1].rows[0].count("–") == 1


TANK = """
from cellwright.cells import PER_SEQUENCE, cell
from cellwright.cells.language import State, maximum


@cell(inputs="rain pet", parameters={"rate": PER_SEQUENCE, "share": PER_SEQUENCE}, state="store", outputs="flow")
def tank(x, s, p):
    \"\"\"A tank with a tap.

        filled_t = max(store_{t−1} + rain_t − share · pet_t, 0)
        flow_t = rate · filled_t
        store_t = filled_t − flow_t
    \"\"\"
    filled = maximum(s.store + x.rain - p.share * x.pet, 0)
    flow = p.rate * filled
    return State(store=filled - flow, flow=flow)
"""


@pytest.mark.slow
def test_a_cell_of_ones_own_finds_how_a_parameter_follows_from_the_area(options: Options, tmp_path: Path) -> None:
    (tmp_path / "tank.py").write_text(TANK)
    content = made_series.reservoirs(5, 300, 0)
    given = process(
        options,
        content,
        cell=f"{tmp_path / 'tank.py'}:tank",
        cell_inputs=None,
        static_covariates="area",
        hidden_size=8,
        warm_up=0,
        learning_rate=0.05,
        max_epochs=60,
    )
    with pytest.raises(
        InputError, match="--cell: tank has a parameter 'rate' of which no range is known; expected one a"
    ):
        train(given)
    train(given | {"parameter_ranges": "rate=0.01:1, share=0:2"})
    found = report(given)
    assert found["models"]["this model"]["nse"] > 0.99
    areas = [float(row.split(",")[4]) for row in content.splitlines()[1::300]]
    assert found["parameters"]["rate"] == [pytest.approx(10 / (20 + area), rel=0.1) for area in areas]
    assert found["parameters"]["share"] == [pytest.approx(0.5, abs=0.1)] * 5


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "another objective": (
        {"objective": "forecast", "warm_up": 0, "cell_inputs": None},
        "--cell is gr4j, which makes its output of columns, and --objective is forecast; expected --objective simulate",
    ),
    "no such column": (
        {"cell_inputs": "precipitation=rain"},
        "--cell gr4j reads 'evaporation', and no column of values is called 'evaporation' ('rain', 'pet', 'flow'); "
        "expected --cell-inputs evaporation=COLUMN",
    ),
    "no such input": (
        {"cell_inputs": "precipitation=rain,evaporation=pet,warmth=rain"},
        "--cell-inputs names 'warmth'; expected inputs of gr4j: 'precipitation', 'evaporation'",
    ),
    "one column twice": (
        {"cell_inputs": "precipitation=rain,evaporation=rain"},
        "--cell-inputs: column 'rain' for evaporation stands for something else too; expected each column once",
    ),
    "the target": (
        {"cell_inputs": "precipitation=rain,evaporation=flow"},
        "--cell-inputs: column 'flow' for evaporation stands for something else too",
    ),
    "no list": (
        {"cell_inputs": "rain"},
        "--cell-inputs: 'rain' is no NAME=…; expected a list with commas: precipitation=",
    ),
    "an input twice": (
        {"cell_inputs": "evaporation=pet,evaporation=rain"},
        "--cell-inputs: evaporation stands twice; expected it once",
    ),
    "no parameter": ({"parameter_ranges": "k9=0:1"}, "--parameter-ranges names 'k9'; expected parameters of gr4j"),
    "no range": ({"parameter_ranges": "x1=9:3"}, "--parameter-ranges: x1=9:3; expected two numbers, the lower first"),
    "not numbers": (
        {"parameter_ranges": "x1=a:b"},
        "--parameter-ranges: x1=a:b; expected two numbers, the lower first",
    ),
    "layers": ({"num_layers": 2}, "--num-layers is 2, of which --cell gr4j has no use; leave it out"),
    "the usual dropout": ({"dropout": 0.2}, "of which --cell gr4j has no use; leave it out"),
    "the usual quantiles": ({"quantiles": "0.1,0.5,0.9"}, "--quantiles is 0.1,0.5,0.9, of which --cell gr4j has no"),
    "a window": ({"window": 256}, "--window is 256, of which --cell gr4j has no use; leave it out"),
    "units without a network": (
        {"hidden_size": 8},
        "--hidden-size is 8, of which --cell gr4j has no use without --static-covariates; leave it out",
    ),
    "no target": ({"targets": ""}, "--targets is empty; expected names of columns, or leave it out"),
    "two targets": (
        {"targets": "flow,rain"},
        "--targets is flow,rain, and --cell gr4j gives one output; expected one column",
    ),
    "of a network": (
        {"cell": "lstm", "warm_up": 0},
        "--cell-inputs is precipitation=rain, evaporation=pet, and --cell lstm reads no column by name; leave it out",
    ),
    "too long a warm-up": (
        {"cell": "lstm", "cell_inputs": None, "warm_up": 501, "window": 1000},
        "--warm-up is 501 and --window 1000; expected at most half a window",
    ),
    "longer than all": (
        {"warm_up": 1000},
        "no series is longer than the 1000 steps of --warm-up; expected one that is: give fewer",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(options: Options, case: str) -> None:
    changes, message = REFUSED[case]
    with pytest.raises(InputError) as error:
        train(process(options, GAUGED, **changes))
    assert message in str(error.value)


def test_a_gap_is_refused_before_training(options: Options) -> None:
    rows = GAUGED.splitlines()
    rows[5] = "4,,2.0,1.0"
    with pytest.raises(
        InputError, match=r"line 6, column 'rain': a value is missing, without which gr4j cannot .* --fill linear puts"
    ):
        train(process(options, "\n".join(rows) + "\n"))


@pytest.mark.parametrize("fill", [None, "linear"])
@pytest.mark.parametrize(
    ("first", "last", "message"),
    [
        (1, 3, "line 2, column 'rain': a value is missing, .*: none comes before it, .* leave out the steps before"),
        (
            -3,
            -1,
            "line 899, column 'rain': a value is missing, .*: none comes after it, .* --fill previous repeats the last",
        ),
    ],
)
def test_no_line_fills_what_is_missing_at_an_end(
    options: Options, fill: str | None, first: int, last: int, message: str
) -> None:
    rows = GAUGED.splitlines()
    for k in range(first, last + 1):
        time, _, pet, flow = rows[k].split(",")
        rows[k] = f"{time},,{pet},{flow}"
    with pytest.raises(InputError, match=message):
        train(process(options, "\n".join(rows) + "\n", fill=fill))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("9,-9999,2.0,1.0", "line 11, column 'rain': -9999; expected at least 0: .* say so with --missing -9999"),
        ("9,3.0,-0.5,1.0", "line 11, column 'pet': -0.5; expected at least 0"),
        ("9,3.0,2.0,-1", "line 11, column 'flow': -1; expected at least 0"),
    ],
)
def test_what_nature_does_not_know_is_refused(options: Options, row: str, message: str) -> None:
    rows = GAUGED.splitlines()
    rows[10] = row
    with pytest.raises(InputError, match=message):
        train(process(options, "\n".join(rows) + "\n"))


def test_an_impossible_input_is_refused_by_a_run_too(options: Options) -> None:
    given = process(options, GAUGED, max_epochs=1)
    train(given)
    with pytest.raises(InputError, match="line 1, step 2, channel 'rain': -999; expected at least 0"):
        Predictor.load(given["out"]).predict([json.dumps({"values": [[1, 2], [-999, 2]]})])


TANK_OF_CONSTANTS = """
from cellwright.cells import cell
from cellwright.cells.language import State


@cell(inputs="rain pet", state="store", outputs="flow")
def tank(x, s):
    \"\"\"A tank with a tap of one size.

        flow_t = 0.1 · (store_{t−1} + rain_t − pet_t)
        store_t = 9 · flow_t
    \"\"\"
    flow = 0.1 * (s.store + x.rain - x.pet)
    return State(store=9 * flow, flow=flow)
"""


def test_a_cell_without_parameters_is_refused_and_leaves_no_folder(options: Options, tmp_path: Path) -> None:
    (tmp_path / "tank.py").write_text(TANK_OF_CONSTANTS)
    given = process(options, GAUGED, cell=f"{tmp_path / 'tank.py'}:tank", cell_inputs=None)
    with pytest.raises(InputError, match="--cell is tank, which has no parameter that a series could give or training"):
        train(given)
    assert not Path(given["out"]).exists()
