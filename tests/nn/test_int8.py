"""Layers frozen with weights of int8."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

import cellwright
from agreement import assert_agree, double
from calls import driven
from cellwright.backends import dispatch
from cellwright.backends.kernels import int8_panels
from cellwright.backends.kernels.backward import backward
from cellwright.compiler.units import INT8_UNIT, microkernel
from cellwright.nn import stack

X = torch.randn(9, 5, 12, generator=torch.Generator().manual_seed(0))
LENGTHS = [9, 3, 0, 5, 1]
SHAPES = [{}, {"num_layers": 2, "bidirectional": True}, {"batch_first": True}]


def layer_of(cell: str = "lstm", **options) -> cellwright.Recurrent:
    torch.manual_seed(0)
    return cellwright.Recurrent(cell, 12, 20, **options).eval()


def rounded(weight: torch.Tensor) -> torch.Tensor:
    """The nearest numbers of which each row's largest is 127 times a step."""
    step = weight.double().abs().amax(1, keepdim=True) / 127
    return (weight.double() / step).round() * step


@pytest.mark.parametrize("options", SHAPES, ids=str)
@pytest.mark.parametrize(("cell", "theirs"), [("lstm", nn.LSTM), ("gru", nn.GRU), ("rnn", nn.RNN)])
def test_it_computes_what_torchs_layer_does_of_rounded_weights(cell, theirs, options):
    layer, exact = layer_of(cell, **options), theirs(12, 20, **options).double().eval()
    exact.load_state_dict({n: rounded(w) if w.dim() == 2 else w.double() for n, w in layer.state_dict().items()})
    with torch.no_grad():
        wanted, state = exact(X.double())
        found, end = layer.freeze(weights="int8")(X)
    assert_agree((found, end), (wanted, state), 1e-4)


@pytest.mark.parametrize("cell", ["lstm", "gru", "peephole", "layer-norm-lstm", "minlstm"])
@pytest.mark.parametrize("options", [*SHAPES[:2], {"proj_size": 6}], ids=str)
def test_a_sequences_bits_are_its_own_in_any_batch_on_any_unit_and_threads(monkeypatch, cell, options):
    if cell != "lstm" and "proj_size" in options:
        pytest.skip("only the LSTM is projected")
    layer = layer_of(cell, **options).freeze(weights="int8")
    with torch.inference_mode():
        whole = layer(X, lengths=LENGTHS)[0]
        for b, n in enumerate(LENGTHS):
            if n:
                assert torch.equal(layer(X[:n, b])[0], whole[:n, b])
        others = {"amx": ("vnni", "plain"), "vnni": ("pmaddwd", "plain")}
        for unit in others.get(microkernel("int8").name, ("emulated amx",)):
            monkeypatch.setenv(INT8_UNIT, unit)
            assert torch.equal(layer(X, lengths=LENGTHS)[0], whole)


def test_threads_that_share_a_sequence_give_the_same_bits():
    torch.manual_seed(0)
    layer, x = cellwright.LSTM(256, 256).eval().freeze(weights="int8"), torch.randn(60, 1, 256)
    before = torch.get_num_threads()
    try:
        with torch.inference_mode():
            found = []
            for threads in (1, 2):
                torch.set_num_threads(threads)
                found.append(layer(x)[0])
    finally:
        torch.set_num_threads(before)
    assert torch.equal(*found)


@pytest.mark.parametrize("options", [{}, {"num_layers": 2}, {"proj_size": 6}], ids=str)
def test_a_stream_gives_the_bits_of_the_whole_sequence(options):
    layer = layer_of(**options).freeze(weights="int8")
    with torch.inference_mode():
        whole, stream = layer(X)[0], layer.stream(batch=5)
        steps = [stream.step(X[t]) for t in range(4)]
        assert torch.equal(torch.stack(steps), whole[:4])
        assert torch.equal(stream.feed(X[4:]), whole[4:])


def test_resets_gates_and_states_are_those_of_a_layer_of_rounded_weights():
    layer = layer_of("peephole")
    near = double(layer)
    near.load_state_dict({n: rounded(w) if w.dim() == 2 else w for n, w in layer.state_dict().items()})
    reset = torch.zeros(9, 5, dtype=torch.bool)
    reset[4, 2] = True
    hx = tuple(torch.randn(1, 5, 20) for _ in range(2))
    with torch.no_grad(), cellwright.use_backend("reference"):
        wanted = near(X.double(), double(hx), reset=reset, return_gates=True)
    with torch.no_grad():
        found = layer.freeze(weights="int8")(X, hx, reset=reset, return_gates=True)
    assert_agree(found, wanted, 1e-4)


def test_the_error_is_measured_on_a_sample_and_said():
    layer = layer_of()
    assert layer.freeze().frozen_error is None
    error = layer.freeze(weights="int8", sample=X).frozen_error
    with torch.no_grad():
        exact = copy.deepcopy(layer).double()(X.double())[0]
        found = (layer(X)[0].double() - exact).abs().max() / exact.abs().max()
    assert error.int8 == pytest.approx(float(found))
    assert 0 < error.float32 < 1e-6 < error.int8 < 0.02
    reason = f"freeze(weights='int8'), which errs by {error.int8:.1e} of the largest output of its sample"
    assert layer.explain(X).name == "compiled"
    assert str(layer.explain(X)).endswith(reason)
    assert "weights of int8 by " in str(layer.explain(X))


def test_parameters_and_state_dict_stay_as_they_are():
    layer = layer_of()
    before = {name: value.clone() for name, value in layer.state_dict().items()}
    layer.freeze(weights="int8")
    with torch.no_grad():
        layer(X)
    assert {n: v.dtype for n, v in layer.state_dict().items()} == {n: v.dtype for n, v in before.items()}
    assert all(torch.equal(value, before[name]) for name, value in layer.state_dict().items())
    with torch.no_grad():
        assert torch.equal(layer.unfreeze()(X)[0], layer_of()(X)[0])


def test_within_autocast_and_of_bfloat16_it_computes_and_gives_their_types():
    layer = layer_of().freeze(weights="int8")
    with torch.no_grad():
        wanted = layer(X)[0]
        with torch.autocast("cpu", torch.bfloat16):
            assert torch.equal(layer(X)[0], wanted.bfloat16())
        small = layer_of().bfloat16().freeze(weights="int8")
        assert (small(X.bfloat16())[0].float() - wanted).abs().max() < 0.02


def test_an_infinity_stays_in_its_sequence():
    layer, x = layer_of().freeze(weights="int8"), X.clone()
    x[2, 1, 3] = torch.inf
    with torch.no_grad():
        found, wanted = layer(x)[0], layer(X)[0]
    assert found[2:, 1].isnan().all()
    assert torch.equal(found[:, [0, 2, 3, 4]], wanted[:, [0, 2, 3, 4]])


@pytest.mark.parametrize("name", ["torch", "reference"])
def test_other_backends_are_refused(name):
    layer = layer_of().freeze(weights="int8")
    with torch.no_grad(), cellwright.use_backend(name), pytest.raises(RuntimeError, match="weights of int8 are multip"):
        layer(X)


def test_what_kernels_cannot_compute_is_refused():
    layer = layer_of().freeze(weights="int8")
    refused = pytest.raises(RuntimeError, match=r"frozen as int8, and kernels have no forward.*; unfreeze\(\) it")
    with torch.autograd.forward_ad.dual_level(), torch.no_grad(), refused:
        layer(X)


def test_a_call_that_would_want_a_gradient_is_refused():
    with pytest.raises(RuntimeError, match="the layer is frozen, and this call would want a gradient"):
        layer_of().freeze(weights="int8")(X)


def test_changed_weights_are_noticed():
    layer = layer_of().freeze(weights="int8")
    with torch.no_grad():
        layer(X)
        layer.weight_hh_l0.mul_(2)
        with pytest.raises(RuntimeError, match="the weights have changed since freeze"):
            layer(X)


def test_programs_of_one_graph_are_refused(tmp_path):
    layer = layer_of().freeze(weights="int8").requires_grad_(False)
    for make in (
        lambda: torch.compile(layer, backend="eager", fullgraph=True)(X),
        lambda: torch.export.export(layer, (X,), strict=False),
        lambda: torch.export.export(layer, (X,), strict=True),
        lambda: torch.jit.trace(layer, (X,)),
        lambda: cellwright.to_onnx(layer, tmp_path / "layer.onnx"),
    ):
        with torch.no_grad(), pytest.raises(Exception, match="frozen as int8, which no program"):
            make()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda layer: layer.double(), "weight_ih_l0 is torch.float64"),
        (lambda layer: layer.weight_hh_l0.data.fill_(torch.nan), "weight_hh_l0 has numbers that are not finite"),
    ],
    ids=["float64", "nan"],
)
def test_weights_that_cannot_be_int8_are_refused(change, words):
    layer = layer_of()
    change(layer)
    with pytest.raises(ValueError, match=rf"Recurrent\.freeze: {words}"):
        layer.freeze(weights="int8")


def test_another_word_and_a_sample_without_int8_are_refused():
    with pytest.raises(ValueError, match="weights is 'int4'; expected 'int8'"):
        layer_of().freeze(weights="int4")
    with pytest.raises(ValueError, match="a sample and nothing to measure on it"):
        layer_of().freeze(sample=X)


def test_a_model_is_frozen_as_int8_layer_by_layer():
    model = nn.Sequential(cellwright.GRU(12, 20), nn.Identity()).eval()
    assert cellwright.freeze(model, weights="int8") == ["0"]
    assert "weights of int8" in str(model[0].explain(X))


def test_the_kernels_themselves_refuse_a_backward_pass():
    """It read their panels as those of float32, and ended the process."""
    _, (call,) = stack.calls(layer_of(), X, None)
    call = replace(call, arithmetic="int8")
    refused = pytest.raises(RuntimeError, match="kernels give no gradients of lstm with weights of int8")
    with refused:
        dispatch.layer(call)
    with refused:
        dispatch.gradients(call, X.new_zeros(45, 20), [torch.zeros(1, 5, 20)] * 2, wants_rows=True)
    with refused:
        backward(call, X, X.new_zeros(45, 20), [torch.zeros(1, 5, 20)] * 2, wants_rows=True, wants_state=True)


@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["whole", "lengths"])
def test_a_program_breaks_off_at_it_and_reads_what_was_packed_once(monkeypatch, lengths):
    layer, packings = layer_of().requires_grad_(False).freeze(weights="int8"), []
    wanted, original = layer(X, lengths=lengths)[0] * 2, int8_panels.panels
    monkeypatch.setattr(int8_panels, "panels", lambda *a: (packings.append(1), original(*a))[1])
    torch._dynamo.reset()
    program = torch.compile(lambda x: layer(x, lengths=lengths)[0] * 2, backend="eager")
    for _ in range(2):
        assert torch.equal(program(X), wanted)
    assert not packings
    with pytest.raises(RuntimeError, match="the layer is frozen, and this call would want a gradient"):
        program(X.clone().requires_grad_())


@pytest.mark.parametrize("sample", [(X, None), [X], "x", 3], ids=["tuple", "list", "word", "number"])
def test_a_sample_that_is_no_input_alone_is_refused(sample):
    layer = layer_of()
    with pytest.raises(
        TypeError, match=rf"Recurrent\.freeze: sample is {type(sample).__name__}; expected an input alone"
    ):
        layer.freeze(weights="int8", sample=sample)
    assert not layer.frozen


@pytest.mark.parametrize(
    ("sample", "got"),
    [(X / 0, "not finite"), (X * torch.nan, "not finite"), (X[:, :0], "none")],
    ids=["inf", "nan", "0"],
)
def test_a_sample_on_which_nothing_can_be_measured_is_refused(sample, got):
    layer = layer_of()
    with pytest.raises(ValueError, match=rf"Recurrent\.freeze: the layer's outputs of the sample are {got}; expected"):
        layer.freeze(weights="int8", sample=sample)
    assert not layer.frozen


def test_a_packed_sample_and_a_mapping_are_measured():
    packed = layer_of().freeze(weights="int8", sample=pack_padded_sequence(X, [9] * 5)).frozen_error
    assert packed.int8 == layer_of().freeze(weights="int8", sample=X).frozen_error.int8
    layer = cellwright.Recurrent(driven, 20, 20)
    assert 0 < layer.freeze(weights="int8", sample={"drive": torch.rand(9, 5)}).frozen_error.int8 < 0.02


def test_a_model_is_frozen_whole_or_not_at_all():
    model = nn.Sequential(layer_of(), layer_of("gru"))
    model[1].weight_hh_l0.data[0, 0] = torch.nan
    with pytest.raises(ValueError, match="weight_hh_l0 has numbers that are not finite"):
        cellwright.freeze(model, weights="int8")
    assert not model[0].frozen
    first = model[0].freeze()._frozen
    with pytest.raises(ValueError, match="not finite"):
        cellwright.freeze(model, weights="int8")
    assert model[0]._frozen is first
