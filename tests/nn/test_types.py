"""The types that a layer computes in: autocast, 16 bits, several at once."""

import pytest
import torch
from torch.nn.parallel import DataParallel
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence

import cellwright
from agreement import BFLOAT16, assert_agree, double, error

X = torch.linspace(-2, 2, 5 * 4 * 3).view(5, 4, 3).sin()
LENGTHS = [5, 0, 2, 3]
HALVES = [torch.bfloat16, torch.float16]
CELLS = ["lstm", "gru", "rnn-relu", "slstm"]
SMOOTH = ["lstm", "gru", "rnn", "peephole"]


def layer_of(cell, **options):
    torch.manual_seed(0)
    return cellwright.Recurrent(cell, 3, 6, 2, bidirectional=True, **options)


def with_gradients(layer, *given, **named):
    layer.zero_grad()
    output, state = layer(*given, **named)
    output.double().square().sum().backward()
    states = [state] if isinstance(state, torch.Tensor) else state
    return [output.detach(), *(s.detach() for s in states), *(p.grad for p in layer.parameters())]


# --- autocast: float32, and to bfloat16 products of it --------------------------------------------------
@pytest.mark.parametrize("cell", CELLS)
def test_autocast_to_float16_computes_in_float32(cell):
    layer = layer_of(cell)
    expected = with_gradients(layer, X, lengths=LENGTHS)
    with torch.autocast("cpu", dtype=torch.float16):
        assert layer.explain(X, lengths=LENGTHS).name == "compiled"
        found = with_gradients(layer, X, lengths=LENGTHS)  # the backward pass as well
    assert all(t.dtype == torch.float32 for t in found)
    assert_agree(found, expected, share=0)


@pytest.mark.parametrize("cell", SMOOTH)
def test_autocast_to_bfloat16_multiplies_in_it(cell):
    layer = layer_of(cell)
    wanted = with_gradients(double(layer), double(X), lengths=LENGTHS)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert layer.explain(X, lengths=LENGTHS).name == "compiled"
        found = with_gradients(layer, X, lengths=LENGTHS)
    assert all(p.grad.dtype == torch.float32 for p in layer.parameters())
    assert_agree(found, wanted, share=BFLOAT16)


@pytest.mark.parametrize("dtype", HALVES)
def test_autocast_raises_what_comes_in_16_bits(dtype):
    layer, x = layer_of("gru"), X.to(dtype)
    h = torch.rand(4, 4, 6)
    layer.matmul_precision = "highest"
    with torch.autocast("cpu", dtype=dtype):
        found = layer(x, h, lengths=LENGTHS)
    assert_agree(found, layer(x.float(), h, lengths=LENGTHS), share=0)


def test_autocast_refuses_whole_numbers_as_torch_does():
    with torch.autocast("cpu", dtype=torch.bfloat16):
        with pytest.raises(RuntimeError):
            torch.nn.LSTM(3, 6)(X.long())
        with pytest.raises(ValueError, match=r"input is torch\.int64 .* or an embedding before the layer"):
            layer_of("lstm")(X.long())


def types(result):
    output, state = result
    rows = output.data if isinstance(output, PackedSequence) else output
    return [rows.dtype, *(s.dtype for s in (state if isinstance(state, tuple) else (state,)))]


@pytest.mark.filterwarnings("ignore:LSTM with projections")
@pytest.mark.parametrize("trains", [False, True], ids=["inference", "training"])
@pytest.mark.parametrize("packed", [False, True], ids=["padded", "packed"])
@pytest.mark.parametrize("state", [None, torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("name", ["LSTM", "LSTM projected", "GRU", "RNN"])
def test_the_types_of_autocast_to_bfloat16_are_those_of_torch(name, dtype, state, packed, trains):
    if name == "LSTM" and not packed and not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        pytest.skip("torch.nn.LSTM raises here: oneDNN has no bfloat16 on this processor")
    name, *projected = name.split()
    options = {"proj_size": 5} if projected else {}
    x = X.to(dtype)
    given = pack_padded_sequence(x, torch.tensor([5, 4, 2, 1])) if packed else x
    h = None if state is None else torch.rand(4, 4, 5 if projected else 6).to(state)
    hx = (h, torch.rand(4, 4, 6).to(state)) if name == "LSTM" and state else h
    with torch.autocast("cpu", dtype=torch.bfloat16), torch.set_grad_enabled(trains):
        wanted, found = (
            types(getattr(library, name)(3, 6, 2, bidirectional=True, **options)(given, hx))
            for library in (torch.nn, cellwright)
        )
    assert found == wanted


@pytest.mark.parametrize("state", [None, torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("name", ["LSTMCell", "GRUCell", "RNNCell"])
def test_the_types_of_single_steps_in_autocast_are_those_of_torch(name, dtype, state):
    h = None if state is None else torch.rand(4, 6).to(state)
    hx = (h, h) if name == "LSTMCell" and state else h
    with torch.autocast("cpu", dtype=torch.bfloat16):
        wanted, found = (getattr(library, name)(3, 6)(X[0].to(dtype), hx) for library in (torch.nn, cellwright))
    assert types((X, found)) == types((X, wanted))


def test_gates_are_float32_in_autocast():
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output, _, gates = layer_of("lstm")(X, return_gates=True)
    assert output.dtype == torch.bfloat16
    assert {values.dtype for one in gates for values in one.values()} == {torch.float32}


def test_autocast_around_a_model_of_other_layers():
    """A linear layer before and one after: both in bfloat16, as what the recurrent one gives of it."""
    before, layer, after = torch.nn.Linear(3, 3), layer_of("gru"), torch.nn.Linear(12, 2)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        features = before(X)
        output, _ = layer(features, lengths=LENGTHS)
        result = after(output)
    assert {features.dtype, output.dtype, result.dtype} == {torch.bfloat16}
    result.float().sum().backward()
    for module in (before, layer, after):
        assert all(p.grad.dtype == torch.float32 and p.grad.isfinite().all() for p in module.parameters())


def test_autocast_of_single_steps():
    step = cellwright.LSTMCell(3, 6)
    x, state = X[0].bfloat16(), (torch.zeros(4, 6), torch.zeros(4, 6))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        h, c = step(x, state)
    assert_agree((h, c), double(step)(double(x), double(state)), share=BFLOAT16)


@pytest.mark.slow
def test_autocast_in_a_compiled_program():
    layer, linear = layer_of("lstm"), torch.nn.Linear(3, 3)

    def run(x):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return layer(linear(x), lengths=torch.tensor(LENGTHS))[0]

    torch.compiler.reset()
    found = torch.compile(run, backend="aot_eager", fullgraph=True)(X)
    assert torch.equal(found, run(X))
    assert found.dtype == torch.bfloat16


def test_autocast_leaves_float64_alone():
    layer = layer_of("lstm", dtype=torch.float64)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = layer(X.double())
    assert_agree(found, layer(X.double()), share=0)


# --- 16 bits outside of autocast -----------------------------------------------------------------------
@pytest.mark.parametrize("cell", CELLS)
def test_float16(cell):
    layer, x = layer_of(cell).half(), X.half()
    path = layer.explain(x, lengths=LENGTHS)
    assert path.name == ("reference" if cell == "slstm" else "torch")
    assert path.reason.startswith(
        "kernels are compiled for float32, float64 and bfloat16 and the input is torch.float16"
    )
    found = with_gradients(layer, x, lengths=LENGTHS)
    assert all(t.dtype == torch.float16 for t in found)
    assert_agree(found, with_gradients(double(layer), double(x), lengths=LENGTHS), share=0.05)


@pytest.mark.parametrize("options", [{}, {"checkpoint_every": 2}], ids=str)
@pytest.mark.parametrize("cell", SMOOTH)
def test_bfloat16(cell, options):
    layer, x = layer_of(cell, **options).bfloat16(), X.bfloat16()
    with cellwright.use_backend("compiled"):
        found = with_gradients(layer, x, lengths=LENGTHS)
    assert all(t.dtype == torch.bfloat16 for t in found)
    assert_agree(found, with_gradients(double(layer), double(x), lengths=LENGTHS), share=BFLOAT16)


def test_bfloat16_of_chunks_is_that_of_the_whole():
    """The states between chunks are float32: rounded there, they would give other outputs."""
    x, whole, chunks = X.bfloat16(), *(layer_of("lstm", checkpoint_every=k).bfloat16() for k in (None, 2))
    with cellwright.use_backend("compiled"):
        assert_agree(chunks(x), whole(x), share=0)


def test_bfloat16_computes_compiled_and_says_so():
    layer, x = cellwright.Recurrent("slstm", 3, 6).bfloat16(), X.bfloat16()
    reason = layer.explain(x, lengths=LENGTHS)
    assert reason.name == "compiled"
    assert reason.reason.endswith(": parameters of torch.bfloat16")


@pytest.mark.parametrize("name", ["LSTM", "GRU", "RNN"])
def test_bfloat16_errs_less_than_torch_in_bfloat16(name):
    torch.manual_seed(0)
    theirs, ours = (getattr(library, name)(16, 64).bfloat16() for library in (torch.nn, cellwright))
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(60, 8, 16).bfloat16()
    wanted = with_gradients(double(theirs), double(x))
    with cellwright.use_backend("compiled"):
        found = with_gradients(ours, x)
    total, theirs_total = (
        sum(error(one, exact) for one, exact in zip(each, wanted, strict=True))
        for each in (found, with_gradients(theirs, x))
    )
    assert total < theirs_total


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
