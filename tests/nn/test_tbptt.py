"""Windows, lanes and the state carried over: against autograd on the reference, by hand."""

from typing import NamedTuple

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import cellwright
from agreement import assert_agree
from cellwright.nn.stack import weights_of
from cellwright.nn.tbptt import Carry, Lanes, detached, lanes, windows
from drawing import run_direction
from random_layers import random_layer

T, B, I, H = 11, 2, 3, 4
few = settings(max_examples=25)
SIZES = st.integers(1, 14).flatmap(lambda k2: st.tuples(st.just(k2), st.integers(1, k2)))


def layer_of(cell="lstm", **options):
    return random_layer(cell, I, H, std=0.6, **options)


def data():
    torch.manual_seed(1)
    return torch.randn(T, B, I, dtype=torch.float64), torch.randn(T, B, H, dtype=torch.float64)


# --- windows -------------------------------------------------------------------------------------------
@given(steps=st.integers(1, 20), sizes=SIZES, batch_first=st.booleans())
def test_every_step_is_new_once_and_windows_follow_each_other(steps, sizes, batch_first):
    k2, k1 = sizes
    x = torch.arange(2 * steps).view(2, steps) if batch_first else torch.arange(2 * steps).view(steps, 2)
    cut = windows(x, x + 1, window=k2, stride=k1, batch_first=batch_first)
    found, at, new = list(cut), 0, []
    assert len(found) == len(cut)
    for number, window in enumerate(found):
        here = (window.input if not batch_first else window.input.T).tolist()
        assert here == (x if not batch_first else x.T)[at : at + len(here)].tolist()
        assert torch.equal(window.targets, window.input + 1)
        assert len(here) <= k2
        assert window.first == (number == 0)
        old = len(here) - window.new
        assert old == min(k2 - k1, at + old)  # as far back as k2 goes, or to the beginning
        new += here[-window.new :]
        at += window.ahead
    assert new == (x.T if batch_first else x).tolist()
    assert at == steps
    assert [w.new for w in found[:-1]] == [k1] * (len(found) - 1)


def test_windows_are_views_of_the_sequence():
    """lightning 19985: the whole sequence need not be loaded to be cut; nothing is copied."""
    x = torch.randn(T, B, I)
    start = x.data_ptr()
    assert [(w.input.data_ptr() - start) // (4 * B * I) for w in windows(x, window=4, stride=2)] == [0, 0, 2, 4, 6, 8]


# --- gradients -----------------------------------------------------------------------------------------
def gradient(layer, x, targets, **sizes):
    """Through windows and Carry."""
    carry, loss = Carry(layer), 0.0
    for window in windows(x, targets, **sizes):
        output = carry(window)
        loss = loss + ((output[-window.new :] - window.targets[-window.new :]) ** 2).sum()
    return torch.autograd.grad(loss, list(layer.parameters()))


def step_by_step(layer, x, state):
    """The reference, one step after the other: (output, state) of each."""
    (weights,) = weights_of(layer)[0]
    for one in x:
        found = run_direction(layer.cell, one, [B], state, weights)
        state = found.state
        yield found.rows, state


def gradient_by_hand(layer, x, targets, k2, k1):
    """The definition: the loss of steps a … a + k1 through these and k2 − k1 steps before, for a = 0, k1, 2 k1, …"""
    zeros = [torch.zeros(B, H, dtype=torch.float64) for _ in layer.cell.states]
    with torch.no_grad():
        before = [zeros, *(state for _, state in step_by_step(layer, x, zeros))]
    total = [torch.zeros_like(w) for w in layer.parameters()]
    for a in range(0, T, k1):
        e = min(a + k1, T)
        s = max(0, a - (k2 - k1))
        outputs = [output for output, _ in step_by_step(layer, x[s:e], before[s])]
        loss = sum(((outputs[t - s] - targets[t]) ** 2).sum() for t in range(a, e))
        for one, g in zip(total, torch.autograd.grad(loss, list(layer.parameters())), strict=True):
            one += g
    return total


@few
@given(sizes=SIZES, cell=st.sampled_from(["lstm", "gru", "rnn", "slstm"]))
def test_the_gradient_is_the_truncated_one(sizes, cell):
    k2, k1 = sizes
    layer, (x, targets) = layer_of(cell), data()
    found = gradient(layer, x, targets, window=k2, stride=k1)
    assert_agree(list(found), gradient_by_hand(layer, x, targets, k2, k1))


@pytest.mark.parametrize(("window", "stride"), [(T, T), (12, 4), (T, 1), (50, 50)])
@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_a_window_over_everything_is_full_back_propagation(cell, window, stride):
    layer, (x, targets) = layer_of(cell, num_layers=2, learn_initial_state=True), data()
    whole = torch.autograd.grad(((layer(x)[0] - targets) ** 2).sum(), list(layer.parameters()))
    assert_agree(gradient(layer, x, targets, window=window, stride=stride), whole)


def test_truncation_is_felt():
    layer, (x, targets) = layer_of(), data()
    short, whole = (gradient(layer, x, targets, window=k2, stride=2) for k2 in (2, T))
    assert (short[1] - whole[1]).abs().max() > 1e-3


class Kept:
    """A tensor that autograd keeps, and the most bytes that were kept at once."""

    now = most = 0

    def __init__(self, tensor):
        self.tensor = tensor
        Kept.now += tensor.nbytes
        Kept.most = max(Kept.most, Kept.now)

    def __del__(self):
        Kept.now -= self.tensor.nbytes


def most_kept(steps, **sizes):
    Kept.now = Kept.most = 0
    layer = cellwright.LSTM(I, H)
    carry = Carry(layer)
    with torch.autograd.graph.saved_tensors_hooks(Kept, lambda kept: kept.tensor):
        for window in windows(torch.randn(steps, B, I), **sizes):
            carry(window)[-window.new :].square().sum().backward()
    assert Kept.now == 0
    return Kept.most


@pytest.mark.slow
def test_memory_is_that_of_a_window_whatever_the_sequence():
    """To a million steps: benchmarks/long_sequences.py."""
    for sizes in ({"window": 100}, {"window": 100, "stride": 40}):
        assert most_kept(300, **sizes) == most_kept(30_000, **sizes)
    assert most_kept(30_000, window=30_000) > 50 * most_kept(300, window=100)


# --- documents -----------------------------------------------------------------------------------------
DOCUMENTS = [torch.tensor(d) for d in ([0, 1, 2], [0, 3, 4, 5, 6], [], [0, 7], [0, 8, 9, 10], [])]


@pytest.mark.parametrize("batch_first", [False, True])
def test_lanes_stay_aligned_over_the_corpus(batch_first):
    found = lanes(DOCUMENTS, 2, batch_first=batch_first)
    input, targets, reset = (p if batch_first else p.T for p in found)
    assert input.tolist() == [[0, 1, 2, 0, 3, 4], [5, 6, 0, 7, 0, 8]]
    assert targets.tolist() == [[1, 2, 0, 3, 4, 5], [6, 0, 7, 0, 8, 9]]
    assert reset.int().tolist() == [[1, 0, 0, 1, 0, 0], [0, 0, 1, 0, 1, 0]]
    parts = [w.input if batch_first else w.input.T for w in windows(found, window=4, batch_first=batch_first)]
    assert found.input.dtype == torch.int64
    assert torch.equal(torch.cat(parts, 1), input)
    assert lanes(torch.cat(DOCUMENTS), 2).reset is None


class Model(nn.Module):
    """A language model called as a layer is, its state in a mapping."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.embed = nn.Embedding(11, I)
        self.layers = nn.ModuleDict({"a": cellwright.LSTM(I, H), "b": cellwright.GRU(H, H)})
        self.out = nn.Linear(H, 11)

    def forward(self, tokens, state=None, *, reset=None):
        state = state or {"a": None, "b": None}
        x, a = self.layers["a"](self.embed(tokens), state["a"], reset=reset)
        x, b = self.layers["b"](x, state["b"], reset=reset)
        return self.out(x), {"a": a, "b": b}


@pytest.mark.parametrize("sizes", [(3, 3), (4, 1), (6, 2)])
def test_keras_2750_nothing_passes_the_end_of_a_document(sizes):
    """Each lane begins anew where its document does; others go on."""
    model = Model().double()
    carry = Carry(model)
    cut = list(windows(lanes(DOCUMENTS, 2), window=sizes[0], stride=sizes[1]))
    logits = torch.cat([carry(w)[-w.new :] for w in cut]).transpose(0, 1)
    alone = [
        torch.cat([model(torch.tensor(part)[:, None])[0][:, 0] for part in lane])
        for lane in ([[0, 1, 2], [0, 3, 4]], [[5, 6], [0, 7], [0, 8]])
    ]
    assert_agree(logits, torch.stack(alone))
    (gradient,) = torch.autograd.grad(logits[0, 3:].sum(), [model.embed.weight])
    assert not gradient[1:3].any()  # of the tokens before the end
    assert gradient[[0, 3]].any(1).all()


def test_lightning_17848_tbptt_trains_as_a_plain_loop_does(tmp_path):
    """lightning 17848, 20517: windows are the batches, an optimiser's step follows each, and the state goes on."""
    import lightning

    class Module(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.model = Model()
            self.carry = Carry(self.model)

        def training_step(self, batch, _):
            return loss_of(self.carry, batch)

        def configure_optimizers(self):
            return torch.optim.SGD(self.model.parameters(), 0.5)

    def loss_of(carry, window):
        logits = carry(window)
        return nn.functional.cross_entropy(logits[-window.new :].flatten(0, 1), window.targets[-window.new :].flatten())

    cut = windows(lanes(DOCUMENTS, 2), window=3, stride=2)
    options = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    trainer = lightning.Trainer(
        max_epochs=2, accelerator="cpu", enable_model_summary=False, default_root_dir=tmp_path, **options
    )
    module = Module()
    trainer.fit(module, cut)
    model = Model()
    carry, optimiser = Carry(model), torch.optim.SGD(model.parameters(), 0.5)
    for _ in range(2):
        for window in cut:
            optimiser.zero_grad()
            loss_of(carry, window).backward()
            optimiser.step()
    for ours, theirs in zip(model.parameters(), module.model.parameters(), strict=True):
        assert torch.equal(ours, theirs)


# --- the state -----------------------------------------------------------------------------------------
class Pair(NamedTuple):
    h: torch.Tensor
    c: torch.Tensor


def test_states_of_any_shape_are_detached():
    x = torch.ones(2, requires_grad=True) * 2
    found = detached({"a": (x, [x]), "b": Pair(x, x), "steps": 3, "none": None})
    assert isinstance(found["b"], Pair)
    assert found["steps"] == 3
    assert found["none"] is None
    for one in (*found["a"][1], found["a"][0], *found["b"]):
        assert not one.requires_grad
        assert one.data_ptr() == x.data_ptr()


def test_batch_first_layers():
    layer, (x, _) = layer_of(batch_first=True), data()
    carry = Carry(layer)
    cut = windows(x.transpose(0, 1), window=4, stride=3, batch_first=True)
    found = torch.cat([carry(w)[:, -w.new :] for w in cut], 1)
    assert_agree(found, layer(x.transpose(0, 1))[0])
    assert not carry.state[0].requires_grad


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: windows(torch.zeros(5, 1), window=2, stride=3), "stride is 3 and window 2; expected 1 ≤ stride ≤ win"),
        (lambda: windows(torch.zeros(5, 1), window=0), "stride is 0 and window 0"),
        (lambda: windows(torch.zeros(5, 1), torch.zeros(4, 1), window=2), "targets has 4 steps and input 5"),
        (lambda: lanes(torch.arange(4), 4), "4 tokens do not fill 4 lanes; expected at least batch \\+ 1 = 5"),
        (lambda: lanes(torch.arange(4), 0), "batch is 0; expected at least 1"),
        (lambda: lanes([], 2), "0 tokens do not fill 2 lanes"),
        (lambda: lanes(torch.zeros(4, 2), 1), r"the corpus has shape \(4, 2\); expected \(tokens,\)"),
        (lambda: Carry(nn.Sequential(cellwright.GRU(2, 3, bidirectional=True))), "Carry: 0 is bidirectional, and its"),
        (lambda: Carry(nn.LSTM(2, 3, bidirectional=True)), "Carry: LSTM is bidirectional"),
    ],
)
def test_mistakes_say_what_is_expected(call, text):
    with pytest.raises(ValueError, match=text):
        call()


def test_it_serves_torchs_layers_too():
    layer, x = nn.GRU(I, H, dtype=torch.float64), torch.randn(T, B, I, dtype=torch.float64)
    carry = Carry(layer)
    found = torch.cat([carry(w)[-w.new :] for w in windows(Lanes(x, x, None), window=3, stride=2)])
    assert_agree(found, layer(x)[0])
