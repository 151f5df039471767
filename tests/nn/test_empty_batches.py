"""Batches without a step: no sequence, no time, or every length 0. Zeros, shapes, zero gradients, on every backend.

The reference is torch.nn.LSTM where it takes such a batch (no sequence), else that nothing was computed.
"""

import subprocess
import sys
from dataclasses import replace
from itertools import product

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import PackedSequence

import cellwright
from calls import EVERY, draw_call, inputs, of_each_kind_fast, on, streams
from cellwright.backends import dispatch, recompute
from cellwright.nn.tbptt import Carry, windows

T, B, I, H = 5, 3, 2, 4
EMPTY = {"no sequence": (T, 0, None), "no sequence, lengths": (T, 0, []), "no time": (0, B, [0] * B),
         "lengths 0": (T, B, [0] * B), "nothing": (0, 0, [])}  # fmt: skip
OPTIONS = [
    {"num_layers": 2, "bidirectional": True, "dropout": 0.5},
    {"proj_size": 3, "bidirectional": True},
    {"learn_initial_state": True, "num_layers": 2},
    {"zoneout": 0.3, "recurrent_dropout": 0.3},
    {"checkpoint_every": 2, "bidirectional": True},
    {"batch_first": True, "state_batch_first": True},
    {"bias": False, "layer_norm": True},
]


def empty(name, batch_first=False):
    """An input of that kind, and its lengths."""
    time, batch, lengths = EMPTY[name]
    x = torch.randn((batch, time, I) if batch_first else (time, batch, I)).requires_grad_()
    return x, None if lengths is None else torch.tensor(lengths, dtype=torch.int64)


def check_zeros(output, state, layer, x):
    """Output and gradients are zero, each loss has one of every parameter; the states are those of the beginning."""
    assert not output.any()
    start = layer.initial_state(x.shape[0] if layer.batch_first else x.shape[1])
    for found, expected in zip(*(s if isinstance(s, tuple) else (s,) for s in (state, start)), strict=True):
        assert torch.equal(found, expected)
    parameters = dict(layer.named_parameters())
    for loss in (output.sum(), sum(s.sum() for s in (state if isinstance(state, tuple) else (state,)))):
        gradients = torch.autograd.grad(loss, [x, *parameters.values()], retain_graph=True)
        for name, gradient in zip(["input", *parameters], gradients, strict=True):
            assert not gradient.any() or name.startswith("initial_"), name


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("name", EMPTY)
def test_layers_of_every_kind(name, options):
    for training, resets, gated in product((True, False), repeat=3):
        layer = cellwright.LSTM(I, H, **options).train(training)
        x, lengths = empty(name, layer.batch_first)
        reset = torch.zeros(x.shape[:2], dtype=torch.bool) if resets else None
        output, state, *gates = layer(x, lengths=lengths, reset=reset, return_gates=gated)
        assert output.shape == (*x.shape[:2], (layer.proj_size or H) * layer.directions)
        check_zeros(output, state, layer, x)
        assert all(values.shape[:2] == x.shape[:2] for one in gates for d in one for values in d.values())
        with torch.no_grad():
            assert not layer(x, lengths=lengths, reset=reset)[0].any()
            last, (h, _) = layer(x, lengths=lengths, return_sequences=False)
        h = h.transpose(0, 1) if layer.state_batch_first else h
        assert torch.equal(last, torch.cat([*h[-layer.directions :]], -1))


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
def test_no_sequence_is_what_torch_makes_of_it(path, kind):
    theirs, ours = (getattr(of, kind)(I, H, 2, bidirectional=True) for of in (nn, cellwright))
    x = torch.randn(T, 0, I)
    packed = PackedSequence(x[0], torch.tensor([0]))
    for given in (x, packed):
        results = []
        for layer in (theirs, ours):
            layer.zero_grad()
            output, state = layer(given)
            output = output.data if isinstance(output, PackedSequence) else output
            (output.sum() + sum(s.sum() for s in state)).backward()
            results.append([output, *state, *(p.grad for p in layer.parameters())])
        for found, expected in zip(*reversed(results), strict=True):
            assert torch.equal(found, expected)


@pytest.mark.parametrize("kind", ["LSTMCell", "GRUCell", "RNNCell"])
def test_a_step_of_no_sequence(kind):
    theirs, ours = (getattr(of, kind)(I, H) for of in (nn, cellwright))
    for cell in (theirs, ours):
        state = cell(torch.zeros(0, I))
        sum(s.sum() for s in (state if isinstance(state, tuple) else (state,))).backward()
    for found, expected in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(found.grad, expected.grad)
    with torch.no_grad():
        new = ours(torch.zeros(0, I))
    assert all(s.shape == (0, H) for s in (new if isinstance(new, tuple) else (new,)))


def test_a_packed_sequence_of_no_step():
    layer = cellwright.LSTM(I, H)
    output, (h, _) = layer(PackedSequence(torch.zeros(0, I), torch.zeros(0, dtype=torch.int64)))
    assert (output.data.shape, h.shape) == ((0, H), (1, 0, H))


def test_chunks_of_no_step_leave_a_stream_as_it_is():
    layer = cellwright.LSTM(I, H, batch_first=True).eval()
    x = torch.randn(B, T, I)
    for one, whole, dim in ((layer.stream(B), x, 1), (layer.stream(), x[0], 0)):
        parts = [whole.narrow(dim, *at) for at in ((0, 0), (0, 2), (2, 0), (2, T - 2))]
        assert torch.equal(torch.cat([one.feed(part) for part in parts], dim), layer(whole)[0])
        with pytest.raises(RuntimeError, match="LSTM: input has 3 features; expected input_size = 2"):
            one.feed(torch.zeros(*parts[0].shape[:-1], 3))


def test_windows_of_no_sequence():
    layer = cellwright.LSTM(I, H)
    carry = Carry(layer)
    for window in windows(torch.zeros(T, 0, I), window=2):
        carry(window).sum().backward()
    assert not any(p.grad.any() for p in layer.parameters())


def test_explain_says_so(path):
    chosen = cellwright.LSTM(I, H).explain(torch.zeros(T, B, I), lengths=[0] * B)
    assert str(chosen) == "reference: there is no step to compute"


# --- every cell ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("sizes", [(), (0, 0, 0)], ids=["no step", "steps of no row"])
@pytest.mark.parametrize("cell", of_each_kind_fast(EVERY), ids=lambda cell: cell.name)
def test_every_input_of_every_cell_has_a_gradient(cell, sizes):
    """Those that the cell never reads too, as the kernels give them; DDP waits for each."""
    call = draw_call(cell, (0, 0), directions=2, resets=True, fresh=True, record=True)
    leaves = [t.detach().clone().requires_grad_() for t in inputs(call).values()]
    given = call.replaced([*leaves, *streams(call)])
    given = replace(given, batch_sizes=sizes)
    for path, run in product(("compiled", "reference"), (dispatch.layer, lambda c: recompute.layer(c, 1))):
        with dispatch.use_backend(path):
            rows, state, letters = run(given)
        assert rows.shape == (0, call.columns * 2)
        assert all(values.shape[0] == 0 for one in letters for values in one.values())
        gradients = torch.autograd.grad(rows.sum(), leaves, retain_graph=True)
        assert not any(g.any() for g in gradients)
        gradients = dict(zip(inputs(call), torch.autograd.grad(sum(s.sum() for s in state), leaves), strict=True))
        assert all((g == name.startswith("state.")).all() for name, g in gradients.items())


def test_a_path_that_cannot_run_is_refused_all_the_same():
    with pytest.raises(RuntimeError, match="'torch' was asked for and cannot run: torch has no kernel"):
        on("torch", draw_call(EVERY[-1], (0, 0)))


# --- torch.compile and DDP -----------------------------------------------------------------------------
class Model(nn.Module):
    """A classifier of last outputs."""

    def __init__(self):
        super().__init__()
        self.embed, self.layer, self.head = (
            nn.Embedding(10, I),
            cellwright.LSTM(I, H, batch_first=True),
            nn.Linear(H, 2),
        )

    def forward(self, ids, lengths):
        output, _ = self.layer(self.embed(ids), lengths=lengths, return_sequences=False)
        return self.head(output)


@pytest.mark.slow
def test_compile_all_empty():
    torch.compiler.reset()
    model = Model()
    ids, target = torch.arange(15).remainder(10).view(3, 5), torch.tensor([0, 1, 0])
    for call in (model, torch.compile(model, backend="aot_eager", fullgraph=True)):
        for lengths in ([5, 0, 2], [0, 0, 0]):
            model.zero_grad()
            nn.functional.cross_entropy(call(ids, torch.tensor(lengths)), target).backward()
            assert all(p.grad.any() == any(lengths) for p in model.layer.parameters())


@pytest.mark.slow
@pytest.mark.parametrize(("name", "options"), list(zip(EMPTY, OPTIONS, strict=False)), ids=str)
def test_compiled_programs(name, options):
    torch.compiler.reset()
    layer = cellwright.LSTM(I, H, **options)
    x, lengths = empty(name, layer.batch_first)
    output, state = torch.compile(layer, backend="aot_eager", fullgraph=True)(x, lengths=lengths)
    check_zeros(output, state, layer, x)


def test_an_exported_program_takes_any_empty_batch():
    time, batch = (torch.export.Dim(name, min=0, max=50) for name in ("time", "batch"))
    given = torch.randn(T, B, I), torch.tensor([3, 0, 5])
    layer = cellwright.LSTM(I, H, 2, bidirectional=True)
    shapes = {"input": {0: time, 1: batch}, "lengths": {0: batch}}
    program = torch.export.export(layer, given[:1], {"lengths": given[1]}, dynamic_shapes=shapes).module()
    for name in ("lengths 0", "no time", "nothing", "no sequence, lengths"):
        x, lengths = empty(name)
        output, state = program(x, lengths=lengths)
        assert output.shape == (*x.shape[:2], 2 * H)
        (output.sum() + sum(s.sum() for s in state)).backward()
        assert not any(p.grad.any() for p in program.parameters())


IN_EACH_PROCESS = """
import sys, torch, cellwright
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

rank = int(sys.argv[1])
torch.set_num_threads(1)
dist.init_process_group("gloo", init_method="file://" + sys.argv[2], rank=rank, world_size=2)
torch.manual_seed(0)
layer = cellwright.LSTM(4, 6, 2, bidirectional=True, learn_initial_state=True)
model, x = DistributedDataParallel(layer), torch.randn(5, 3, 4)
found = []
for step in range(3):
    model.zero_grad()
    lengths = [0, 0, 0] if rank == step == 1 else [5, 2, 1]
    model(x, lengths=torch.tensor(lengths))[0].pow(2).sum().backward()
    found.append([p.grad.clone() for p in layer.parameters()])
assert all(torch.equal(a, b) for a, b in zip(found[0], found[2]))
halves = [(a - 2 * b).abs().max() / a.abs().max().clamp(min=1e-30) for a, b in zip(found[0], found[1])]
print(max(halves).item())
"""


@pytest.mark.slow
def test_ddp_all_empty(tmp_path):
    """One of two processes has an empty batch in the second step: the mean of gradients is half that of the other."""
    command = [sys.executable, "-c", IN_EACH_PROCESS]
    running = [
        subprocess.Popen([*command, str(rank), str(tmp_path / "met")], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for rank in range(2)
    ]
    for process in running:
        said, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors.decode()
        assert float(said) < 1e-6
