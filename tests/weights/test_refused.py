"""Each sentence of an importer that cannot go on: what, got, expected."""

import re
from types import SimpleNamespace

import numpy as np
import pytest

import cellwright
from cellwright import InputError
from cellwright.weights import (
    from_dynet,
    from_equinox,
    from_flax,
    from_haiku,
    from_mlx,
    from_paddle,
    from_tinygrad,
    to_flax,
    to_keras,
)
from kept_numbers import kept


def ones(*shape):
    return np.ones(shape, "float32")


def lstm_of_flax_without(gate):
    """LSTMCell's parameters, where one gate lacks its bias."""
    tree = to_flax(cellwright.LSTM(3, 4))[0][0]
    return tree | {gate: {"kernel": tree[gate]["kernel"]}}


GATED = {"weight_ih": ones(16, 3), "weight_hh": ones(16, 4), "bias_ih": ones(16), "bias_hh": ones(16)}


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (
            lambda: from_tinygrad({}),
            "from_tinygrad: there is no weight_ih; expected a cell with weight_ih, got nothing",
        ),
        (
            lambda: from_tinygrad(GATED | {"weight_hh": ones(16, 5)}),
            "the weights of h have shape (16, 5); expected (4·H, H)",
        ),
        (
            lambda: from_tinygrad(GATED | {"weight_ih": ones(12, 3)}),
            "the weights of x have shape (12, 3); expected (4·H, I)",
        ),
        (lambda: from_tinygrad(GATED | {"bias_ih": ones(12)}), "bias_ih has shape (12,); expected (4·H) = (16,)"),
        (lambda: from_tinygrad(GATED | {"weight_ih": ones(16)}), "a weight has shape (16,); expected matrices"),
        (lambda: from_tinygrad(GATED | {"weight_ih": None}), "weight_ih is None; expected an array"),
        (
            lambda: from_tinygrad(GATED | {"weight_ih": ["a"]}),
            "weight_ih is list of <U1; expected an array of floating",
        ),
        (lambda: from_tinygrad([]), "the layers have [] directions; expected one layer or more, of 1 or 2"),
        (lambda: from_tinygrad([(GATED,) * 3]), "the layers have [3] directions"),
        (lambda: from_tinygrad([GATED, (GATED, GATED)]), "layer 1 has 2 directions and layer 0 has 1"),
        (lambda: from_tinygrad([GATED, GATED]), "layer 1 takes 3 features and has 4 units; expected 4 and 4"),
        (
            lambda: from_tinygrad(GATED, into=cellwright.LSTM(3, 5, bidirectional=True)),
            "the layer to fill has hidden_size=5, bidirectional=True; expected hidden_size=4, bidirectional=False",
        ),
        (lambda: from_tinygrad(GATED, into=[]), "into is a list; expected a layer of this library, or None"),
        (lambda: from_tinygrad(GATED, into=cellwright.GRU(3, 4)), "has cell='gru'; expected cell='lstm'"),
        (lambda: from_tinygrad(GATED, into=cellwright.LSTM(3, 4, bias=False)), "has bias=False; expected bias=True"),
        (lambda: from_equinox(GATED | {"weight_hh": ones(20, 4)}), "there is no bias; expected a cell with bias"),
        (
            lambda: from_equinox({"weight_ih": ones(20, 3), "weight_hh": ones(20, 4), "bias": None}),
            "the weights of h have shape (20, 4); expected (4·H, H) of the cell lstm or (3·H, H) of the cell gru",
        ),
        (
            lambda: from_equinox({"weight_ih": ones(12, 3), "weight_hh": ones(12, 4), "bias": None, "bias_n": ones(5)}),
            "the bias of n has shape (5,); expected (H,) = (4,)",
        ),
        (
            lambda: from_mlx({"Wxh": ones(4, 3), "Whh": ones(4, 4)}, nonlinearity="elu"),
            "nonlinearity is 'elu'; expected tanh or relu",
        ),
        (lambda: from_mlx({"Wx": ones(12, 3), "Wh": ones(12, 4), "b": ones(12)}), "there is no bhn; expected"),
        (lambda: from_paddle({"weight": ones(3)}), "the weights are of 0 layers; expected those of one"),
        (lambda: from_paddle({}, activation="elu"), "activation is 'elu'; expected tanh or relu"),
        (
            lambda: from_paddle({f"{n}.0.cell.{w}": ones(4, 4) for n in "ab" for w in ("weight_ih", "weight_hh")}),
            "the weights are of 2 layers: a, b; expected those of one",
        ),
        (
            lambda: from_paddle({"0.cell.weight_ih": ones(20, 3), "0.cell.weight_hh": ones(20, 4)}),
            "weight_hh has shape (20, 4); expected (4·H, P), (3·H, H) or (H, H)",
        ),
        (
            lambda: from_paddle({f"{k}.cell.{w}": ones(4, 4) for k in (0, 2) for w in ("weight_ih", "weight_hh")}),
            "the layers are 0, 2; expected 0 to 1, none missing",
        ),
        (lambda: from_flax(lstm_of_flax_without("hf")), "there is no hf/bias; expected one of each of hi, hf, hg, ho"),
        (
            lambda: from_haiku({"gru": {"w_i": ones(3, 12), "w_h": ones(4, 12)}}),
            "there is no b; expected a cell with b, got w_i, w_h",
        ),
        (
            lambda: from_haiku({"mlp/linear": {"w": ones(3, 4)}}),
            "the recurrent modules are none; expected one, or layers=",
        ),
        (lambda: from_haiku({}, layers=["lstm"]), "there is no recurrent module lstm; expected one of none there"),
        (lambda: from_haiku({}, layers=[]), "layers is empty"),
        (
            lambda: from_haiku(kept("haiku")["LSTM-stack"]["params"]),
            "the recurrent modules are lstm, lstm_1; expected one",
        ),
        (lambda: from_dynet([[ones(4, 4)] * 11]), "a layer has 11 parameters; expected W_x, W_h, b"),
        (
            lambda: from_dynet([[*[ones(4, 3), ones(4, 4), ones(4)] * 2, ones(4, 4), ones(4, 4), ones(4)]]),
            "the gates of a GRU have parameters of several shapes",
        ),
        (lambda: from_dynet([(SimpleNamespace(get_parameters=lambda: [1, 2]),)]), "a direction has 2 layers; expected"),
        (lambda: from_flax([1]), "got int; expected the parameters of a cell as nested mappings"),
        (lambda: from_flax({}), "the parameters of nothing hold 0 recurrent modules"),
        (lambda: from_flax({"a": {"i": {}}, "b": {"i": {}}}), "the parameters a, b hold 2 recurrent modules; expected"),
        (
            lambda: from_flax({"i": {"kernel": ones(3, 4)}}),
            "there is no h/kernel; expected h, each with a kernel, got i",
        ),
        (
            lambda: from_flax({"i": {"kernel": ones(3, 4)}, "h": {"kernel": ones(4, 4)}}, activation="elu"),
            "a cell of 1 gates with activation 'elu'",
        ),
        (
            lambda: from_flax([kept("flax")["nnx-GRUCell"]["params"], kept("flax")["nnx-LSTMCell"]["params"]]),
            "the layers are of the cells gru, lstm; expected one",
        ),
        (lambda: to_keras(cellwright.Recurrent("mgu", 3, 4)), "to_keras: the layer's cell is mgu; expected lstm or"),
        (lambda: to_flax(cellwright.LSTM(3, 4, proj_size=2)), "to_flax: there is no layer with proj_size=2 there"),
        (lambda: to_keras(cellwright.LSTM(3, 4, zoneout=0.1)), "to_keras: there is no layer with zoneout="),
    ],
)
def test_one_sentence_says_what_is_wrong(call, sentence):
    with pytest.raises(InputError, match=re.escape(sentence)):
        call()


@pytest.mark.parametrize("dtype", ["float64", "float16"])
def test_the_layer_has_the_type_of_the_arrays(dtype):
    assert str(from_tinygrad({n: a.astype(dtype) for n, a in GATED.items()}).weight_ih_l0.dtype) == f"torch.{dtype}"


def test_an_rnn_of_mlx_says_its_nonlinearity_itself():
    def relu(x):
        return x

    def gelu(x):
        return x

    layer = SimpleNamespace(Wxh=ones(4, 3), Whh=ones(4, 4), nonlinearity=relu)
    assert from_mlx(layer).nonlinearity == "relu"
    layer.nonlinearity = gelu
    with pytest.raises(InputError, match="nonlinearity is 'gelu'; expected tanh or relu"):
        from_mlx(layer)


def builder(*spec):
    """As DyNet's: spec is layers, sizes, and of VanillaLSTMBuilder ln_lstm and forget_bias."""
    parameters = [np.zeros(shape, "float32") for shape in ((16, 3), (16, 4), (16,))]
    return SimpleNamespace(get_parameters=lambda: [parameters], spec=(1, 3, 4, *spec))


def test_a_builder_of_dynet_says_its_forget_bias_and_normalisation_itself():
    for given, expected in ((builder(False, 0.5), 0.5), (builder(), 1.0)):
        assert from_dynet(given).bias_ih_l0[4:8].tolist() == [expected] * 4
        assert from_dynet([(given, given)]).bias_ih_l0_reverse[4:8].tolist() == [expected] * 4
        assert from_dynet(given, forget_bias=2.0).bias_ih_l0[4:8].tolist() == [2.0] * 4
    with pytest.raises(InputError, match="ln_lstm=True; expected one without layer normalisation"):
        from_dynet(builder(True, 1.0))


def test_dynets_layers_are_of_the_type_that_it_computes_in():
    """Its `as_array` gives float64."""
    parameters = [np.ones(shape) for shape in ((16, 3), (16, 4), (16,))]
    builder = SimpleNamespace(get_parameters=lambda: [[SimpleNamespace(as_array=lambda a=a: a) for a in parameters]])
    assert str(from_dynet(builder).weight_ih_l0.dtype) == "torch.float32"


def test_arrays_are_opened_however_they_are_wrapped():
    """As paddle's and tinygrad's tensors, whose `detach` is not torch's, and as the states of older flax."""
    for wrap in (
        lambda a: SimpleNamespace(numpy=lambda: a, detach=lambda: None),
        lambda a: SimpleNamespace(value=a),
    ):
        layer = from_tinygrad({name: wrap(each) for name, each in GATED.items()})
        assert (layer.weight_hh_l0 == 1).all()


def test_cells_without_biases_make_layers_without():
    equinox = {"weight_ih": ones(12, 3), "weight_hh": ones(12, 4), "bias": None, "bias_n": None}
    assert not from_equinox(equinox).bias
    assert not from_tinygrad({"weight_ih": ones(16, 3), "weight_hh": ones(16, 4)}).bias


def test_a_layer_with_biases_takes_weights_without_as_zeros():
    layer = cellwright.LSTM(3, 4)
    from_tinygrad({"weight_ih": ones(16, 3), "weight_hh": ones(16, 4)}, into=layer)
    assert not layer.bias_ih_l0.any()
    assert not layer.bias_hh_l0.any()


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn", "rnn-relu"])
def test_what_flax_is_given_computes_the_same_when_it_comes_back(cell):
    """Flax's own numbers are in test_kept_numbers: the way there and back is exact where that way in is right."""
    import torch

    layer = cellwright.Recurrent(cell, 3, 4, num_layers=2, bidirectional=True, batch_first=True)
    activation = "relu" if cell == "rnn-relu" else "tanh"
    back = from_flax(to_flax(layer), activation=activation)
    x = torch.randn(3, 5, 3)
    assert (layer(x)[0] - back(x)[0]).abs().max() < 1e-6
