"""Simulation by a model of a catchment: its parameters are found again, and what it cannot read is refused."""

import json
from pathlib import Path
from typing import Any

import pytest

import made_series
from agreement import SINGLE, assert_agree
from cellwright.errors import InputError
from cellwright.onnx.exporters import export
from cellwright.tasks.predictor import Predictor
from cellwright.tasks.run import load_run
from series_runs import Options, report, train

TRUE = {"x1": 300.0, "x2": -1.0, "x3": 80.0, "x4": 1.8}
GAUGED = made_series.gauged(900, 0, **TRUE)
GR4J: dict[str, Any] = {
    "objective": "simulate",
    "targets": "flow",
    "cell": "gr4j",
    "cell_inputs": "precipitation=rain, evaporation=pet",
    "window": 1000,
    "warm_up": 200,
}
UNUSED = ("dropout",)


def process(options: Options, content: str, **changes: Any) -> dict[str, Any]:
    """Options without those that such a cell has no use for."""
    return {name: value for name, value in options(content, **GR4J | changes).items() if name not in UNUSED}


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
    assert_agree([step["flow"]["0.5"] for step in said.steps], expected, SINGLE)
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
        window=400,
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
    "two targets": (
        {"targets": "flow,rain"},
        "--targets is flow,rain, and --cell gr4j gives one output; expected one column",
    ),
    "of a network": (
        {"cell": "lstm"},
        "--cell-inputs is precipitation=rain, evaporation=pet, and --cell lstm reads no column by name; leave it out",
    ),
    "too long a warm-up": ({"warm_up": 501}, "--warm-up is 501 and --window 1000; expected at most half a window"),
    "longer than all": (
        {"warm_up": 1000, "window": 2000},
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
    with pytest.raises(InputError, match="step 5, channel 'rain': a value is missing, without which gr4j cannot"):
        train(process(options, "\n".join(rows) + "\n"))
