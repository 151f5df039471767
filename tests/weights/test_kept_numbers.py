"""Each importer against what its framework computes: numbers kept by tests/weights/make/of_*.py, which say the
versions."""

import copy

import numpy as np
import pytest
import torch

import cellwright
from cellwright.weights import (
    from_dynet,
    from_equinox,
    from_flax,
    from_haiku,
    from_mlx,
    from_paddle,
    from_tinygrad,
)
from kept_numbers import kept, worst

RELU = {"activation": "relu"}
ROWS = [
    ("flax", "linen-LSTMCell", from_flax, {}, "lstm"),
    ("flax", "linen-OptimizedLSTMCell", from_flax, {}, "lstm"),
    ("flax", "linen-GRUCell", from_flax, {}, "gru"),
    ("flax", "linen-SimpleCell", from_flax, {}, "rnn"),
    ("flax", "linen-SimpleCell-relu", from_flax, RELU, "rnn-relu"),
    ("flax", "nnx-LSTMCell", from_flax, {}, "lstm"),
    ("flax", "nnx-OptimizedLSTMCell", from_flax, {}, "lstm"),
    ("flax", "nnx-GRUCell", from_flax, {}, "gru"),
    ("flax", "nnx-SimpleCell", from_flax, {}, "rnn"),
    ("haiku", "LSTM", from_haiku, {}, "lstm"),
    ("haiku", "LSTM-stack", from_haiku, {"layers": ["lstm", "lstm_1"]}, "lstm"),
    ("haiku", "LSTM-both", from_haiku, {"layers": [("lstm", "lstm_1")]}, "lstm"),
    ("haiku", "GRU", from_haiku, {}, "gru-2014"),
    ("haiku", "VanillaRNN", from_haiku, {}, "rnn-relu"),
    ("haiku", "VanillaRNN-one-bias", from_haiku, {}, "rnn-relu"),
    ("equinox", "LSTMCell", from_equinox, {}, "lstm"),
    ("equinox", "GRUCell", from_equinox, {}, "gru"),
    ("mlx", "LSTM", from_mlx, {}, "lstm"),
    ("mlx", "GRU", from_mlx, {}, "gru"),
    ("mlx", "RNN", from_mlx, {}, "rnn"),
    ("mlx", "RNN-relu", from_mlx, {"nonlinearity": "relu"}, "rnn-relu"),
    ("mlx", "LSTM-no-bias", from_mlx, {}, "lstm"),
    ("mlx", "GRU-no-bias", from_mlx, {}, "gru"),
    ("paddle", "LSTM", from_paddle, {}, "lstm"),
    ("paddle", "LSTM-projected", from_paddle, {}, "lstm"),
    ("paddle", "GRU", from_paddle, {}, "gru"),
    ("paddle", "SimpleRNN", from_paddle, {}, "rnn"),
    ("paddle", "SimpleRNN-relu", from_paddle, RELU, "rnn-relu"),
    ("tinygrad", "LSTMCell", from_tinygrad, {}, "lstm"),
    ("dynet", "VanillaLSTMBuilder", from_dynet, {}, "lstm"),
    ("dynet", "VanillaLSTMBuilder-forget-0", from_dynet, {"forget_bias": 0.0}, "lstm"),
    ("dynet", "CompactVanillaLSTMBuilder", from_dynet, {}, "lstm"),
    ("dynet", "GRUBuilder", from_dynet, {}, "gru-2014"),
    ("dynet", "SimpleRNNBuilder", from_dynet, {}, "rnn"),
]
NAMES = [f"{framework}-{case}" for framework, case, *_ in ROWS]


def params_of(framework, case):
    """As the importer takes them: a pair of directions is a tuple, which files keep as a list."""
    params = kept(framework)[case]["params"]
    if framework in ("equinox", "mlx"):
        return [tuple(layer) for layer in params]
    if case.startswith("linen") and isinstance(params, list):  # two layers of two cells
        return [tuple(params[:2]), tuple(params[2:])]
    return params


def difference(layer, framework, case):
    numbers = kept(framework)
    x, expected = torch.from_numpy(numbers["x"]), numbers[case]
    masked = "lengths" in numbers and case != "linen-SimpleCell-relu"
    lengths = numbers["lengths"].astype("int64").tolist() if masked else None
    with torch.no_grad():
        y, state = layer(x, lengths=lengths)
    found = [worst(y.numpy(), masked_of(expected["y"], lengths))]
    states = state if isinstance(state, tuple) else (state,)
    found += [
        worst(each.numpy(), expected[letter]) for letter, each in zip("hc", states, strict=False) if letter in expected
    ]
    return max(found)


def masked_of(y, lengths):
    """(B, T, ·) with zeros beyond each length, where frameworks leave what they like."""
    if lengths is None:
        return y
    return y * (np.arange(y.shape[1])[None, :, None] < np.array(lengths)[:, None, None])


@pytest.mark.parametrize(("framework", "case", "importer", "options", "cell"), ROWS, ids=NAMES)
def test_numbers_are_the_frameworks(framework, case, importer, options, cell):
    layer = importer(params_of(framework, case), **options)
    assert layer.cell.name == cell
    assert difference(layer, framework, case) < 1e-6


@pytest.mark.parametrize(("framework", "case", "importer", "options", "cell"), ROWS, ids=NAMES)
def test_a_layer_that_is_there_is_filled_in_place(framework, case, importer, options, cell):
    made = importer(params_of(framework, case), **options)
    other = copy.deepcopy(made)
    other.reset_parameters()
    before = list(other.parameters())
    assert difference(other, framework, case) > 1e-3
    assert importer(params_of(framework, case), **options, into=other) is other
    assert all(a is b for a, b in zip(before, other.parameters(), strict=True))
    assert difference(other, framework, case) < 1e-6


def test_the_layers_are_the_ones_users_know():
    assert type(from_flax(params_of("flax", "linen-LSTMCell"))) is cellwright.LSTM
    assert type(from_flax(params_of("flax", "linen-GRUCell"))) is cellwright.GRU
    relu = from_flax(params_of("flax", "linen-SimpleCell-relu"), activation="relu")
    assert (type(relu), relu.nonlinearity) == (cellwright.RNN, "relu")


def test_haikus_one_is_in_the_forget_bias():
    params = params_of("haiku", "LSTM")
    bias = params["lstm/linear"]["b"]
    layer = from_haiku(params)
    i, f, g, o = layer.bias_ih_l0.detach().numpy().reshape(4, -1)
    assert np.array_equal(np.concatenate([i, g, f - 1, o]).round(6), bias.round(6))
