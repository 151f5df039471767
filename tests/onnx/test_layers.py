"""Layers as ONNX files, run by ONNX Runtime, against their equations in plain PyTorch."""

import pytest
import torch

from agreement import assert_agree, double
from calls import OF_X
from cellwright import GRU, LSTM, InputError, Recurrent
from cellwright.onnx import to_onnx
from cellwright.onnx.standard import STANDARD
from exported import OPTIONS, RAGGED, apart, nodes_of, random_state


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


# Directions and states are written by one code for all nodes and by one for all Scans: all four ways of two cells each.
WAYS = [(cell, True, True) for cell in OF_X]
WAYS += [(cell, *way) for cell in ("lstm", "gru-2014", "slstm", "janet") for way in ((False, False), (True, False))]
WAYS += [(cell, False, True) for cell in ("lstm", "gru-2014", "slstm", "janet")]


@pytest.mark.slow
@pytest.mark.parametrize(("cell", "bidirectional", "initial_state"), WAYS)
def test_every_cell(cell, bidirectional, initial_state, tmp_path, opened, same):
    layer = apart(Recurrent(cell, 3, 5, bidirectional=bidirectional))
    written = to_onnx(layer, tmp_path / "layer.onnx", initial_state=initial_state)
    kind = STANDARD[cell].op if cell in STANDARD else "Scan"
    others = {"LSTM", "GRU", "RNN", "Scan"} - {kind}
    assert kind in nodes_of(tmp_path / "layer.onnx")
    assert not others & set(nodes_of(tmp_path / "layer.onnx"))
    assert max(written.differences.values()) < 1e-5
    file = opened(tmp_path / "layer.onnx")
    for time, lengths in [(6, RAGGED), (1, torch.tensor([1])), (9, torch.tensor([2, 7]))]:
        state = random_state(layer, len(lengths)) if initial_state else None
        same(layer, file, input=torch.randn(time, len(lengths), 3), lengths=lengths, state=state)


@pytest.mark.slow
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn-relu", "mgu"])
def test_a_sequence_without_steps_keeps_its_state(cell, tmp_path, opened, same):
    layer = apart(Recurrent(cell, 3, 4, num_layers=2, bidirectional=True))
    to_onnx(layer, tmp_path / "layer.onnx", initial_state=True)
    file = opened(tmp_path / "layer.onnx")
    for lengths in (torch.tensor([0, 4, 0, 2]), torch.tensor([0, 0])):
        state = random_state(layer, len(lengths))
        same(layer, file, input=torch.randn(5, len(lengths), 3), lengths=lengths, state=state)


@pytest.mark.slow
@pytest.mark.parametrize("cell", ["lstm", "janet"])
def test_what_stands_beyond_a_length_is_not_read(cell, tmp_path, opened):
    layer = apart(Recurrent(cell, 3, 4, bidirectional=True, batch_first=True))
    to_onnx(layer, tmp_path / "layer.onnx")
    file, input = opened(tmp_path / "layer.onnx"), torch.randn(5, 6, 3)
    beyond = torch.arange(6) >= RAGGED[:, None]
    found = file(input=input, lengths=RAGGED)
    again = file(input=input.masked_fill(beyond[..., None], float("nan")), lengths=RAGGED)
    assert_agree(again, found, share=0)
    assert not found["output"][beyond].any()


# A state that is given replaces the layer's own by one code for every option, one that is learned apart.
STARTS = [(cell, options, k % 2 == 1) for k, (cell, options) in enumerate(OPTIONS)]
STARTS += [(cell, options, not given) for cell, options, given in STARTS if "learn_initial_state" in options]


@pytest.mark.slow
@pytest.mark.parametrize(("cell", "options", "initial_state"), STARTS, ids=str)
def test_every_option(cell, options, initial_state, tmp_path, opened, same):
    layer = apart(Recurrent(cell, 3, 4, **options))
    to_onnx(layer, tmp_path / "layer.onnx", initial_state=initial_state)
    assert layer.training  # left as it was, though the file is that of evaluation
    layer.eval()
    shape = (5, 6, 3) if layer.batch_first else (6, 5, 3)
    state = random_state(layer, 5) if initial_state else None
    same(layer, opened(tmp_path / "layer.onnx"), input=torch.randn(shape), lengths=RAGGED, state=state)


@pytest.mark.slow
@pytest.mark.parametrize("cell", ["gru", "coupled", "ligru"])
def test_without_lengths_every_sequence_has_all_steps(cell, tmp_path, opened, same):
    layer = apart(Recurrent(cell, 3, 4, bidirectional=True))
    written = to_onnx(layer, tmp_path / "layer.onnx", lengths=False)
    assert [str(port) for port in written.inputs] == ["input float32 (time, batch, 3)"]
    same(layer, opened(tmp_path / "layer.onnx"), input=torch.randn(7, 2, 3))


@pytest.mark.slow
def test_float64_is_a_scan_for_onnx_runtime_has_no_such_node(tmp_path, opened, same):
    layer = apart(LSTM(3, 4, bidirectional=True, dtype=torch.float64))
    written = to_onnx(layer, tmp_path / "layer.onnx")
    assert written.layers == ("a Scan, for ONNX Runtime has these nodes in float32 only",)
    input = torch.randn(6, 5, 3, dtype=torch.float64)
    same(layer, opened(tmp_path / "layer.onnx"), input=input, lengths=RAGGED, share=1e-13)


class Model(torch.nn.Module):
    """A user's module: an embedding, a layer whose state is cut in mid-sequence, two results."""

    def __init__(self, cell, **call):
        super().__init__()
        self.embedding = torch.nn.Embedding(9, 3)
        self.layer = apart(Recurrent(cell, 3, 4, batch_first=True, bidirectional=True, learn_initial_state=True))
        self.call = call

    def forward(self, ids, reset, lengths):
        output, state, *_ = self.layer(self.embedding(ids), lengths=lengths, reset=reset, **self.call)
        return output.sum(-1), state if isinstance(state, torch.Tensor) else state[0]


def inputs_of(batch, time):
    ids = torch.randint(0, 9, (batch, time))
    return {"ids": ids, "reset": torch.rand(batch, time) < 0.3, "lengths": torch.randint(1, time, (batch,))}


AXES = {"ids": ("batch", "time"), "reset": ("batch", "time"), "lengths": ("batch",)}


@pytest.mark.slow
@pytest.mark.parametrize("cell", ["gru", "layer-norm-lstm"])
def test_a_model_with_resets(cell, tmp_path, opened):
    model = Model(cell)
    example = {name: (value, AXES[name]) for name, value in inputs_of(3, 5).items()}
    written = to_onnx(model, tmp_path / "model.onnx", example)
    assert [port.shape for port in written.inputs] == [*AXES.values()]
    given = inputs_of(6, 12)
    found = opened(tmp_path / "model.onnx")(**given)
    with torch.no_grad():
        output, state = double(model.eval())(**given)
    assert_agree(found, {"output_0": output, "output_1": state})


def test_gates_are_refused(tmp_path):
    example = {name: (value, AXES[name]) for name, value in inputs_of(3, 5).items()}
    with pytest.raises(InputError, match="asked for its gates; call it without return_gates"):
        to_onnx(Model("lstm", return_gates=True), tmp_path / "model.onnx", example)
    assert not list(tmp_path.iterdir())


def test_a_module_needs_examples(tmp_path):
    with pytest.raises(InputError, match="to_onnx: a Linear without inputs; expected an example of each argument"):
        to_onnx(torch.nn.Linear(2, 3), tmp_path / "model.onnx")


@pytest.mark.parametrize(
    ("shape", "axes", "message"),
    [
        ((3, 5), ("batch",), "the example of ids has 2 dimensions and 1 names; expected one each"),
        ((1, 5), ("batch", "time"), "the example of ids has 1 in its free dimension batch; expected at least 2"),
    ],
)
def test_an_example_is_as_its_names_say(shape, axes, message, tmp_path):
    with pytest.raises(InputError, match=message):
        to_onnx(torch.nn.Embedding(3, 2), tmp_path / "m.onnx", {"ids": (torch.zeros(shape).long(), axes)})


def test_a_free_dimension_that_is_fixed_is_an_error(tmp_path):
    class Fixed(torch.nn.Module):
        def forward(self, x):
            return x + torch.zeros(len(x))  # len gives a number, which fixes it

    with pytest.raises(Exception, match="batch"):
        to_onnx(Fixed(), tmp_path / "m.onnx", {"x": (torch.zeros(3), ("batch",))})
    assert not list(tmp_path.iterdir())


def test_half_precision_is_refused(tmp_path):
    message = r"the layer is torch.bfloat16 on cpu; expected float32 or float64 on the CPU: layer.float\(\).cpu\(\)"
    with pytest.raises(InputError, match=message):
        to_onnx(LSTM(2, 3).bfloat16(), tmp_path / "m.onnx")


def test_a_file_that_is_there_stays_unless_it_may_be_replaced(tmp_path):
    path = tmp_path / "layer.onnx"
    path.write_bytes(b"mine")
    with pytest.raises(InputError, match=r"layer.onnx: is there already; .*--overwrite to replace it"):
        to_onnx(GRU(2, 3), path)
    assert path.read_bytes() == b"mine"
    assert to_onnx(GRU(2, 3), path, overwrite=True).bytes == path.stat().st_size


def test_a_folder_that_is_not_there_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match=r"no/layer.onnx: there is no folder"):
        to_onnx(GRU(2, 3), tmp_path / "no" / "layer.onnx")


def test_no_file_whose_numbers_are_others(tmp_path, monkeypatch):
    wrong = STANDARD["lstm"].__class__("LSTM", "ifog")  # two gates exchanged
    monkeypatch.setitem(STANDARD, "lstm", wrong)
    with pytest.raises(InputError, match=r"not written, for in ONNX Runtime .* output differs by .*; expected at most"):
        to_onnx(apart(LSTM(2, 3)), tmp_path / "layer.onnx")
    assert not list(tmp_path.iterdir())


def test_a_file_tells_nothing_of_the_machine(tmp_path):
    to_onnx(Recurrent("mgu", 2, 3), tmp_path / "layer.onnx")
    content = (tmp_path / "layer.onnx").read_bytes()
    assert b".py" not in content
    assert str(tmp_path).encode() not in content
