"""Cells that are given more than x, as layers: what they take, and that they do all that a layer of the LSTM does."""

from __future__ import annotations

import pytest
import torch

import cellwright
from agreement import SINGLE, assert_agree
from calls import driven, without_recurrence
from cellwright import Recurrent, use_backend
from cellwright.cells import CELLS, PER_STEP, cell, registry
from cellwright.cells.derived import first_output
from cellwright.cells.language import State, tanh
from cellwright.nn import stack

T, B, H = 7, 4, 5
LENGTHS = [7, 0, 3, 5]


@cell(inputs="a b", parameters={"k": PER_STEP}, state="s", outputs="twice s")
def mixing(x, s, p):
    """Two inputs and a parameter of each step."""
    new = 0.5 * s.s + x.a * p.k - tanh(x.b)
    return State(s=new, twice=2 * new)


@cell(inputs="drive", state="v")
def leaking(x, s):
    """One input, unit by unit, so that layers of it can be stacked."""
    return State(v=0.8 * s.v + tanh(x.drive))


@cell(inputs="rain", state="store", outputs="flow spill")
def spilling(x, s):
    """Two outputs and one input, so that layers of it can be stacked."""
    full = s.store + x.rain
    flow = 0.1 * full
    return State(store=full - flow, flow=flow, spill=full - 1)


@cell(inputs="a b", state="s", outputs="s aside")
def aside(x, s):
    """An input that only the second output reads."""
    return State(s=0.5 * s.s + x.a, aside=x.a * x.b)


def test_a_mapping_and_a_tensor_say_the_same() -> None:
    a, b, k = torch.randn(T, B, 1), torch.randn(T, B, 1), torch.rand(T, B, H)
    layer = Recurrent(mixing, 2, H)
    found, state = layer({"a": a, "b": b[..., 0]}, parameters={"k": k}, lengths=LENGTHS)
    again, other = layer(torch.cat([a, b], -1), parameters={"k": k}, lengths=LENGTHS)
    assert torch.equal(found, again)
    assert torch.equal(state, other)


def test_each_output_comes_by_its_name_and_the_first_is_the_layer_s() -> None:
    layer = Recurrent(mixing, 2, H, bidirectional=True)
    output, _, every = layer(torch.randn(T, B, 2), parameters={"k": torch.rand(T, B)}, return_outputs=True)
    assert list(every) == ["twice", "s"]
    assert every["s"].shape == (T, B, 2 * H)
    assert torch.equal(output, every["twice"])
    assert_agree(every["twice"].double(), 2 * every["s"].double())


def test_outputs_that_are_not_asked_for_are_not_computed() -> None:
    """The layer's call is of its first output alone, with the same numbers and gradients; below a layer always."""
    layer, k = Recurrent(mixing, 2, H, bidirectional=True, dtype=torch.float64), torch.rand(T, B, dtype=torch.float64)
    x = torch.randn(T, B, 2, dtype=torch.float64, requires_grad=True)
    asked = {"lengths": LENGTHS, "parameters": {"k": k}}
    first, state = layer(x, **asked)
    output, other, _ = layer(x, **asked, return_outputs=True)
    assert torch.equal(first, output)
    assert torch.equal(state, other)
    assert_agree(*(torch.autograd.grad(y.square().sum(), x)[0] for y in (first, output)))
    (call,) = stack.calls(layer, x.detach(), None, **asked)[1]
    (every,) = stack.calls(layer, x.detach(), None, **asked, every=True)[1]
    assert (call.cell.results, call.columns) == (("twice",), H)
    assert (every.cell.results, every.columns) == (("twice", "s"), 2 * H)
    assert registry.find(call.cell.key) is call.cell
    below, top = stack.calls(Recurrent(spilling, 1, H, num_layers=2), torch.rand(T, B, 1), None, every=True)[1]
    assert (below.cell.results, top.cell.results) == (("flow",), ("flow", "spill"))


def test_a_cell_with_one_output_is_its_own() -> None:
    assert first_output(CELLS["lif"]) is CELLS["lif"]
    assert first_output(aside) is aside  # what it reads of b is for its second output alone


def test_batch_first_and_one_sequence_alone() -> None:
    x, k = torch.randn(T, B, 2), torch.rand(T, B, H)
    wanted, _ = Recurrent(mixing, 2, H)(x, parameters={"k": k})
    found, _ = Recurrent(mixing, 2, H, batch_first=True)(x.transpose(0, 1), parameters={"k": k.transpose(0, 1)})
    assert torch.equal(found.transpose(0, 1), wanted)
    alone, _ = Recurrent(mixing, 2, H)(x[:, 1], parameters={"k": k[:, 1]})
    assert torch.equal(alone, wanted[:, 1])


def test_layers_of_one_input_are_stacked() -> None:
    x = torch.randn(T, B, H, dtype=torch.float64)
    two, _ = Recurrent(leaking, H, H, num_layers=2)(x, lengths=LENGTHS)
    below, _ = Recurrent(leaking, H, H)(x, lengths=LENGTHS)
    assert_agree(two, Recurrent(leaking, H, H)(below, lengths=LENGTHS)[0])


@pytest.mark.parametrize("feed", ["steps", "chunks"])
def test_a_stream_is_the_whole_sequence(feed: str) -> None:
    for layer, size in (
        (Recurrent(leaking, 1, H), 1),
        (Recurrent(driven, H, H), H),
        (Recurrent(without_recurrence, 3, H), 3),
    ):
        x = torch.randn(T, B, size)
        with use_backend("compiled"), torch.no_grad():
            whole, stream = layer(x)[0], layer.stream(batch=B)
            parts = [stream.step(one) for one in x] if feed == "steps" else [stream.feed(part) for part in x.split(3)]
        assert torch.equal((torch.stack if feed == "steps" else torch.cat)(parts), whole)


def test_a_stream_hands_on_what_a_call_is_given() -> None:
    layer, x, rate = Recurrent("reservoir", 1, H), torch.rand(T, B, 1), torch.rand(B, H)
    stream = layer.stream(batch=B)
    found = torch.stack([stream.step(one, parameters={"rate": rate}) for one in x])
    assert_agree(found.double(), layer(x, parameters={"rate": rate})[0].double())


def test_gradients_of_gradients_and_of_batches() -> None:
    layer = Recurrent(mixing, 2, H)
    x, k = torch.randn(T, B, 2, dtype=torch.float64), torch.rand(T, B, H, dtype=torch.float64)

    def run(x: torch.Tensor, k: torch.Tensor) -> torch.Tensor:
        return layer(x, parameters={"k": k}, lengths=LENGTHS)[0]

    given = (x.requires_grad_(), k.requires_grad_())
    assert torch.autograd.gradcheck(run, given, fast_mode=True, check_batched_grad=True)
    assert torch.autograd.gradgradcheck(run, given, fast_mode=True)


def test_a_compiled_program_gives_the_same_with_gradients() -> None:
    torch.manual_seed(0)
    layer, rate = Recurrent("reservoir", 1, H), torch.rand(B, H)
    inflow = torch.rand(T, B, 1)
    results = []
    for run in (layer, torch.compile(layer, backend="aot_eager")):
        given = [inflow.clone().requires_grad_(), rate.clone().requires_grad_()]
        output, state = run(given[0], parameters={"rate": given[1]}, lengths=torch.tensor(LENGTHS))
        results.append([output, state, *torch.autograd.grad(output.square().sum() + state.sum(), given)])
    assert_agree([t.detach().double() for t in results[1]], [t.detach().double() for t in results[0]])


def test_an_onnx_file_gives_the_same(tmp_path) -> None:
    ort = pytest.importorskip("onnxruntime")
    torch.manual_seed(0)
    layer = Recurrent(driven, H, H).eval()
    cellwright.to_onnx(layer, tmp_path / "driven.onnx")
    session = ort.InferenceSession(tmp_path / "driven.onnx")
    x, lengths = torch.randn(T, B, H), torch.tensor(LENGTHS)
    names = [one.name for one in session.get_inputs()]
    given = dict(zip(names, (x.numpy(), lengths.numpy()), strict=True))
    output = session.run(None, given)[0]
    assert_agree(torch.from_numpy(output).double(), layer(x, lengths=LENGTHS)[0].detach().double(), SINGLE)


X = torch.zeros(T, B, 2)
K = torch.zeros(T, B, H)
BAD = [
    ({"a": X[:B, 0, 0], "b": X[:B, :, 0]}, {}, RuntimeError, "expected all of"),
    (X, {}, ValueError, "the parameter k is missing; the cell reads k: parameters={…}"),
    (X, {"parameters": {"k": K, "m": K}}, ValueError, "there is no parameter m; the cell reads k"),
    ({"a": X}, {"parameters": {"k": K}}, ValueError, "the input b is missing; the cell reads a, b: inputs={…}"),
    (X[..., :1], {"parameters": {"k": K}}, RuntimeError, "input has 1 features; expected input_size = 2"),
    (
        X,
        {"parameters": {"k": K[..., :3]}},
        RuntimeError,
        "the parameter k has 3 numbers a step; expected 1, for all units,",
    ),
    (
        X,
        {"parameters": {"k": K[:3]}},
        RuntimeError,
        r"the parameter k has shape \(3, 4, 5\); expected \(time, batch, 1 or",
    ),
    (X, {"parameters": {"k": 1.0}}, TypeError, r"parameter k is float; expected a tensor: torch.as_tensor\(k\)"),
    (X, {"parameters": {"kk": K}}, ValueError, "there is no parameter kk; the cell reads k"),
    (X, {"parameters": {"k": K.double()}}, ValueError, r"the parameter k is torch.float64 and the .*: k.to\(torch.fl"),
    (X, {"inputs": {"a": K}}, TypeError, "the cell mixing has no W, so that its inputs are the input"),
    (
        {"a": X[..., 0], "b": X[:3, :, 0]},
        {},
        RuntimeError,
        r"the inputs have the shapes a \(7, 4\), b \(3, 4\); expected",
    ),
    (
        X,
        {"parameters": {"k": K}, "return_sequences": False},
        ValueError,
        "twice of the cell mixing is no state; expected",
    ),
]


@pytest.mark.parametrize(("given", "options", "error", "message"), BAD)
def test_what_a_call_lacks_is_said(given, options, error, message) -> None:
    with pytest.raises(error, match=f"Recurrent: .*{message}"):
        Recurrent(mixing, 2, H)(given, **options)


def test_one_sequence_alone_has_parameters_of_its_own() -> None:
    layer, x = Recurrent("reservoir", 1, H), torch.rand(T, 1)
    wanted, _ = layer(x[:, None], parameters={"rate": torch.full((1, H), 0.5)})
    for rate in (torch.tensor(0.5), torch.full((1,), 0.5), torch.full((H,), 0.5)):
        assert torch.equal(layer(x, parameters={"rate": rate})[0], wanted[:, 0])
    with pytest.raises(TypeError, match="parameter rate is float; expected a tensor"):
        layer(x, parameters={"rate": 0.5})


def test_what_a_layer_cannot_be_is_said() -> None:
    with pytest.raises(
        ValueError, match=r"input_size is 3; the cell mixing reads 2 inputs as they are \(a, b\): expected 2, of"
    ):
        Recurrent(mixing, 3, H)
    with pytest.raises(
        ValueError, match="num_layers is 2; a layer of mixing reads a, b as they are, so that the outputs"
    ):
        Recurrent(mixing, 2, H, num_layers=2)
    with pytest.raises(
        ValueError, match="RecurrentCell: the cell mixing has the outputs twice, s; expected a cell whose input"
    ):
        cellwright.RecurrentCell(mixing, 2, H)
    with pytest.raises(TypeError, match="Recurrent: input is a mapping; expected a tensor, which W multiplies"):
        Recurrent("lstm", 2, H)({"a": X})
    with pytest.raises(
        cellwright.DefinitionError, match="recurrent dropout is of what U multiplies, and the cell has no U"
    ):
        Recurrent("mingru", 2, H, recurrent_dropout=0.5)(torch.zeros(T, B, 2))
