"""torch.compile and torch.export: one node a layer, no graph break, the numbers of the layer that runs at once.

The layer that runs at once does so in float64.
"""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.export import Dim
from torch.nn.utils.rnn import pack_padded_sequence

import cellwright
import own_cells
from agreement import assert_agree, double
from cellwright.cells.language import State, tanh

TOKENS, LENGTHS = torch.arange(28).remainder(11).view(7, 4), torch.tensor([7, 0, 3, 5])
X = torch.linspace(-2, 2, 7 * 4 * 3).view(7, 4, 3).cos()


class Model(nn.Module):
    """The usual surroundings of a recurrent layer."""

    def __init__(self, cell="lstm", **options):
        super().__init__()
        torch.manual_seed(0)
        self.embedding = nn.Embedding(11, 3)
        self.layer = cellwright.Recurrent(cell, 3, 5, **options)
        self.linear = nn.Linear(5 * self.layer.directions, 2)

    def forward(self, tokens, lengths=None):
        output, state = self.layer(self.embedding(tokens), lengths=lengths)
        return self.linear(output.amax(0)), state


class Nodes:
    """A backend that counts the nodes of the operator in the graphs of a program."""

    def __init__(self):
        self.graphs = []

    def __call__(self, graph, example_inputs):
        self.graphs.append(sum("cellwright.layer" in str(node.target) for node in graph.graph.nodes))
        return graph.forward


@pytest.fixture(autouse=True)
def _forget_programs():
    torch.compiler.reset()


def with_gradients(module, *given, **named):
    """Everything that a call returns, and the gradient of every parameter."""
    module.zero_grad()
    torch.manual_seed(1)
    output, state, *_ = module(*given, **named)
    states = [state] if isinstance(state, torch.Tensor) else state
    (output.pow(2).sum() + sum(s.pow(2).sum() for s in states)).backward()
    return [output, *states, *(p.grad for p in module.parameters())]


# One of each shape: two states, one, own parameters a unit and a projection, four states, a user's own.
# tests/backends/test_custom_op.py has them all.
CELLS = ["lstm", "rnn-relu", "peephole", "layer-norm-gru", "slstm", own_cells.leaky]


# --- torch.compile -------------------------------------------------------------------------------------
@pytest.mark.slow
@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_every_cell_compiles_whole(cell):
    model = Model(cell, bidirectional=True)
    compiled = torch.compile(model, backend="aot_eager", fullgraph=True)
    assert_agree(with_gradients(compiled, TOKENS, LENGTHS), with_gradients(double(model), TOKENS, LENGTHS))


@pytest.mark.slow
@pytest.mark.parametrize(
    "lengths", [None, LENGTHS, LENGTHS.int(), [7, 0, 3, 5]], ids=["dense", "int64", "int32", "list"]
)
def test_pytorch_158007_one_node_a_layer(lengths):
    model, nodes = Model(num_layers=3, bidirectional=True), Nodes()
    compiled = torch.compile(model, backend=nodes, fullgraph=True)
    assert_agree(compiled(TOKENS, lengths), double(model)(TOKENS, lengths))
    assert nodes.graphs == [3]


OPTIONS = [
    ({"batch_first": True}, {"lengths": LENGTHS[:7]}),
    ({"learn_initial_state": True}, {"reset": X[..., 0] > 0.3}),
    ({"bidirectional": True}, {"reset": X[..., 0] > 0.3, "lengths": LENGTHS}),
    ({"proj_size": 2}, {"lengths": LENGTHS}),
    ({"num_layers": 2, "dropout": 0.4}, {}),
    ({"zoneout": 0.3, "recurrent_dropout": 0.3}, {}),
    ({"zoneout": {"c": 0.3}}, {"return_sequences": False}),
    ({"state_batch_first": True}, {"hx": (X[:4, :1, :1].expand(4, 1, 5), X[:4, 1:2, :1].expand(4, 1, 5))}),
    ({}, {"return_gates": True}),
]


# In evaluation only what draws is another program.
TRAINING = [(*one, True) for one in OPTIONS] + [(o, a, False) for o, a in OPTIONS if {"dropout", "zoneout"} & {*o}]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "arguments", "training"), TRAINING, ids=[f"{sorted({**o, **a})}-{t}" for o, a, t in TRAINING]
)
def test_every_option_compiles_whole(options, arguments, training):
    """Both in float64, since masks are drawn."""
    layer, arguments = cellwright.LSTM(3, 5, dtype=torch.float64, **options).train(training), double(arguments)
    x = double(X.transpose(0, 1).contiguous() if options.get("batch_first") else X)
    compiled = torch.compile(layer, backend="aot_eager", fullgraph=True)
    assert_agree(with_gradients(compiled, x, **arguments), with_gradients(layer, x, **arguments))


def test_gates_of_a_compiled_layer():
    layer = cellwright.GRU(3, 5, 2, bidirectional=True)
    compiled = torch.compile(layer, backend="aot_eager", fullgraph=True)
    gates = compiled(X, lengths=LENGTHS, return_gates=True)[2]
    assert_agree(gates, double(layer)(double(X), lengths=LENGTHS, return_gates=True)[2])
    assert not any(values.requires_grad for one in gates for values in one.values())


def test_one_sequence_alone():
    layer = cellwright.GRU(3, 5, 2, bidirectional=True)
    compiled = torch.compile(layer, backend="aot_eager", fullgraph=True)
    assert_agree(with_gradients(compiled, X[:, 0]), with_gradients(double(layer), double(X[:, 0])))


@pytest.mark.slow
@pytest.mark.parametrize("kind", [cellwright.LSTMCell, cellwright.GRUCell])
def test_single_steps(kind):
    step = kind(3, 5)
    compiled, exact = torch.compile(step, backend="aot_eager", fullgraph=True), double(step)
    for x in (X[0], X[0, 0]):
        assert_agree(compiled(x, compiled(x)), exact(double(x), exact(double(x))))


def test_other_lengths_and_sizes_compile_nothing_anew():
    model, nodes = Model(), Nodes()
    compiled = torch.compile(model, backend=nodes, fullgraph=True, dynamic=True)
    for time, lengths in ((7, [7, 0, 3, 5]), (7, [1, 1, 1, 1]), (6, [6, 2, 2]), (5, [0, 0, 4, 5, 5])):
        given = TOKENS.flatten()[: time * len(lengths)].view(time, -1), torch.tensor(lengths)
        assert_agree(compiled(*given), double(model)(*given))
    assert nodes.graphs == [1]


def test_a_wrong_length_raises_from_a_compiled_program():
    compiled = torch.compile(cellwright.LSTM(3, 5), backend="aot_eager", fullgraph=True)
    with pytest.raises(ValueError, match=r"lengths\[1\] is 8; expected 0 … 7"):
        compiled(X, lengths=torch.tensor([7, 8, 3, 5]))


def test_a_packed_sequence_breaks_off_and_goes_on():
    model = cellwright.LSTM(3, 5, bidirectional=True)
    compiled = torch.compile(model, backend="aot_eager")
    for lengths in ([7, 1, 3, 5], [2, 2, 7, 1]):
        packed = pack_padded_sequence(X, torch.tensor(lengths), enforce_sorted=False)
        assert_agree(compiled(packed), double(model)(packed.double()))


def test_a_cell_of_the_same_name_does_not_take_its_place():
    def squashed(scale):
        @cellwright.cell(projections="g", gates="", state="h")
        def squashed(x, u, s):
            return State(h=tanh(scale * (x.g + u.g)))

        return cellwright.Recurrent(squashed, 3, 5)

    layers = [squashed(1.0), squashed(0.5)]
    compiled = [torch.compile(layer, backend="aot_eager", fullgraph=True) for layer in layers]
    assert_agree([run(X)[0] for run in compiled], [double(layer)(double(X))[0] for layer in layers])


@pytest.mark.slow  # a C++ compiler is at work
def test_inductor():
    model = Model(num_layers=2, bidirectional=True)
    compiled = torch.compile(model, fullgraph=True)
    assert_agree(with_gradients(compiled, TOKENS, LENGTHS), with_gradients(double(model), TOKENS, LENGTHS))


@pytest.mark.slow
def test_per_sample_gradients_within_a_compiled_program():
    layer = cellwright.GRU(3, 5)
    weights = {name: p.detach() for name, p in layer.named_parameters()}

    def loss(weights, sequence):
        return torch.func.functional_call(layer, weights, (sequence,))[0].pow(2).sum()

    def gradients(weights, x):
        return torch.func.vmap(torch.func.grad(loss), (None, 1))(weights, x)

    found = torch.compile(gradients, backend="aot_eager")(weights, X)
    assert_agree(found, gradients(double(weights), double(X)))


# --- torch.export --------------------------------------------------------------------------------------
TIME, BATCH = Dim("time", min=2, max=500), Dim("batch", min=2, max=500)
DYNAMIC = {"tokens": {0: TIME, 1: BATCH}, "lengths": {0: BATCH}}
ANOTHER_PROCESS = """
import sys, torch
import cellwright.nn

folder_of_the_cell, *names = sys.argv[1:]
given = torch.load("given.pt")
run = {name: torch.export.load(f"{name}.pt2").module() for name in names}
found = {name: run[name](*given) for name in names if name != "leaky"}
try:
    run["leaky"](*given)
except cellwright.DefinitionError as error:
    print(error)
sys.path.append(folder_of_the_cell)
import own_cells
found["leaky"] = run["leaky"](*given)
torch.save(found, "found.pt")
"""


@pytest.mark.slow
def test_pytorch_126339_exported_programs_in_another_process(tmp_path):
    """Other sizes, other lengths; and a cell of the user's own, which must have been defined."""
    models = {
        "lstm": Model("lstm", num_layers=2, bidirectional=True),
        "noisy": Model("gru", zoneout=0.2, recurrent_dropout=0.2),
        "leaky": Model(own_cells.leaky),
    }
    given = TOKENS[:5, :3].contiguous(), torch.tensor([1, 5, 0])
    torch.save(given, tmp_path / "given.pt")
    for name, model in models.items():
        program = torch.export.export(model.eval(), (TOKENS, LENGTHS), dynamic_shapes=DYNAMIC)
        assert [str(n.target) for n in program.graph.nodes].count("cellwright.layer.default") == model.layer.num_layers
        torch.export.save(program, tmp_path / f"{name}.pt2")
    command = [sys.executable, "-c", ANOTHER_PROCESS, str(Path(own_cells.__file__).parent), *models]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(
        f"the program was made with a cell {own_cells.leaky.key}, which is not defined here; "
        "import the module that defines leaky"
    )
    found = torch.load(tmp_path / "found.pt")
    with torch.no_grad():
        assert_agree(found, {name: double(model)(*given) for name, model in models.items()})


FROM_A_PACKAGE = """
import torch
import cellwright.nn

run = torch._inductor.aoti_load_package("two.pt2")
torch.save([run(*given) for given in torch.load("given.pt")], "found.pt")
"""


class Two(nn.Module):
    """Two models in one program: a C++ compiler starts once."""

    def __init__(self, one, other):
        super().__init__()
        self.one, self.other = one, other

    def forward(self, tokens, lengths):
        return self.one(tokens, lengths), self.other(tokens, lengths)


@pytest.mark.slow  # a C++ compiler is at work
def test_aot_inductor_packages_in_another_process(tmp_path):
    """Empty lists of tensors reach an operator as None there; other sizes, other lengths, none, an empty batch."""
    try:
        torch._inductor.cpp_builder.get_cpp_compiler()
    except torch._inductor.exc.InvalidCxxCompiler as error:
        pytest.skip(f"there is no C++ compiler: {error}")
    model = Two(Model("lstm", num_layers=2, bidirectional=True), Model("gru", zoneout=0.2, recurrent_dropout=0.2))
    program = torch.export.export(model.eval(), (TOKENS, LENGTHS), dynamic_shapes=DYNAMIC)
    with torch.no_grad():
        torch._inductor.aoti_compile_and_package(program, package_path=str(tmp_path / "two.pt2"))
    given = [(TOKENS[:5, :3].contiguous(), torch.tensor(lengths)) for lengths in ([1, 5, 0], [0, 0, 0])]
    torch.save(given, tmp_path / "given.pt")
    done = subprocess.run(
        [sys.executable, "-c", FROM_A_PACKAGE], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    with torch.no_grad():
        assert_agree(torch.load(tmp_path / "found.pt"), [double(model)(*one) for one in given])


@pytest.mark.parametrize("strict", [False, True])
def test_an_exported_program_trains(strict):
    model = Model("gru", bidirectional=True)
    program = torch.export.export(model, (TOKENS, LENGTHS), dynamic_shapes=DYNAMIC, strict=strict).module()
    given = TOKENS[:5, :3], torch.tensor([1, 5, 0])
    assert_agree(with_gradients(program, *given), with_gradients(double(model), *given))


def test_a_packed_sequence_is_not_exported():
    packed = pack_padded_sequence(X, torch.tensor([7, 1, 3, 5]), enforce_sorted=False)
    with pytest.raises(Exception, match="a PackedSequence has as many rows as its lengths add up to, which no traced"):
        torch.export.export(cellwright.LSTM(3, 5), (packed,))
