"""Layers whose weights are packed once."""

from __future__ import annotations

import copy
import io

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations
from torch.nn.utils.rnn import pack_padded_sequence

import cellwright
from calls import driven
from cellwright.backends.kernels import panels
from cellwright.cells import PER_SEQUENCE
from cellwright.cells.language import State, tanh

X = torch.randn(7, 5, 12, generator=torch.Generator().manual_seed(0))


@pytest.fixture(autouse=True)
def _kernels():
    with cellwright.use_backend("compiled"):
        yield


def layer_of(cell: str = "lstm", **options) -> cellwright.Recurrent:
    torch.manual_seed(0)
    return cellwright.Recurrent(cell, 12, 20, **options).eval()


def counted(monkeypatch) -> list[int]:
    """How often weights are packed."""
    packings: list[int] = []
    original = panels.pack_weights
    monkeypatch.setattr(panels, "pack_weights", lambda *a: (packings.append(1), original(*a))[1])
    return packings


@pytest.mark.parametrize("options", [{}, {"num_layers": 2, "bidirectional": True}, {"proj_size": 6}], ids=str)
@pytest.mark.parametrize("cell", ["lstm", "gru", "peephole"])
def test_a_frozen_layer_gives_the_same_bits_and_packs_once_a_layer(monkeypatch, cell, options):
    if cell != "lstm" and "proj_size" in options:
        pytest.skip("only the LSTM is projected")
    layer = layer_of(cell, **options)
    with torch.inference_mode():
        wanted = layer(X, lengths=[7, 3, 0, 5, 1])
        packings = counted(monkeypatch)
        layer.freeze()
        for _ in range(3):
            found = layer(X, lengths=[7, 3, 0, 5, 1])
            assert torch.equal(found[0], wanted[0])
    assert len(packings) == layer.num_layers


def test_each_precision_is_packed_of_its_own():
    layer = layer_of().freeze()
    with torch.no_grad():
        for word in ("highest", "medium", "highest", "medium"):
            with cellwright.use_matmul_precision(word):
                assert torch.equal(layer(X)[0], layer_of()(X)[0])


def test_a_call_that_would_want_a_gradient_is_refused():
    layer = layer_of().freeze()
    with pytest.raises(RuntimeError, match="Recurrent: the layer is frozen, and this call would want a gradient"):
        layer(X)
    assert layer.unfreeze()(X)[0].requires_grad


def test_of_parameters_without_gradients_an_input_with_one_is_refused():
    layer = layer_of().requires_grad_(False).freeze()
    assert layer(X)[0].shape == (7, 5, 20)
    with pytest.raises(RuntimeError, match="would want a gradient"):
        layer(pack_padded_sequence(X.clone().requires_grad_(), [7] * 5))


PACKED = pack_padded_sequence(X, [7] * 5)
WANTING = {
    "input": lambda g: ([g(X)], {}),
    "input and lengths": lambda g: ([g(X)], {"lengths": [7, 3, 0, 5, 1]}),
    "packed": lambda g: ([PACKED._replace(data=g(PACKED.data))], {}),
    "h": lambda g: ([X, (g(torch.zeros(1, 5, 20)), torch.zeros(1, 5, 20))], {}),
    "c and lengths": lambda g: ([X, (torch.zeros(1, 5, 20), g(torch.zeros(1, 5, 20)))], {"lengths": [7, 3, 0, 5, 1]}),
    "c, packed": lambda g: ([PACKED, (torch.zeros(1, 5, 20), g(torch.zeros(1, 5, 20)))], {}),
    "input and gates": lambda g: ([g(X)], {"return_gates": True}),
    "input and last": lambda g: ([g(X)], {"return_sequences": False}),
}
REFUSED = "the layer is frozen, and this call would want a gradient"


@pytest.mark.parametrize("kept", [None, "int8"])
@pytest.mark.parametrize("wanting", WANTING)
def test_whatever_of_a_call_wants_a_gradient_it_is_refused(wanting, kept):
    """The backward pass of int8 read panels that it cannot read, and ended the process."""
    layer = layer_of().requires_grad_(False).freeze(kept)
    given, named = WANTING[wanting](lambda t: t.clone().requires_grad_())
    with pytest.raises(RuntimeError, match=REFUSED):
        layer(*given, **named)
    with torch.no_grad():
        found = layer(*given, **named)[0]
    given, named = WANTING[wanting](torch.Tensor.detach)
    assert torch.equal(layer(*given, **named)[0].data, found.data)


@cellwright.cell(projections="a", gates="", inputs="rain", state="h", parameters={"rate": PER_SEQUENCE})
def watered(x, u, s, p):
    """Reads an input and a parameter beside what W multiplies."""
    return State(h=tanh(x.a + u.a) * p.rate + x.rain)


@pytest.mark.parametrize("kept", [None, "int8"])
@pytest.mark.parametrize("wanting", ["rain", "rate"])
def test_what_comes_beside_the_input_is_refused_alike(wanting, kept):
    layer = layer_of(watered).requires_grad_(False).freeze(kept)
    given = {"rain": torch.rand(7, 5), "rate": torch.rand(5)}
    beside = {"inputs": {"rain": given["rain"]}, "parameters": {"rate": given["rate"]}}
    assert not layer(X, **beside)[0].requires_grad
    given[wanting].requires_grad_()
    with pytest.raises(RuntimeError, match=REFUSED):
        layer(X, **beside)


@pytest.mark.parametrize("kept", [None, "int8"])
def test_an_input_of_a_mapping_is_refused_alike(kept):
    layer, drive = cellwright.Recurrent(driven, 20, 20).requires_grad_(False).freeze(kept), torch.rand(7, 5)
    assert not layer({"drive": drive})[0].requires_grad
    with pytest.raises(RuntimeError, match=REFUSED):
        layer({"drive": drive.requires_grad_()})


@pytest.mark.parametrize("wrong", [None, [1, 2], 3, "x"])
def test_what_is_no_input_and_no_state_is_refused_as_ever(wrong):
    for given in ([wrong], [X, wrong]) if wrong is not None else ([wrong],):
        messages = []
        for layer in (layer_of(), layer_of().freeze()):
            with torch.no_grad(), pytest.raises((TypeError, RuntimeError, ValueError)) as caught:
                layer(*given)
            messages.append(str(caught.value))
        assert messages[0] == messages[1]


@pytest.mark.parametrize("kept", [None, "int8"])
def test_a_learned_initial_state_is_one_of_the_weights(kept):
    """One that wanted a gradient was not looked at, and a changed one not noticed by calls that were bound before."""
    layer = layer_of(learn_initial_state=True).requires_grad_(False)
    layer.initial_c.requires_grad_()
    layer.freeze(kept)
    with pytest.raises(RuntimeError, match=REFUSED):
        layer(X)
    with torch.no_grad():
        layer(X)
        layer.initial_c.add_(1)
        with pytest.raises(RuntimeError, match="the weights have changed since freeze"):
            layer(X)
        assert torch.equal(layer.freeze()(X)[0], layer.unfreeze()(X)[0])


@pytest.mark.parametrize("change", ["load_state_dict", "step", "replace", "data"])
def test_weights_that_have_changed_are_noticed(change):
    layer = layer_of().freeze()
    if change == "load_state_dict":
        layer.load_state_dict(layer_of().state_dict())
    elif change == "step":
        with torch.no_grad():
            layer.weight_ih_l0.add_(1)
    elif change == "data":
        layer.weight_ih_l0.data = layer.weight_ih_l0.detach() + 1
    else:
        layer.weight_ih_l0 = nn.Parameter(layer.weight_ih_l0.detach().clone())
    with torch.no_grad(), pytest.raises(RuntimeError, match="the weights have changed since freeze"):
        layer(X)
    with torch.no_grad():
        assert torch.equal(layer.freeze()(X)[0], layer.unfreeze()(X)[0])


def test_a_stream_of_a_frozen_layer_is_refused_alike():
    """It went on from what was packed before."""
    layer = layer_of().freeze()
    stream = layer.stream(batch=5)
    assert torch.equal(stream.step(X[0]), layer_of().stream(batch=5).step(X[0]))
    with torch.no_grad():
        layer.weight_hh_l0.add_(1)
    for go_on in (lambda: stream.step(X[1]), lambda: stream.feed(X)):
        with pytest.raises(RuntimeError, match="the weights have changed since freeze"):
            go_on()


def test_small_calls_of_torchs_own_kernels_are_refused_alike():
    layer = cellwright.LSTM(12, 20).freeze()
    with cellwright.use_backend("torch"), pytest.raises(RuntimeError, match="LSTM: the layer is frozen"):
        layer(X)
    with torch.no_grad():
        layer.weight_hh_l0.add_(1)
    with cellwright.use_backend("torch"), torch.no_grad(), pytest.raises(RuntimeError, match="LSTM: the weights have"):
        layer(X)


def test_a_computed_weight_is_refused():
    layer = parametrizations.weight_norm(cellwright.LSTM(12, 20), "weight_ih_l0")
    with pytest.raises(ValueError, match=r"LSTM\.freeze: weight_ih_l0 is computed at each call"):
        layer.freeze()


def test_copies_and_files_are_not_frozen():
    layer = layer_of().freeze()
    with torch.no_grad():
        layer(X)
    file = io.BytesIO()
    torch.save(layer, file)
    file.seek(0)
    assert layer.frozen
    for other in (copy.deepcopy(layer), torch.load(file, weights_only=False)):
        assert not other.frozen
        assert other(X)[0].requires_grad


def test_a_model_is_frozen_layer_by_layer():
    model = nn.Sequential(cellwright.GRU(12, 20), nn.Identity())
    assert cellwright.freeze(model) == ["0"]
    assert model[0].frozen
    with pytest.raises(ValueError, match="freeze: Tanh has no recurrent layer of cellwright's in it"):
        cellwright.freeze(nn.Tanh())


def test_a_projection_is_packed_once(monkeypatch):
    layer, packings = layer_of(proj_size=6).freeze(), []
    original = panels.pack
    monkeypatch.setattr(panels, "pack", lambda *a: (packings.append(1), original(*a))[1])
    with torch.inference_mode():
        for lengths in ([7, 3, 0, 5, 1], [7, 7, 7, 7, 6]):
            layer(X, lengths=lengths)
    assert len(packings) == 1
