"""Recurrent dropout and zoneout, against their definitions written out, with the masks read back from the layer."""

import pytest
import torch

import cellwright
from agreement import assert_agree, error
from cellwright.backends import dispatch
from cellwright.cells import CELLS
from random_layers import random_layer

T, B, I, H = 6, 5, 3, 4
LENGTHS = [6, 2, 4, 6, 1]


def layer_of(cell, **options):
    return random_layer(cell, I, H, **options)


def call_and_masks(monkeypatch, layer, *args, **options):
    """A call's results, and the streams that its first layer was given."""
    seen, compute = [], dispatch.layer

    def spy(call):
        seen.append(call)
        return compute(call)

    monkeypatch.setattr(dispatch, "layer", spy)
    results = layer(*args, **options)
    monkeypatch.undo()
    return results, seen[0].streams


def lstm_step(layer, x, h, c, seen):
    """torch's LSTM step, U seeing `seen` in the place of h."""
    a = x @ layer.weight_ih_l0.T + layer.bias_ih_l0 + seen @ layer.weight_hh_l0.T + layer.bias_hh_l0
    i, f, g, o = a.chunk(4, -1)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    return o.sigmoid() * c.tanh(), c


def test_pytorch_4498_recurrent_dropout_is_one_mask_a_sequence(monkeypatch, path_with_masks):
    layer = layer_of("lstm", recurrent_dropout=0.4)
    x, h, c = (torch.randn(*s, dtype=torch.float64) for s in ((T, B, I), (1, B, H), (1, B, H)))
    (output, (h_n, c_n)), (streams,) = call_and_masks(monkeypatch, layer, x, (h, c))
    mask = streams["m.mask"]
    assert mask.shape == (B, H)
    assert set(mask.unique().tolist()) == {0.0, 1 / 0.6}
    h, c = h[0], c[0]
    for t in range(T):
        h, c = lstm_step(layer, x[t], h, c, mask * h)
        assert_agree(output[t], h)
    assert_agree((h_n[0], c_n[0]), (h, c))


@pytest.mark.parametrize("training", [True, False])
def test_zoneout_keeps_in_training_and_mixes_in_evaluation(monkeypatch, path_with_masks, training):
    layer = layer_of("lstm", zoneout={"h": 0.3, "c": 0.6}).train(training)
    x = torch.randn(T, B, I, dtype=torch.float64)
    (output, (_, c_n)), (streams,) = call_and_masks(monkeypatch, layer, x)
    keep_h, keep_c = (streams[f"m.keep_{s}"].view(T, B, H) for s in "hc")
    if training:
        assert set(keep_h.unique().tolist()) == set(keep_c.unique().tolist()) == {0.0, 1.0}
        assert not torch.equal(keep_h[0], keep_h[1])
    else:
        assert (keep_h == 0.3).all()
        assert (keep_c == 0.6).all()
    h = c = torch.zeros(B, H, dtype=torch.float64)
    for t in range(T):
        new_h, new_c = lstm_step(layer, x[t], h, c, h)
        h, c = keep_h[t] * h + (1 - keep_h[t]) * new_h, keep_c[t] * c + (1 - keep_c[t]) * new_c
        assert_agree(output[t], h)
    assert_agree(c_n[0], c)


def test_the_shares_are_those_asked_for(monkeypatch):
    layer = cellwright.GRU(2, 100, recurrent_dropout=0.3, zoneout=0.2, bidirectional=True)
    _, streams = call_and_masks(monkeypatch, layer, torch.zeros(20, 50, 2))
    for one in streams:
        assert one["m.mask"].mean().item() == pytest.approx(1.0, abs=0.05)
        assert (one["m.mask"] == 0).double().mean().item() == pytest.approx(0.3, abs=0.03)
        assert one["m.keep_h"].mean().item() == pytest.approx(0.2, abs=0.01)
    assert not torch.equal(streams[0]["m.mask"], streams[1]["m.mask"])


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn", "slstm", "layer-norm-lstm"])
def test_evaluation_forgets_recurrent_dropout_and_is_repeatable(cell):
    layer = layer_of(cell, recurrent_dropout=0.5, num_layers=2, bidirectional=True)
    plain = layer_of(cell, num_layers=2, bidirectional=True)
    plain.load_state_dict(layer.state_dict())
    x = torch.randn(T, B, I, dtype=torch.float64)
    assert error(layer(x)[0], plain(x)[0]) > 0.01
    assert torch.equal(layer.eval()(x, lengths=LENGTHS)[0], plain.eval()(x, lengths=LENGTHS)[0])


@pytest.mark.parametrize("cell", ["lstm", "gru", "gru-2014", "peephole", "layer-norm-lstm", "slstm"])
def test_noise_with_everything_else_at_once(cell):
    layer = layer_of(
        cell,
        num_layers=2,
        bidirectional=True,
        recurrent_dropout=0.3,
        zoneout=0.2,
        dropout=0.1,
        learn_initial_state=True,
    )
    x = torch.randn(T, B, I, dtype=torch.float64, requires_grad=True)
    cuts = torch.rand(T, B) < 0.3
    output, state, gates = layer(x, lengths=LENGTHS, reset=cuts, return_gates=True)
    state = state if isinstance(state, tuple) else (state,)
    assert [s.shape for s in state] == [(4, B, H)] * len(layer.cell.states)
    assert len(gates) == 4
    (output.sum() + sum(s.sum() for s in state)).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in layer.parameters())


@pytest.mark.parametrize("learned", [False, True])
def test_reset_restores_the_masked_initial_state(monkeypatch, learned):
    layer = layer_of("lstm", recurrent_dropout=0.5, learn_initial_state=learned)
    x = torch.randn(T, B, I, dtype=torch.float64)
    cuts = torch.zeros(T, B, dtype=torch.bool)
    cuts[3] = True
    (output, _), (streams,) = call_and_masks(monkeypatch, layer, x, reset=cuts)
    h = c = torch.zeros(B, H, dtype=torch.float64)
    if learned:
        h, c = layer.initial_h.expand(B, H), layer.initial_c.expand(B, H)
    for t in range(3, T):
        h, c = lstm_step(layer, x[t], h, c, streams["m.mask"] * h)
        assert_agree(output[t], h)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"recurrent_dropout": 1.0}, "recurrent_dropout is 1.0; expected a number from 0 to below 1"),
        ({"zoneout": -0.1}, "zoneout of h is -0.1; expected a number from 0 to below 1"),
        ({"zoneout": {"d": 0.1}}, "zoneout names the state d; the cell lstm can keep h, c"),
        ({"zoneout": 0.1, "proj_size": 2}, "proj_size is 2, and the masks .* hidden_size = 4 units"),
    ],
)
def test_wrong_shares_say_what_is_expected(options, text):
    with pytest.raises(ValueError, match=text):
        cellwright.LSTM(3, 4, **options)


def test_a_derived_cell_is_refused_with_the_option_that_does_it():
    from cellwright.cells.derived import zoneout

    with pytest.raises(ValueError, match=r"takes the masks keep_h, keep_c, .* pass recurrent_dropout= or zoneout="):
        cellwright.Recurrent(zoneout(CELLS["lstm"]), 3, 4)


def test_zoneout_is_set_as_a_whole_and_checked_as_the_constructors(path_with_masks):
    layer, x = cellwright.LSTM(3, 4, 2), torch.randn(5, 2, 3)
    layer.zoneout["h"] = 0.5
    with pytest.raises(ValueError, match=r"zoneout was written into, .* expected it set as a whole"):
        layer(x)
    with pytest.raises(ValueError, match=r"zoneout of h is 1\.5"):
        layer.zoneout = {"h": 1.5}
    layer.zoneout = {"h": 0.5}
    assert layer.zoneout == {"h": 0.5, "c": 0.0}
    assert "zoneout={'h': 0.5, 'c': 0.0}" in repr(layer)
    assert not torch.equal(layer(x)[0], layer(x)[0])
