"""Keras itself, on its torch backend, beside what is made of its weights; and files that it wrote."""

import os
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import torch

import cellwright
from cellwright import InputError
from cellwright.weights import from_keras, to_keras
from kept_numbers import worst

os.environ["KERAS_BACKEND"] = "torch"
keras = pytest.importorskip("keras", reason="in the extra dev")

LENGTHS = [5, 1, 3]


def randomised(layer):
    """Built, with biases that are not zero."""
    if not layer.built:
        layer.build((None, None, 3))
    draw = np.random.default_rng(0)
    layer.set_weights([draw.normal(0, 0.6, each.shape) for each in layer.get_weights()])
    return layer


def batch():
    """(3, 5, 3) and Keras' mask of the lengths."""
    x = np.random.default_rng(1).normal(size=(3, 5, 3)).astype("float32")
    return x, np.arange(5)[None] < np.array(LENGTHS)[:, None]


def keras_numbers(layers, x, mask):
    for layer in layers:
        x = layer(x, mask=torch.from_numpy(mask))
    return x.detach().numpy()


def single(kind, **options):
    return [randomised(getattr(keras.layers, kind)(4, return_sequences=True, **options))]


def both(kind, **options):
    return [randomised(keras.layers.Bidirectional(getattr(keras.layers, kind)(4, return_sequences=True, **options)))]


def stack(kind):
    below = both(kind)[0]
    above = keras.layers.Bidirectional(getattr(keras.layers, kind)(4, return_sequences=True))
    above.build((None, None, 8))
    return [below, randomised(above)]


CASES = {
    "lstm": lambda: single("LSTM"),
    "lstm-no-bias": lambda: single("LSTM", use_bias=False),
    "lstm-relu": lambda: single("LSTM", activation="relu"),
    "gru": lambda: single("GRU"),
    "gru-reset-before": lambda: single("GRU", reset_after=False),
    "gru-reset-before-no-bias": lambda: both("GRU", reset_after=False, use_bias=False),
    "gru-no-bias": lambda: single("GRU", use_bias=False),
    "simple-rnn": lambda: single("SimpleRNN"),
    "simple-rnn-relu": lambda: single("SimpleRNN", activation="relu"),
    "both-lstm": lambda: both("LSTM"),
    "both-gru": lambda: both("GRU"),
    "stack-lstm": lambda: stack("LSTM"),
    "stack-gru": lambda: stack("GRU"),
    "stack-simple-rnn": lambda: stack("SimpleRNN"),
}


@pytest.mark.parametrize("case", CASES)
def test_masked_numbers_are_those_of_keras(case):
    layers, (x, mask) = CASES[case](), batch()
    found = from_keras(layers)(torch.from_numpy(x), lengths=LENGTHS)[0].detach().numpy()
    expected = keras_numbers(layers, x, mask) * mask[..., None]
    assert worst(found, expected) < 1e-6


@pytest.mark.parametrize("case", CASES)
def test_weights_go_back_as_they_came(case):
    layers, (x, mask) = CASES[case](), batch()
    before, written = keras_numbers(layers, x, mask), to_keras(from_keras(layers))
    for layer, weights in zip(layers, written, strict=True):
        layer.set_weights([0 * each for each in weights])
        assert worst(keras_numbers(layers, x, mask), before) > 1e-3
        layer.set_weights(weights)
    assert worst(keras_numbers(layers, x, mask), before) < 1e-6


@pytest.mark.parametrize("cell", ["lstm", "gru", "gru-2014", "rnn", "rnn-relu", "relu-lstm"])
def test_a_trained_layer_of_ours_computes_the_same_in_keras(cell):
    """Both biases are not zero, of which Keras has one in all cells but the GRU."""
    ours = cellwright.Recurrent(cell, 3, 4, batch_first=True, bidirectional=True)
    kinds = {
        "lstm": ("LSTM", "tanh"),
        "relu-lstm": ("LSTM", "relu"),
        "gru": ("GRU", "tanh"),
        "gru-2014": ("GRU", "tanh"),
    }
    kind, activation = kinds.get(cell, ("SimpleRNN", "relu" if cell == "rnn-relu" else "tanh"))
    reset = {"reset_after": cell == "gru"} if kind == "GRU" else {}
    (theirs,) = both(kind, activation=activation, **reset)
    theirs.set_weights(to_keras(ours)[0])
    x, mask = batch()
    found = ours(torch.from_numpy(x), lengths=LENGTHS)[0].detach().numpy()
    assert worst(found, keras_numbers([theirs], x, mask) * mask[..., None]) < 1e-6


@pytest.mark.parametrize("ending", ["keras", "h5"])
def test_a_file_is_read_without_keras(ending, tmp_path):
    """In a process of its own, where importing keras fails."""
    layers, (x, mask) = stack("LSTM"), batch()
    top = keras.layers.GRU(4, name="top", return_sequences=True)
    top.build((None, None, 8))
    made = keras.Sequential([keras.Input((None, 3)), *layers, randomised(top), keras.layers.Dense(1)])
    path = tmp_path / f"model.{ending}"
    made.save(path)
    np.savez(tmp_path / "x.npz", x=x, y=keras_numbers([*layers, top], x, mask) * mask[..., None])
    code = f"""
import sys
sys.modules["keras"] = None
import numpy as np, torch
from cellwright.weights import from_keras
kept = np.load({str(tmp_path / "x.npz")!r})
names = {[each.name for each in layers]!r}
below = from_keras({str(path)!r}, layers=names)
above = from_keras({str(path)!r}, layers=["top"])
y = above(below(torch.from_numpy(kept["x"]), lengths={LENGTHS})[0], lengths={LENGTHS})[0]
print(np.abs(y.detach().numpy() - kept["y"]).max())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 1e-6


def test_a_model_in_a_model_is_looked_into(tmp_path):
    inner = keras.Sequential([keras.Input((None, 3)), *both("LSTM")])
    made = keras.Sequential([keras.Input((None, 3)), *both("GRU"), keras.layers.Dense(3), inner])
    made.save(tmp_path / "m.keras")
    (name,) = [each.name for each in inner.layers]
    layer, (x, mask) = from_keras(tmp_path / "m.keras", layers=[name]), batch()
    expected = keras_numbers(inner.layers, x, mask) * mask[..., None]
    found = layer(torch.from_numpy(x), lengths=LENGTHS)[0].detach().numpy()
    assert worst(found, expected) < 1e-6


def test_a_whole_model_is_taken_too():
    made = keras.Sequential([keras.Input((None, 3)), *stack("GRU"), keras.layers.Dense(1)])
    assert from_keras(made).num_layers == 2


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: [*single("GRU"), *single("GRU", reset_after=False)], "of the cells gru, gru-2014; expected one"),
        (
            lambda: single("LSTM", activation="elu"),
            "with activation 'elu' and recurrent_activation 'sigmoid'; expected LSTM",
        ),
        (lambda: single("LSTM", recurrent_activation="hard_sigmoid"), "recurrent_activation 'hard_sigmoid'; expected"),
        (lambda: single("LSTM", go_backwards=True), "go_backwards=True; expected a layer that reads forward"),
        (lambda: [keras.layers.LSTM(4, name="a")], "a has 0 weights; expected 3 a direction"),
        (lambda: [*single("LSTM"), *single("GRU")], "of the cells gru, lstm; expected one"),
        (lambda: [*single("LSTM"), *single("LSTM")], "layer 1 takes 3 features and has 4 units; expected 4 and 4"),
        (lambda: [keras.layers.Dense(4)], "Dense with activation"),
        (list, "there is no layer; expected LSTM, GRU, SimpleRNN, Bidirectional, got none"),
        (lambda: 3, "got int; expected a layer of Keras, a model, or a file's path"),
    ],
)
def test_what_cannot_be_the_same_is_refused(make, sentence):
    with pytest.raises(InputError, match=sentence):
        from_keras(make())


def test_merging_otherwise_than_by_concatenation_is_refused():
    layer = randomised(keras.layers.Bidirectional(keras.layers.LSTM(4), merge_mode="sum"))
    with pytest.raises(InputError, match="merge_mode='sum'; expected 'concat'"):
        from_keras(layer)


def test_weights_alone_name_what_is_missing(tmp_path):
    made = keras.Sequential([keras.Input((None, 3)), *single("LSTM")])
    made.save_weights(tmp_path / "m.weights.h5")
    with pytest.raises(InputError, match=r"weights without the model's configuration; expected a file of model\.save"):
        from_keras(tmp_path / "m.weights.h5")


def test_no_file_and_no_name_are_said(tmp_path):
    with pytest.raises(InputError, match=r"none\.keras: cannot be read"):
        from_keras(tmp_path / "none.keras")
    made = keras.Sequential([keras.Input((None, 3)), *single("LSTM", name="first")])
    made.save(tmp_path / "m.keras")
    with pytest.raises(InputError, match=r"there is no layer of the names second; expected .*, got first"):
        from_keras(tmp_path / "m.keras", layers=["second"])


def test_a_file_nested_too_deeply_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "deep.keras", "w") as archive:
        archive.writestr("config.json", "[" * 200_000)
    with pytest.raises(InputError, match=r"deep\.keras: cannot be read"):
        from_keras(tmp_path / "deep.keras")
