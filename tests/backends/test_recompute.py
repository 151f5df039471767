"""checkpoint_every=: the same numbers as without, for every cell on every backend, and much less kept."""

import pytest
import torch

import cellwright
from agreement import assert_agree
from calls import EVERY, SOME, draw_call, inputs, of_each_kind_fast, streams
from cellwright.backends import dispatch, recompute
from cellwright.cells import CELLS

LENGTHS = (7, 5, 5, 2, 0)


def computed(call, path, every=None):
    """Rows, states, letters, and the gradient of each input of a random sum of rows and states."""
    leaves = [t.detach().clone().requires_grad_() for t in inputs(call).values()]
    given = call.replaced([*leaves, *streams(call)])
    with dispatch.use_backend(path):
        rows, state, letters = dispatch.layer(given) if every is None else recompute.layer(given, every)
    generator = torch.Generator().manual_seed(7)
    outputs = [rows, *state]
    loss = sum((v * torch.randn(v.shape, generator=generator, dtype=v.dtype)).sum() for v in outputs)
    gradients = torch.autograd.grad(loss, leaves, materialize_grads=True)  # after the backend was asked for
    return outputs, letters, gradients


# Where sequences are cut is one code's for all backends: in the slow reference some of each kind.
PATHS = [pytest.param(*case.values, "compiled", marks=case.marks) for case in of_each_kind_fast(EVERY)]
PATHS += [pytest.param(cell, "reference", marks=pytest.mark.slow) for cell in SOME]


@pytest.mark.parametrize(("cell", "path"), PATHS, ids=str)
def test_the_same_numbers_for_every_cell(cell, path):
    call = draw_call(cell, LENGTHS, directions=2, resets=True, fresh=True, record=cell in SOME)
    outputs, letters, gradients = computed(call, path)
    for every in (1, 2, 5, 7):
        found, recorded, derived = computed(call, path, every)
        assert_agree(recorded, letters)
        assert_agree(derived, gradients)
        # Of kernels the very bits; a library's product has others a row.
        assert_agree(found, outputs, share=0 if path == "compiled" else None)


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn", "rnn-relu"])
@pytest.mark.parametrize("lengths", [LENGTHS, (6, 6, 6)])
def test_the_same_numbers_on_torchs_kernels(cell, lengths):
    call = draw_call(CELLS[cell], lengths, directions=2)
    outputs, _, gradients = computed(call, "torch")
    found, _, derived = computed(call, "torch", 2)
    assert_agree([*found, *derived], [*outputs, *gradients])


OPTIONS = [
    {},
    {"num_layers": 2, "bidirectional": True},
    {"proj_size": 2},
    {"learn_initial_state": True},
    {"recurrent_dropout": 0.3, "zoneout": 0.2, "bidirectional": True},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_layers_of_every_kind(options):
    layer = cellwright.LSTM(3, 4, dtype=torch.float64, **options)
    x = torch.randn(9, 3, 3, dtype=torch.float64)
    reset = torch.rand(9, 3) < 0.2
    results = []
    for every in (None, 4):
        layer.checkpoint_every = every
        given = x.clone().requires_grad_()
        torch.manual_seed(1)  # of the masks
        output, (h, c) = layer(given, lengths=[4, 9, 0], reset=reset)
        loss = output.square().sum() + h.square().sum() + c.pow(3).sum()
        results.append((output, h, c, *torch.autograd.grad(loss, [given, *layer.parameters()])))
    for found, wanted in zip(*reversed(results), strict=True):
        assert_agree(found, wanted)


@pytest.mark.slow
def test_gradients_of_gradients():
    layer = cellwright.LSTM(2, 2, dtype=torch.float64, bidirectional=True, checkpoint_every=2)
    x = torch.randn(5, 2, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(lambda x: layer(x, lengths=[5, 3])[0], x)


def kept_bytes(layer, x):
    """What autograd holds between the passes beside the input and the weights, each storage once."""
    given = {t.untyped_storage().data_ptr() for t in (x, *layer.parameters())}
    storages = {}

    def keep(tensor):
        storages[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        output, _ = layer(x)
    assert output.requires_grad
    return sum(storage.nbytes() for place, storage in storages.items() if place not in given)


def test_allennlp_4211_checkpointing_through_time_keeps_a_ninth():
    layer = cellwright.LSTM(64, 64, num_layers=2)
    x = torch.randn(400, 8, 64)
    whole = kept_bytes(layer, x)
    layer.checkpoint_every = 20
    assert kept_bytes(layer, x) < whole / 9


def test_nothing_is_cut_where_no_gradient_is_asked_for(monkeypatch):
    monkeypatch.setattr(recompute, "checkpoint", None)  # would raise if it were called
    layer = cellwright.GRU(2, 3, checkpoint_every=1)
    with torch.no_grad():
        layer(torch.randn(5, 2, 2))
    layer.requires_grad_(False)
    layer(torch.randn(5, 2, 2))


def test_shorter_sequences_and_no_step_at_all():
    layer = cellwright.GRU(2, 3, checkpoint_every=10)
    x = torch.randn(4, 2, 2)
    assert torch.equal(layer(x)[0], layer(x, lengths=[4, 4])[0])
    assert layer(x, lengths=[0, 0])[0].shape == (4, 2, 3)


@pytest.mark.parametrize("value", [0, -3])
def test_a_wrong_number_of_steps(value):
    with pytest.raises(ValueError, match=f"LSTM: checkpoint_every is {value}; expected at least 1"):
        cellwright.LSTM(2, 3, checkpoint_every=value)
    with pytest.raises(TypeError, match=r"checkpoint_every is 2.5; expected a whole number"):
        cellwright.LSTM(2, 3, checkpoint_every=2.5)
