"""The arithmetic of verdicts, on numbers made up."""

import pytest

import bilstm
import claim
import depth
import gradients
import gru
import long_dependencies
import modes
import padding
import relu
import relu_gates
import three_ways


def test_a_claim_holds_where_all_parts_do():
    assert claim.verdict([True, True], "").word == "holds"
    assert claim.verdict([True, False], "").word == "holds partly"
    assert claim.verdict([False, False], "").word == "does not hold"


def test_a_spread_is_the_mean_with_the_lowest_and_the_highest():
    assert claim.spread([0.1, 0.2, 0.6], 1, 100) == "30.0 (10.0–60.0)"


def skills(rnn, gated):
    cells = {key: [[1.0], [gated, gated]] for key in long_dependencies.CELLS} | {"rnn": [[1.0], [rnn, rnn]]}
    return {"skill": {"adding": cells, "agreement": cells}}


@pytest.mark.parametrize(
    ("rnn", "gated", "word"), [(0.1, 1.0, "holds"), (0.1, 0.5, "holds partly"), (1.0, 0.9, "does not hold")]
)
def test_long_dependencies_are_judged_at_the_far_end(rnn, gated, word):
    found = long_dependencies.judge(skills(rnn, gated))
    assert found.word == word
    assert f"the plain network fails in {2 * (rnn < 0.95)} of 2" in found.by
    assert f"gru {2 * (gated >= 0.95)}," in found.by


def test_the_factor_a_step_is_the_root_of_what_is_left():
    norms = [[0.9**lag, 0.5**lag] for lag in gradients.LAGS]
    assert gradients.factor(norms) == pytest.approx([0.9, 0.5])


@pytest.mark.parametrize(("lstm", "word"), [(0.99, "holds"), (0.5, "holds partly")])
def test_gradients_hold_where_the_lstm_keeps_a_hundredth(lstm, word):
    factors = dict.fromkeys(gradients.CELLS, lstm) | {"rnn": 0.3, "lstm-1997": 1.0}
    norms = {cell: [[factor**lag] for lag in gradients.LAGS] for cell, factor in factors.items()}
    found = gradients.judge({"norm": norms, "carried": {"lstm": [lstm]}})
    assert found.word == word
    assert f"{lstm:.2f} a step from torch's initial weights" in found.by


def of_models(lstm, both):
    keys = ("best", "gap", "parameters", "seconds")
    pair = {"LSTM": lstm, "BiLSTM": both}
    models = {name: dict(zip(keys, values, strict=True)) for name, values in pair.items()}
    return {"classification": models, "tagging": models}


def test_bilstm_counts_what_all_seeds_agree_on():
    one = ([0.8, 0.8], [0.1, 0.1], [100, 100], [1.0, 1.0])
    sure = ([0.81, 0.83], [0.12, 0.11], [200, 200], [2.0, 2.0])
    unsure = ([0.81, 0.79], [0.12, 0.11], [200, 200], [2.0, 2.0])
    assert bilstm.judge(of_models(one, sure)).word == "holds"
    assert "+2.0 points of accuracy (+1.0 to +3.0), 2.0 times the parameters" in bilstm.judge(of_models(one, sure)).by
    assert bilstm.judge(of_models(one, unsure)).word == "holds partly"


def costs(gru_to_lstm):
    lstm = {"parameters": 400, "bytes": 1000, "seconds": 1.0}
    both = {"LSTM": lstm, "GRU": {key: gru_to_lstm * value for key, value in lstm.items()}}
    return {f"{name}, {whose}": cost for whose in gru.MAKERS for name, cost in both.items()}


@pytest.mark.parametrize(
    ("ratio", "lstm", "word"), [(0.75, 0.9, "holds"), (0.75, 0.8, "holds partly"), (1.1, 0.8, "does not hold")]
)
def test_gru_is_judged_by_costs_and_by_the_long_problems(ratio, lstm, word):
    scores = {problem: {"LSTM": [lstm, lstm], "GRU": [0.8, 0.85]} for problem in gru.LONG}
    found = gru.judge({"cost": costs(ratio), "score": scores})
    assert found.word == word
    assert f"parameters {ratio:.2f}" in found.by


def of_depths(accuracy, loss):
    return {"accuracy": [[a] for a in accuracy], "first loss": [[x] for x in loss], "last loss": [[x] for x in loss]}


def test_depth_has_four_parts():
    peak, falling = [0.80, 0.82, 0.83, 0.81, 0.79], [0.80, 0.79, 0.78, 0.81, 0.83]
    rising, flat = [0.5, 0.5, 0.5, 0.6, 0.7], [0.5] * 5
    better = [a + 0.01 for a in peak]
    assert depth.judge({"0.0": of_depths(peak, rising), "0.3": of_depths(better, rising)}).word == "holds"
    assert depth.judge({"0.0": of_depths(peak, flat), "0.3": of_depths(better, flat)}).word == "holds partly"
    found = depth.judge({"0.0": of_depths(falling, flat), "0.3": of_depths([0.7] * 5, flat)})
    assert found.word == "does not hold"
    assert "best depth is 5 (83.0 % against 80.0 % with one" in found.by


def explosions(rectified, other, clipped):
    def of(cell):
        none = rectified if cell in relu.RECTIFIED else other
        return {name: {"exploded": none if name == "none" else clipped} for name in relu.CLIPPING}

    return {"runs": {"0.1": {cell: of(cell) for cell in relu.CELLS}}}


def test_relu_counts_explosions():
    yes, no = [True, True, True], [False, False, False]
    found = relu.judge(explosions(yes, no, no))
    assert found.word == "holds"
    assert "ReLU without clipping 6 of 6" in found.by
    assert relu.judge(explosions(yes, yes, no)).word == "holds partly"
    assert relu.judge(explosions(no, no, yes)).word == "does not hold"


def test_a_relu_gate_is_refused_and_a_sigmoid_is_not():
    outside = {"ReLU": [0.2], "sigmoid": [0.0]}
    assert relu_gates.judge({"refusal": {"ReLU": "no", "sigmoid": ""}, "above 1": outside}).word == "holds"
    assert relu_gates.judge({"refusal": {"ReLU": "no", "sigmoid": "no"}, "above 1": outside}).word == "holds partly"
    assert "ranges over [0, inf]" in relu_gates.refusal(relu_gates.relu)


def test_three_ways_agree_to_rounding():
    def results(apart):
        cases = {"LSTM float32": {key: [1e-07, apart] for key in three_ways.WAYS}}
        seconds = {"LSTM float32": {"reference": [0.01], "compiled": [0.001], "torch.nn": [0.002]}}
        return {"apart": cases, "seconds": seconds}

    assert three_ways.judge(results(1e-6)).word == "holds"
    assert "10.0 and 2.0 times" in three_ways.judge(results(1e-6)).by
    assert three_ways.judge(results(1e-3)).word == "does not hold"


def test_modes_have_three_parts():
    figures = {"eval differs": [0.0], "train differs": [0.3], "answers changed": [0.1]}
    scores = {"accuracy eval": [0.8], "accuracy train": [0.7], "accuracy of the mean": [0.795]}
    assert modes.judge(figures | scores).word == "holds"
    assert modes.judge(figures | scores | {"accuracy train": [0.9]}).word == "holds partly"
    assert modes.judge(figures | scores | {"eval differs": [0.1]}).word == "holds partly"


def test_padding_is_judged_by_results_and_by_time():
    computed, skipped, torch_computed, packed = padding.WAYS
    same = {key: [1e-07] for key in padding.WAYS}
    times = {computed: 2.0, skipped: 1.0, torch_computed: 2.0, packed: 1.0}
    results = {
        "apart": {"LSTM": same, "BiLSTM": same},
        "seconds": {way: [[0.0], [0.0], [seconds]] for way, seconds in times.items()},
        "share": padding.SHARES,
    }
    assert padding.judge(results).word == "holds"
    results["apart"]["BiLSTM"] = same | {computed: [0.4]}
    assert padding.judge(results).word == "holds partly"
    assert "off by up to 0.40" in padding.judge(results).by
