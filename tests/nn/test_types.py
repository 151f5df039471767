"""The types that a layer computes in: autocast, 16 bits, several at once."""

import pytest
import torch
from torch.nn.parallel import DataParallel

import cellwright
from agreement import assert_agree, double

X = torch.linspace(-2, 2, 5 * 4 * 3).view(5, 4, 3).sin()
LENGTHS = [5, 0, 2, 3]
HALVES = [torch.bfloat16, torch.float16]
CELLS = ["lstm", "gru", "rnn-relu", "slstm"]


def layer_of(cell, **options):
    torch.manual_seed(0)
    return cellwright.Recurrent(cell, 3, 6, 2, bidirectional=True, **options)


def with_gradients(layer, *given, **named):
    layer.zero_grad()
    output, state = layer(*given, **named)
    output.double().square().sum().backward()
    states = [state] if isinstance(state, torch.Tensor) else state
    return [output.detach(), *(s.detach() for s in states), *(p.grad for p in layer.parameters())]


# --- autocast: float32 ---------------------------------------------------------------------------------
@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("cell", CELLS)
def test_autocast_computes_in_float32(cell, dtype):
    layer = layer_of(cell)
    expected = with_gradients(layer, X, lengths=LENGTHS)
    with torch.autocast("cpu", dtype=dtype):
        assert layer.explain(X, lengths=LENGTHS).name == "compiled"
        found = with_gradients(layer, X, lengths=LENGTHS)  # the backward pass as well
    assert all(t.dtype == torch.float32 for t in found)
    assert_agree(found, expected, share=0)


@pytest.mark.parametrize("dtype", HALVES)
def test_autocast_raises_what_comes_in_16_bits(dtype):
    layer, x = layer_of("lstm"), X.to(dtype)
    h, c = torch.rand(4, 4, 6).to(dtype), torch.rand(4, 4, 6)
    with torch.autocast("cpu", dtype=dtype):
        found = layer(x, (h, c), lengths=LENGTHS)
    assert_agree(found, layer(x.float(), (h.float(), c), lengths=LENGTHS), share=0)


def test_autocast_refuses_whole_numbers_as_torch_does():
    with torch.autocast("cpu", dtype=torch.bfloat16):
        with pytest.raises(RuntimeError):
            torch.nn.LSTM(3, 6)(X.long())
        with pytest.raises(ValueError, match=r"input is torch\.int64 .* or an embedding before the layer"):
            layer_of("lstm")(X.long())


def test_autocast_around_a_model_of_other_layers():
    """A linear layer before and one after: both in bfloat16, the recurrent one between them in float32."""
    before, layer, after = torch.nn.Linear(3, 3), layer_of("gru"), torch.nn.Linear(12, 2)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        features = before(X)
        output, _ = layer(features, lengths=LENGTHS)
        result = after(output)
    assert (features.dtype, output.dtype, result.dtype) == (torch.bfloat16, torch.float32, torch.bfloat16)
    result.float().sum().backward()
    for module in (before, layer, after):
        assert all(p.grad.dtype == torch.float32 and p.grad.isfinite().all() for p in module.parameters())


def test_autocast_of_single_steps():
    step = cellwright.LSTMCell(3, 6)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        h, c = step(X[0].bfloat16())
    assert_agree((h, c), step(X[0].bfloat16().float()), share=0)


def test_autocast_in_a_compiled_program():
    layer, linear = layer_of("lstm"), torch.nn.Linear(3, 3)

    def run(x):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return layer(linear(x), lengths=torch.tensor(LENGTHS))[0]

    torch.compiler.reset()
    found = torch.compile(run, backend="aot_eager", fullgraph=True)(X)
    assert found.dtype == torch.float32
    with torch.autocast("cpu", dtype=torch.bfloat16):
        features = linear(X)
    assert_agree(found, double(layer)(double(features), lengths=LENGTHS)[0])


def test_autocast_leaves_float64_alone():
    layer = layer_of("lstm", dtype=torch.float64)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = layer(X.double())
    assert_agree(found, layer(X.double()), share=0)


# --- 16 bits outside of autocast -----------------------------------------------------------------------
@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("cell", CELLS)
def test_16_bits(cell, dtype):
    layer = layer_of(cell).to(dtype)
    x = X.to(dtype)
    path = layer.explain(x, lengths=LENGTHS)
    assert path.name == ("reference" if cell == "slstm" else "torch")
    assert path.reason.startswith(f"kernels are compiled for float32 and float64 and the input is {dtype}")
    found = with_gradients(layer, x, lengths=LENGTHS)
    assert all(t.dtype == dtype for t in found)
    assert_agree(found, with_gradients(double(layer), double(x), lengths=LENGTHS), share=0.05)


# --- several types at once -----------------------------------------------------------------------------
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_an_input_of_another_type_raises_as_in_torch(dtype):
    torch_layer = torch.nn.LSTM(3, 6)
    for layer in (torch_layer, layer_of("lstm")):
        with pytest.raises(ValueError, match=f"(?s){dtype}.*torch.float32"):
            layer(X.to(dtype))


@pytest.mark.parametrize("cell", ["lstm", "slstm"])
def test_a_weight_of_another_type_raises_as_in_torch(cell):
    layer = layer_of(cell)
    layer.weight_hh_l1.data = layer.weight_hh_l1.data.double()
    with pytest.raises(RuntimeError, match="type"):
        layer(X)


# --- no tensors ----------------------------------------------------------------------------------------
def test_lists_and_arrays_are_refused_by_name():
    layer, one = layer_of("lstm"), cellwright.LSTM(3, 6)
    cases = {
        "Recurrent: input is list; expected a tensor": lambda: layer(X.tolist()),
        "Recurrent: input is ndarray; expected a tensor": lambda: layer(X.numpy()),
        "Recurrent: reset is list; expected a tensor": lambda: layer(X, reset=[[True] * 4] * 5),
        "LSTMCell: input is list; expected a tensor": lambda: cellwright.LSTMCell(3, 6)([1.0, 2.0, 3.0]),
        "LSTM.stream: input is list; expected a tensor": lambda: one.stream().step([1.0, 2.0, 3.0]),
        "LSTM.stream: chunk is list; expected a tensor": lambda: one.stream().feed([[1.0, 2.0, 3.0]]),
        "LSTM.stream: rows is list; expected a tensor": lambda: one.stream(1).reset([True]),
    }
    for message, call in cases.items():
        with pytest.raises(TypeError, match=f"^{message}"):
            call()


# --- wrappers ------------------------------------------------------------------------------------------
def test_pytorch_1591_data_parallel_without_a_gpu():
    layer = layer_of("lstm", batch_first=True)
    x, lengths = X.transpose(0, 1), torch.tensor(LENGTHS)
    assert_agree(DataParallel(layer)(x, lengths=lengths), layer(x, lengths=lengths), share=0)
