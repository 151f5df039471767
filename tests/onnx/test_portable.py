"""Portable files, in every runtime that is installed, against the equations in plain PyTorch."""

import importlib.util

import onnx
import pytest
import torch

from agreement import assert_agree, double
from calls import OF_X
from cellwright import LSTM, InputError, Recurrent
from cellwright.onnx import to_onnx
from exported import OPTIONS, RAGGED, apart, nodes_of, random_state

EMPTY = torch.tensor([6, 1, 0, 2, 6])


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


@pytest.mark.slow
@pytest.mark.parametrize("cell", OF_X)
def test_every_cell(cell, tmp_path, opened, same):
    layer = apart(Recurrent(cell, 3, 5, bidirectional=True))
    path = tmp_path / "layer.onnx"
    written = to_onnx(layer, path, initial_state=True, portable=True)
    assert {"ONNX Runtime", "onnx.reference"} <= {name.rsplit(" ", 1)[0] for name in written.differences}
    assert [node for node in nodes_of(path) if node in ("LSTM", "GRU", "RNN", "Scan")] == [
        {"lstm": "LSTM", "gru": "GRU", "gru-2014": "GRU", "rnn": "RNN"}.get(cell, "Scan")
    ] * 2
    for time, lengths in [(6, EMPTY), (1, torch.tensor([0, 1]))]:
        state = random_state(layer, len(lengths))
        input = torch.randn(time, len(lengths), 3)
        same(layer, opened(path, everywhere=True), input=input, lengths=lengths, state=state)


@pytest.mark.slow
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn", "janet"])
@pytest.mark.parametrize("lengths", [None, EMPTY], ids=["all steps", "lengths"])
def test_from_zeros(cell, lengths, tmp_path, opened, same):
    layer = apart(Recurrent(cell, 3, 4, bidirectional=True, batch_first=True))
    to_onnx(layer, tmp_path / "layer.onnx", lengths=lengths is not None, portable=True)
    file = opened(tmp_path / "layer.onnx", everywhere=True)
    same(layer, file, input=torch.randn(5, 6, 3), lengths=lengths)


@pytest.mark.slow
@pytest.mark.parametrize(("cell", "options"), OPTIONS, ids=str)
def test_every_option(cell, options, tmp_path, opened, same):
    layer = apart(Recurrent(cell, 3, 4, **options)).eval()
    to_onnx(layer, tmp_path / "layer.onnx", portable=True)
    shape = (5, 6, 3) if layer.batch_first else (6, 5, 3)
    same(layer, opened(tmp_path / "layer.onnx", everywhere=True), input=torch.randn(shape), lengths=RAGGED)


class Resets(torch.nn.Module):
    """Sequences cut in mid-way, whose last step may be a cut too."""

    def __init__(self, cell):
        super().__init__()
        self.layer = apart(Recurrent(cell, 3, 4, batch_first=True, bidirectional=True, learn_initial_state=True))

    def forward(self, input, reset, lengths):
        return self.layer(input, lengths=lengths, reset=reset)[0]


def inputs_of(batch, time):
    lengths = torch.randint(1, time + 1, (batch,))
    return {"input": torch.randn(batch, time, 3), "reset": torch.rand(batch, time) < 0.4, "lengths": lengths}


@pytest.mark.slow
@pytest.mark.parametrize("cell", ["lstm", "layer-norm-gru"])
def test_resets(cell, tmp_path, opened):
    model, axes = Resets(cell), {"input": ("batch", "time", None), "reset": ("batch", "time"), "lengths": ("batch",)}
    to_onnx(model, tmp_path / "m.onnx", {n: (v, axes[n]) for n, v in inputs_of(3, 5).items()}, portable=True)
    given = inputs_of(7, 9)
    with torch.no_grad():
        expected = double(model.eval())(**double(given))
    assert_agree(opened(tmp_path / "m.onnx", everywhere=True)(**given)["output"], expected)


def test_the_c_of_an_lstm_is_held_through_any_padding(tmp_path, opened):
    layer = apart(LSTM(3, 16))
    to_onnx(layer, tmp_path / "layer.onnx", portable=True)
    file, input = opened(tmp_path / "layer.onnx", everywhere=True), torch.randn(4, 2, 3)
    held = file(input=torch.cat([input, torch.randn(500, 2, 3)]), lengths=torch.tensor([4, 2]))["c_n"]
    for row, length in enumerate([4, 2]):
        own = double(layer)(double(input[:length, row]))[1][1]
        assert_agree(held[:, row], own)


@pytest.mark.slow
def test_c_is_held_only_where_it_is_read(tmp_path):
    class Outputs(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = LSTM(3, 4)

        def forward(self, input, lengths):
            return self.layer(input, lengths=lengths)[0]

    def width(path):
        (node,) = (node for node in onnx.load(path).graph.node if node.op_type == "LSTM")
        return next(w.dims[2] for w in onnx.load(path).graph.initializer if w.name == node.input[1])

    inputs = {
        "input": (torch.randn(5, 3, 3), ("time", "batch", None)),
        "lengths": (torch.tensor([5, 2, 3]), ("batch",)),
    }
    to_onnx(Outputs(), tmp_path / "output.onnx", inputs, portable=True)
    to_onnx(LSTM(3, 4), tmp_path / "layer.onnx", portable=True)
    assert (width(tmp_path / "output.onnx"), width(tmp_path / "layer.onnx")) == (3, 4)


@pytest.mark.slow
@pytest.mark.parametrize("cell", ["lstm", "gru", "janet"])
def test_what_stands_beyond_a_length_is_not_read(cell, tmp_path, opened):
    layer = apart(Recurrent(cell, 3, 4, bidirectional=True, batch_first=True))
    to_onnx(layer, tmp_path / "layer.onnx", portable=True)
    file, input = opened(tmp_path / "layer.onnx", everywhere=True), torch.randn(5, 6, 3)
    beyond = torch.arange(6) >= EMPTY[:, None]
    found = file(input=input, lengths=EMPTY)
    again = file(input=input.masked_fill(beyond[..., None], float("nan")), lengths=EMPTY)
    assert_agree(again, found, share=0)
    assert not found["output"][beyond].any()


@pytest.mark.slow
def test_nothing_that_a_runtime_leaves_unread(tmp_path):
    for cell in ("lstm", "coupled"):
        to_onnx(Recurrent(cell, 2, 3, bidirectional=True), tmp_path / "layer.onnx", portable=True, overwrite=True)
        graph = onnx.load(tmp_path / "layer.onnx").graph
        for node in graph.node:
            if node.op_type in ("LSTM", "Scan"):
                kept = {a.name for a in node.attribute}
                assert kept <= {"hidden_size", "direction", "body", "num_scan_inputs"}
                assert not any(a.s == b"bidirectional" for a in node.attribute)
            assert node.op_type != "LSTM" or node.input[4] == ""  # sequence_lens


def test_the_logarithm_of_a_probability_that_is_0(tmp_path, opened):
    class Logarithms(torch.nn.Module):
        def forward(self, input):
            return torch.log_softmax(input, -1, dtype=torch.float32)

    input = torch.tensor([[0.0, 300.0, -20.0], [1.0, 2.0, 3.0]])
    to_onnx(Logarithms(), tmp_path / "m.onnx", {"input": (input, ("batch", None))}, portable=True)
    found = opened(tmp_path / "m.onnx", everywhere=True)(input=input)["output"]
    assert_agree(found, torch.log_softmax(double(input), -1))


# --- the comparison ------------------------------------------------------------------------------------
def test_a_file_that_another_runtime_computes_otherwise_is_not_written(tmp_path):
    with pytest.raises(InputError, match=r"not written, for in onnx\.reference [\d.]+ .* differs by .*portable"):
        to_onnx(apart(LSTM(2, 3)), tmp_path / "layer.onnx", check=["onnx.reference"])
    assert not list(tmp_path.iterdir())


def test_a_file_that_another_runtime_refuses_is_not_written(tmp_path):
    layer = apart(Recurrent("rnn-relu", 2, 3))
    with pytest.raises(InputError, match=r"in onnx.reference [\d.]+ it does not run \(Unknown activation function"):
        to_onnx(layer, tmp_path / "layer.onnx", check=["onnx.reference"])
    assert not list(tmp_path.iterdir())


def test_only_the_named_runtimes_are_asked(tmp_path):
    written = to_onnx(LSTM(2, 3), tmp_path / "layer.onnx", portable=True, check=["onnx.reference", "onnx.reference"])
    assert [*written.differences] == [f"onnx.reference {onnx.__version__}"]
    assert not written.missing


def test_an_unknown_runtime(tmp_path):
    expected = "--check tvm: no such runtime; expected one of onnxruntime, openvino, onnx.reference"
    with pytest.raises(InputError, match=expected):
        to_onnx(LSTM(2, 3), tmp_path / "layer.onnx", check=["tvm"])


@pytest.mark.skipif(importlib.util.find_spec("openvino") is None, reason="openvino is not installed")
@pytest.mark.parametrize("cell", ["lstm", "peephole", "coupled"])
def test_openvino_leaves_lengths_peepholes_and_input_forget_unread(cell, tmp_path):
    layer = apart(Recurrent(cell, 2, 3))
    with pytest.raises(InputError, match=r"not written, for in OpenVINO [\d.]+ .* differs by"):
        to_onnx(layer, tmp_path / "layer.onnx", check=["openvino"])
    assert to_onnx(layer, tmp_path / "layer.onnx", check=["openvino"], portable=True).differences
