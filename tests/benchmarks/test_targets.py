"""Targets are judged by their worst case."""

import pytest

import tables
from cellwright.bench.case import Case
from cellwright.bench.measure import Measurement
from cellwright.bench.rivals import OURS
from cellwright.bench.timing import Spread
from results import Errors, Results
from targets import TARGETS


def measured(case, ours, **rivals):
    times = {OURS: ours, **{name.replace("_", " "): seconds for name, seconds in rivals.items()}}
    return Measurement(case, {name: Spread(s, s, s) for name, s in times.items()}, {}, {})


def judged(claim, results):
    (target,) = (target for target in TARGETS if target.claim == claim)
    return target.judge(results)


@pytest.fixture
def results():
    rate = Spread(1e9, 1e9, 1e9)
    return Results("", {}, [0.0, 0.0], {"sgemm": rate, "tile": rate})


def test_a_target_is_met_where_every_case_meets_it(results):
    small, large = (Case("lstm", True, True, 100, b, 64) for b in (8, 32))
    claim = "LSTM training, ragged, against packed"
    assert judged(claim, results) is None
    results.speed = [
        measured(small, 1.0, **{"torch.nn packed": 8.0}),
        measured(large, 1.0, **{"torch.nn packed": 12.0}),
    ]
    verdict = judged(claim, results)
    assert (verdict.met, verdict.says) == (1, "missed by 20%")
    assert verdict.figures[0].where == "lstm training ragged T100 B8 H64"
    del results.speed[0]
    assert judged(claim, results).says == "met"


def test_a_claim_speaks_of_its_cases_alone(results):
    other = [
        Case("lstm", True, False, 100, 8, 64),
        Case("lstm", False, True, 100, 8, 64),
        Case("gru", True, True, 9, 8, 64),
    ]
    results.speed = [measured(case, 1.0, **{"torch.nn packed": 1.0}) for case in other]
    assert judged("LSTM training, ragged, against packed", results) is None
    assert judged("GRU training, padded at H = 128", results) is None


def test_batch_1_is_held_against_both(results):
    case = Case("gru", False, False, 100, 1, 64)
    results.speed = [measured(case, 1.0, **{"torch.nn padded": 3.0, "ONNX Runtime": 1.5})]
    verdict = judged("GRU inference, batch 1", results)
    assert (verdict.met, len(verdict.figures), verdict.says) == (1, 2, "missed by 25%")
    assert verdict.figures[0].where.endswith("ONNX Runtime")


def test_a_share_is_operations_over_sgemm_s(results):
    case = Case("lstm", True, False, 100, 32, 256)
    results.speed = [measured(case, case.operations / 0.9e9)]
    verdict = judged("share of sgemm, training, B = 32, H ≥ 256", results)
    assert verdict.figures[0].value == pytest.approx(0.9)
    assert verdict.says == "met"


def test_the_largest_error_is_the_worst(results):
    case = Case("lstm", True, True, 100, 8, 64, 2)
    results.errors = [
        Errors(case, "", {"output": e, "gradients": e}, *2 * [{"output": 0, "gradients": 0}]) for e in (1e-6, 3e-6)
    ]
    assert judged("largest error in outputs", results).says == "missed by 50%"
    assert judged("largest error in gradients", results).says == "met"


def test_tables_as_markdown():
    table = tables.Table("Title", ["", "a"], [["x", "1"], ["y", "2"]], "A note.")
    assert tables.markdown(table) == "## Title\n\n|  | a |\n| --- | ---: |\n| x | 1 |\n| y | 2 |\n\nA note.\n"
