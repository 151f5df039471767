"""Layers of a file of ONNX, as our export and torch's write it and by hand, against ours and the reference
evaluator."""

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

import cellwright
from cellwright import InputError
from cellwright.weights import from_onnx


def made(op, arrays, inputs=(), constant=True, **attributes):
    """A model of one node on X (5, 2, 3), of float32 arrays by the names of its inputs."""
    order = ("X", "W", "R", "B", "", "initial_h", "initial_c", "P")
    names = [name if name in arrays or name in ("X", *inputs) else "" for name in order]
    while not names[-1]:
        names.pop()
    values = [helper.make_tensor_value_info("X", TensorProto.FLOAT, None)]
    values += [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in inputs]
    node = helper.make_node(op, names, ["Y"], name="node", hidden_size=4, **attributes)
    graph = helper.make_graph(
        [node],
        "graph",
        values,
        [helper.make_tensor_value_info("Y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(each, name) for name, each in arrays.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=9)


def arrays(gates, directions=1, **more):
    draw = np.random.default_rng(0)
    shapes = {
        "W": (directions, gates * 4, 3),
        "R": (directions, gates * 4, 4),
        "B": (directions, 2 * gates * 4),
        **more,
    }
    return {name: draw.normal(0, 0.6, shape).astype("float32") for name, shape in shapes.items()}


def of_runtime(model):
    """(T, B, D·H) of the reference evaluator, and the input."""
    x = np.random.default_rng(1).normal(size=(5, 2, 3)).astype("float32")
    y = ReferenceEvaluator(model).run(None, {"X": x})[0]
    return x, y.transpose(0, 2, 1, 3).reshape(5, 2, -1)


LBR = {"linear_before_reset": 1}


@pytest.mark.parametrize(
    ("cell", "op", "given", "attributes"),
    [
        ("lstm", "LSTM", arrays(4), {}),
        ("peephole", "LSTM", arrays(4, P=(1, 12)), {}),
        ("gru", "GRU", arrays(3), LBR),
        ("gru-2014", "GRU", arrays(3), {}),
        ("rnn", "RNN", arrays(1), {}),
    ],
)
def test_numbers_are_those_of_the_reference_evaluator(cell, op, given, attributes):
    model = made(op, given, **attributes)
    x, y = of_runtime(model)
    layer = from_onnx(model)
    assert layer.cell.name == cell
    assert np.abs(layer(torch.from_numpy(x))[0].detach().numpy() - y).max() < 1e-6


@pytest.mark.parametrize("cell", ["lstm", "gru", "gru-2014", "rnn", "rnn-relu", "relu-lstm", "peephole", "coupled"])
def test_a_layer_comes_back_from_our_export(cell, tmp_path):
    """Stacked, in both directions, with lengths."""
    layer = cellwright.Recurrent(cell, 3, 4, num_layers=2, bidirectional=True)
    x, lengths = torch.randn(5, 3, 3), torch.tensor([5, 1, 3])
    cellwright.to_onnx(layer, tmp_path / "m.onnx", lengths=True)
    back = from_onnx(tmp_path / "m.onnx")
    assert back.cell.name == cell
    found, expected = (each(x, lengths=lengths)[0] for each in (back, layer))
    assert (found - expected).abs().max() < 1e-6


def test_a_constant_state_is_the_initial_one():
    given = arrays(4, directions=2, initial_h=(2, 1, 4), initial_c=(2, 1, 4))
    given = {name: np.repeat(a, 2, 1) if name.startswith("initial") else a for name, a in given.items()}
    layer = from_onnx(made("LSTM", given, direction="bidirectional"))
    assert np.array_equal(layer.initial_h.detach().numpy(), given["initial_h"][:, 0])
    assert np.array_equal(layer.initial_c.detach().numpy(), given["initial_c"][:, 0])


def test_a_state_from_outside_is_that_of_the_call():
    layer = from_onnx(made("GRU", arrays(3), inputs=("initial_h",), **LBR))
    assert not layer.learn_initial_state


def test_the_layout_of_the_node_is_that_of_the_layer():
    assert from_onnx(made("RNN", arrays(1), layout=1)).batch_first
    assert not from_onnx(made("RNN", arrays(1))).batch_first


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        (lambda: made("GRU", arrays(3), activations=["Relu", "Tanh"]), "activations Relu.Tanh"),
        (lambda: made("LSTM", arrays(4), clip=3.0), "clip=3; expected a node that clips nothing"),
        (lambda: made("LSTM", arrays(4), activations=["Sigmoid", "Elu", "Tanh"]), "activations Sigmoid.Elu.Tanh"),
        (lambda: made("LSTM", arrays(4), direction="reverse"), "direction=reverse; expected forward or bidirectional"),
        (lambda: made("RNN", {"W": arrays(1)["W"]}, inputs=("R",)), "R is computed in the file; expected a constant"),
        (lambda: made("LSTM", {**arrays(4), "B": arrays(3)["B"]}), r"B has shape \(1, 24\); expected \(1, 32\)"),
        (
            lambda: made("RNN", {**arrays(1), "initial_h": np.eye(2, 4, dtype="float32")[None]}),
            "constant h differs from sequence to sequence",
        ),
    ],
)
def test_what_cannot_be_the_same_is_refused(model, sentence):
    with pytest.raises(InputError, match=sentence):
        from_onnx(model())


def test_a_missing_file_and_node_are_said(tmp_path):
    with pytest.raises(InputError, match=r"none\.onnx: cannot be read"):
        from_onnx(tmp_path / "none.onnx")
    (tmp_path / "text.onnx").write_text("no ONNX at all")
    with pytest.raises(InputError, match=r"text\.onnx: cannot be read"):
        from_onnx(tmp_path / "text.onnx")
    with pytest.raises(InputError, match="no node of the names other; expected LSTM, GRU, RNN, got node"):
        from_onnx(made("RNN", arrays(1)), nodes=["other"])
    onnx.save(made("RNN", arrays(1)), tmp_path / "m.onnx")
    assert from_onnx(tmp_path / "m.onnx", nodes=["node"]).hidden_size == 4
