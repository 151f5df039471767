"""Tools that take a model with torch.nn.LSTM as it is, given the same model with ours: each as docs/drop-in.md says."""

import io
import warnings

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.nn.utils.rnn import pack_padded_sequence
from torch.utils.data import DataLoader, TensorDataset

import cellwright
from agreement import assert_agree, double

STANDARD = [
    ("LSTM", {}),
    ("LSTM", {"num_layers": 2, "bidirectional": True, "proj_size": 2}),
    ("GRU", {"num_layers": 2, "bias": False}),
    ("RNN", {"nonlinearity": "relu", "bidirectional": True}),
]
I, H = 3, 5


@pytest.fixture(autouse=True)
def _quiet():
    """torch.jit.trace warns of itself, and of each size that is compared, with torch.nn's layers as well."""
    with warnings.catch_warnings():
        for what in (torch.jit.TracerWarning, DeprecationWarning, FutureWarning):
            warnings.simplefilter("ignore", what)
        yield


class Model(nn.Module):
    """The usual surroundings of a recurrent layer."""

    def __init__(self, layer):
        super().__init__()
        self.layer, self.head = layer, nn.Linear(I, 2)

    def forward(self, input, **options):
        output, state = self.layer(input, **options)
        last = state if isinstance(state, torch.Tensor) else state[0]
        return output, last[-1] * self.head(input)[:, :1, :1].sum()


def made(kind, home=cellwright, **options):
    torch.manual_seed(0)
    return Model(getattr(home, kind)(I, H, batch_first=True, **options))


def x(batch, time, seed=0):
    return torch.randn(batch, time, I, generator=torch.Generator().manual_seed(seed))


def assert_same(found, module, *given):
    """What was found is what the module gives of it in float64."""
    assert_agree(found, double(module)(*double(given)))


# --- torch.jit.trace -----------------------------------------------------------------------------------
@pytest.mark.parametrize(("kind", "options"), STANDARD)
def test_a_traced_layer_takes_any_length_and_batch(kind, options):
    """Programs with torch's own operation, which others than Python read; its numbers are torch.nn's."""
    model, theirs = made(kind, **options), made(kind, torch.nn, **options)
    traced = torch.jit.trace(model, x(2, 4))
    assert "cellwright::" not in str(traced.inlined_graph)
    for sizes in ((2, 4), (3, 9), (1, 1)):
        assert_same(traced(x(*sizes)), theirs, x(*sizes))


@pytest.mark.slow
@pytest.mark.parametrize("cell", ["peephole", "slstm", "layer-norm-gru", "lstm"])
@pytest.mark.parametrize("options", [{}, {"learn_initial_state": True}, {"zoneout": 0.25}])
def test_a_traced_layer_of_any_cell_takes_any_length(cell, options):
    """One operation of ours in the program, for a process that has imported cellwright."""
    torch.manual_seed(0)
    model = Model(cellwright.Recurrent(cell, I, H, 2, bidirectional=True, batch_first=True, **options)).eval()
    traced = torch.jit.trace(model, x(2, 4))
    for sizes in ((2, 4), (3, 9), (1, 1)):
        assert_same(traced(x(*sizes)), model, x(*sizes))


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("cell", ["lstm", "slstm"])
def test_lengths_and_resets_of_a_trace_are_inputs_of_the_program(cell, check):
    """They were constants of the program once."""

    class Ragged(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = cellwright.Recurrent(cell, I, H, bidirectional=True, batch_first=True)

        def forward(self, input, lengths, reset):
            return self.layer(input, lengths=lengths, reset=reset)

    model = Ragged()
    none = torch.zeros(2, 4, dtype=torch.bool)
    traced = torch.jit.trace(model, (x(2, 4), torch.tensor([4, 2]), none), check_trace=check)
    for batch, time, lengths in ((2, 4, [2, 4]), (2, 4, [1, 0]), (3, 7, [7, 2, 5])):
        reset = torch.rand(batch, time, generator=torch.Generator().manual_seed(batch)) < 0.3
        given = x(batch, time), torch.tensor(lengths), reset
        assert_same(traced(*given), model, *given)


def test_a_traced_layer_trains():
    model = made("LSTM", num_layers=2)
    other = torch.jit.trace(cellwright.Recurrent("slstm", I, H, batch_first=True), x(2, 4))
    for traced in (torch.jit.trace(model.eval(), x(2, 4)), other):
        traced.zero_grad()
        traced(x(3, 6))[0].square().sum().backward()
        assert all(
            p.grad is not None and p.grad.isfinite().all() for n, p in traced.named_parameters() if "head" not in n
        )
    exact = double(model)
    exact.zero_grad()
    exact(double(x(3, 6)))[0].square().sum().backward()
    assert_agree([p.grad for p in model.layer.parameters()], [p.grad for p in exact.layer.parameters()])


@pytest.mark.parametrize(("kind", "options"), STANDARD)
def test_a_traced_program_is_saved_and_loaded(kind, options):
    model, file = made(kind, **options), io.BytesIO()
    torch.jit.save(torch.jit.trace(model, x(2, 4)), file)
    file.seek(0)
    assert_same(torch.jit.load(file)(x(3, 9)), model, x(3, 9))


@pytest.mark.parametrize("kind", ["LSTMCell", "GRUCell", "RNNCell"])
def test_a_traced_step_takes_any_batch(kind):
    step = getattr(cellwright, kind)(I, H)
    traced = torch.jit.trace(step, x(2, 1)[:, 0])
    assert_same(traced(x(4, 1)[:, 0]), step, x(4, 1)[:, 0])
    own = cellwright.RecurrentCell("mgu", I, H)
    assert_same(torch.jit.trace(own, x(2, 1)[:, 0])(x(4, 1)[:, 0]), own, x(4, 1)[:, 0])


def test_one_sequence_alone_is_traced_for_any_length():
    layer = cellwright.Recurrent("mgu", I, H)
    for one in (cellwright.LSTM(I, H), layer):
        assert_same(torch.jit.trace(one, x(4, 1)[:, 0])(x(9, 1)[:, 0]), one, x(9, 1)[:, 0])


def test_a_trace_refuses_packed_sequences_with_the_way():
    class Packing(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = cellwright.LSTM(I, H, batch_first=True)

        def forward(self, input, lengths):
            return self.layer(pack_padded_sequence(input, lengths, batch_first=True))[1][0]

    with pytest.raises(RuntimeError, match=r"LSTM: a PackedSequence has .*; expected a padded tensor with lengths="):
        torch.jit.trace(Packing(), (x(2, 4), torch.tensor([4, 2])))


# --- torch.fx ------------------------------------------------------------------------------------------
class Unpacked(nn.Module):
    """What a model does with the results; states as a tuple."""

    def __init__(self, layer, step):
        super().__init__()
        self.layer, self.step = layer, step

    def forward(self, input, hx=None):
        output, (h, c) = self.layer(input, hx)
        return self.step(output[:, -1], (h[-1], c[-1]))[0]


def test_a_layer_is_one_node_of_torch_fx():
    graphs = []
    for home in (torch.nn, cellwright):
        torch.manual_seed(0)
        model = Unpacked(home.LSTM(I, H, batch_first=True), home.LSTMCell(H, H))
        traced = torch.fx.symbolic_trace(model)
        graphs.append([(node.op, str(node.target)) for node in traced.graph.nodes])
        assert_same(traced(x(3, 9)), model, x(3, 9))
    assert graphs[0] == graphs[1]


def test_torch_fx_keeps_lengths_as_an_input():
    class Ragged(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = cellwright.Recurrent("slstm", I, H, batch_first=True)

        def forward(self, input, lengths):
            return self.layer(input, lengths=lengths, return_sequences=False)[0].relu()

    model = Ragged()
    traced = torch.fx.symbolic_trace(model)
    assert_same(traced(x(2, 7), [7, 3]), model, x(2, 7), [7, 3])


def test_a_layer_alone_is_refused_by_torch_fx_with_the_way():
    with pytest.raises(TypeError, match=r"LSTM: torch.fx is to trace .*: torch\.fx\.symbolic_trace\(torch\.nn\.Sequen"):
        torch.fx.symbolic_trace(cellwright.LSTM(I, H))


# --- torch.onnx.export ---------------------------------------------------------------------------------
@pytest.mark.slow
@pytest.mark.parametrize("dynamo", [True, False])
@pytest.mark.parametrize(("kind", "options"), [STANDARD[0], STANDARD[2], STANDARD[3]])
def test_torch_onnx_export_writes_torch_s_layers(kind, options, dynamo, tmp_path):
    runtime = pytest.importorskip("onnxruntime")
    model, path = made(kind, **options).eval(), str(tmp_path / "model.onnx")
    with torch.no_grad():
        torch.onnx.export(model, (x(2, 4),), path, dynamo=dynamo, verbose=False)
    session = runtime.InferenceSession(path)
    found = session.run(None, {session.get_inputs()[0].name: x(2, 4, seed=1).numpy()})
    assert_same([torch.from_numpy(one) for one in found], model, x(2, 4, seed=1))


@pytest.mark.slow
def test_torch_onnx_export_of_another_cell_names_the_way(tmp_path):
    model = Model(cellwright.Recurrent("slstm", I, H, batch_first=True)).eval()
    with pytest.raises(Exception, match=r"slstm; expected cellwright\.to_onnx, which writes any cell"):
        torch.onnx.export(model, (x(2, 4),), str(tmp_path / "model.onnx"), dynamo=True, verbose=False)


# --- tools that know torch.nn's layers by their type ---------------------------------------------------
@pytest.mark.parametrize(
    ("kind", "options"),
    [*STANDARD, ("LSTMCell", {}), ("GRUCell", {"bias": False}), ("RNNCell", {"nonlinearity": "relu"})],
)
def test_to_torch_makes_torch_s_layers_with_the_same_weights(kind, options):
    ours = nn.ModuleDict({"one": getattr(cellwright, kind)(I, H, **options), "head": nn.Linear(H, 2)}).double().eval()
    ours["again"] = ours["one"]
    next(ours.parameters()).requires_grad_(False)
    theirs = cellwright.to_torch(ours)
    assert type(theirs["one"]) is getattr(nn, kind)
    assert theirs["again"] is theirs["one"]
    assert repr(theirs["one"]) == repr(getattr(nn, kind)(I, H, **options))
    given = x(4, 6)[:, 0].double() if kind.endswith("Cell") else x(4, 6).double()
    assert_agree(theirs["one"](given), ours["one"](given))
    assert [(n, p.requires_grad) for n, p in theirs.named_parameters()] == [
        (n, p.requires_grad) for n, p in ours.named_parameters()
    ]
    assert not any(module.training for module in theirs.modules())
    with torch.no_grad():
        next(theirs.parameters()).zero_()
    assert next(ours.parameters()).abs().sum() > 0  # a copy
    assert type(ours["one"]) is getattr(cellwright, kind)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (
            lambda: cellwright.Recurrent("mgu", I, H),
            "Recurrent: torch.nn has no layer of the cell mgu; expected lstm, gru",
        ),
        (
            lambda: cellwright.LSTM(I, H, zoneout=0.1),
            "LSTM: torch.nn's layers have no zoneout=.*; expected a layer with",
        ),
        (lambda: cellwright.GRU(I, H, learn_initial_state=True), "GRU: .* no learn_initial_state=True; expected"),
    ],
)
def test_to_torch_refuses_what_torch_has_no_like_for(layer, message):
    with pytest.raises(ValueError, match=message):
        cellwright.to_torch(nn.Sequential(layer()))


def test_quantize_dynamic_says_that_it_leaves_our_layers_and_takes_the_converted_ones():
    model = made("LSTM").eval()
    with pytest.warns(
        UserWarning, match=r"LSTM: torch\.ao\.quantization knows .* give it cellwright\.to_torch\(model\)"
    ):
        left = torch.ao.quantization.quantize_dynamic(model, {cellwright.LSTM, nn.Linear}, dtype=torch.qint8)
    assert type(left.layer) is cellwright.LSTM
    assert_same(left.layer(x(2, 4)), model.layer, x(2, 4))
    quantised = torch.ao.quantization.quantize_dynamic(cellwright.to_torch(model), {nn.LSTM}, dtype=torch.qint8)
    assert type(quantised.layer).__module__.startswith("torch.ao.nn.quantized")
    assert_agree(quantised(x(2, 4))[0], double(model)(double(x(2, 4)))[0], share=0.05)


class Last(nn.Module):
    """A label by the last step."""

    def __init__(self, layer):
        super().__init__()
        self.layer, self.head = layer, nn.Linear(H, 2)

    def forward(self, input):
        return self.head(self.layer(input)[0][:, -1])


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_opacus_trains_the_converted_model_by_the_clipped_gradient_of_each_sample(kind):
    """Half of them are longer than the bound."""
    opacus = pytest.importorskip("opacus")
    torch.manual_seed(0)
    model, rate = Last(getattr(cellwright, kind)(I, H, 2, batch_first=True)), 10.0
    inputs, labels = x(4, 6), torch.tensor([0, 1, 1, 0])

    exact, gradients = double(model), []
    for one, label in zip(double(inputs), labels, strict=True):
        gradients.append(torch.autograd.grad(cross_entropy(exact(one[None]), label[None]), [*exact.parameters()]))
    norms = [torch.cat([each.flatten() for each in own]).norm() for own in gradients]
    bound = float(sum(sorted(norms)[1:3]) / 2)
    expected = {name: weight.detach().clone() for name, weight in exact.named_parameters()}
    for own, norm in zip(gradients, norms, strict=True):
        for weight, each in zip(expected.values(), own, strict=True):
            weight -= rate / 4 * each * min(1.0, bound / (norm + 1e-6))

    private = opacus.validators.ModuleValidator.fix(cellwright.to_torch(model))
    private, optimiser, batches = opacus.PrivacyEngine().make_private(
        module=private,
        optimizer=torch.optim.SGD(private.parameters(), rate),
        data_loader=DataLoader(TensorDataset(inputs, labels), batch_size=4),
        noise_multiplier=0.0,
        max_grad_norm=bound,
        poisson_sampling=False,
    )
    for given, wanted in batches:
        cross_entropy(private(given), wanted).backward()
        optimiser.step()
    found = private._module.state_dict()
    assert_agree({name: found[name] for name in expected}, expected)


# --- torch.jit.script ----------------------------------------------------------------------------------
def test_script_is_refused_with_the_way_that_works():
    """torch named a line of our source that it could not read."""
    model = made("LSTM")
    with pytest.raises(
        NotImplementedError, match=r"^LSTM: torch.jit.script cannot read it; give it cellwright.to_torch"
    ):
        torch.jit.script(model)
    scripted = torch.jit.script(nn.Sequential(cellwright.to_torch(model.layer)))
    assert_same(scripted(x(2, 4)), model.layer, x(2, 4))
