"""Rank: a U that is the product of two factors."""

import copy
import pickle

import pytest
import torch

import cellwright
from agreement import SINGLE, assert_agree
from cellwright import Recurrent, hub, use_backend
from cellwright.nn.weights import gather

T, B, I, H, R = 6, 4, 3, 8, 2
LENGTHS = [6, 0, 3, 4]


def whole(layer: Recurrent) -> Recurrent:
    """The same layer with one U, which holds what the factors make."""
    options = {"bidirectional": layer.bidirectional, "proj_size": layer.proj_size, "dtype": layer.weight_ih_l0.dtype}
    found = Recurrent(layer.cell, I, H, layer.num_layers, **options)
    named = dict(layer.named_parameters())
    with torch.no_grad():
        for name, parameter in found.named_parameters():
            right = named.get(name.replace("weight_hh", "weight_hq")) if "weight_hh" in name else None
            parameter.copy_(named[name] if right is None else named[name] @ right)
    return found


@pytest.mark.parametrize("where", ["reference", "compiled"])
@pytest.mark.parametrize("cell", ["lstm", "gru", "gru-2014"])
def test_the_factors_learn_what_their_product_does(cell, where):
    torch.manual_seed(0)
    layer = Recurrent(cell, I, H, 2, rank=R, bidirectional=True, dtype=torch.float64)
    dense, x = whole(layer), torch.randn(T, B, I, dtype=torch.float64)
    assert layer.weight_hh_l1_reverse.shape == (len(layer.cell.projections) * H, R)
    assert layer.weight_hq_l1_reverse.shape == (R, H)
    with use_backend(where):
        found, wanted = (one(x, lengths=LENGTHS)[0] for one in (layer, dense))
        assert_agree(found.detach(), wanted.detach())
        for output in (found, wanted):
            output.square().sum().backward()
    gradient = dense.weight_hh_l0.grad
    assert_agree(layer.weight_hh_l0.grad, gradient @ layer.weight_hq_l0.detach().T)
    assert_agree(layer.weight_hq_l0.grad, layer.weight_hh_l0.detach().T @ gradient)


def test_u_begins_as_wide_as_a_whole_one():
    torch.manual_seed(0)
    layer = Recurrent("lstm", 4, 256, rank=16)
    found = (layer.weight_hh_l0 @ layer.weight_hq_l0).var().detach()
    assert_agree(float(found), 1 / (3 * 256), share=0.1)


def test_copied_kept_compiled_frozen_streamed_and_projected(tmp_path):
    torch.manual_seed(0)
    layer, x = Recurrent("lstm", I, H, 2, rank=R, proj_size=5).eval(), torch.randn(T, B, I)
    assert layer.weight_hq_l0.shape == (R, 5)
    wanted = layer(x)[0].detach()
    layer.save_pretrained(tmp_path / "layer")
    for copied in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer)), hub.load(tmp_path / "layer")):
        assert torch.equal(copied(x)[0], wanted)
    assert_agree(torch.compile(layer, backend="eager")(x)[0].detach().double(), wanted.double(), SINGLE)
    with torch.inference_mode(), use_backend("compiled"):
        wanted = layer(x)[0]
        assert torch.equal(layer.freeze()(x)[0], wanted)
        stream = layer.unfreeze().stream(batch=B)
        assert torch.equal(torch.stack([stream.step(step) for step in x]), wanted)


def test_autocast_does_not_round_what_the_factors_make():
    torch.manual_seed(0)
    layer, x = Recurrent("gru", I, H, rank=R), torch.randn(T, B, I)
    dense = whole(layer)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(layer(x)[0], dense(x)[0])


def test_torch_s_switch_does_not_round_what_the_factors_make():
    """U lost 16 of its 24 bits where the switch said "medium", even in a layer that was to multiply exactly."""
    torch.manual_seed(0)
    layer = Recurrent("rnn", I, 64, rank=32, matmul_precision="highest")
    try:
        torch.set_float32_matmul_precision("medium")
        made = gather(layer.cell, {"weight_hh": layer.weight_hh_l0, "weight_hq": layer.weight_hq_l0}).recurrent
        found = torch.autograd.grad(made.square().sum(), [layer.weight_hh_l0, layer.weight_hq_l0])
    finally:
        torch.set_float32_matmul_precision("highest")
    left, right = (w.detach().double().requires_grad_() for w in (layer.weight_hh_l0, layer.weight_hq_l0))
    wanted = torch.autograd.grad((left @ right).square().sum(), [left, right])
    assert_agree([made.detach().double(), *(g.double() for g in found)], [(left @ right).detach(), *wanted], SINGLE)


@pytest.mark.parametrize("layer", [cellwright.LSTM, cellwright.GRU, cellwright.RNN])
def test_torch_s_layers_take_heads_and_a_rank(layer):
    assert layer(I, H, rank=R).weight_hq_l0.shape == (R, H)
    assert layer(I, H, heads=2).weight_hh_l0.shape[1] == H // 2
    assert "rank=2" in repr(layer(I, H, rank=2))


@pytest.mark.parametrize(
    ("cell", "options", "message"),
    [
        ("lstm", {"rank": -1}, "rank is -1; expected at least 0"),
        ("lstm", {"rank": 8}, "rank is 8; expected 0, for a whole U, up to one less than its columns, 8"),
        ("lstm", {"rank": 4, "proj_size": 4}, "rank is 4; expected 0, …, up to one less than its columns, 4"),
        ("lstm", {"rank": 2, "heads": 2}, "rank is 2, and each head has a U of its own; expected rank=0"),
        ("mingru", {"rank": 2}, "rank is 2, and the cell mingru has no U; expected rank=0"),
    ],
)
def test_what_has_no_such_rank_is_refused(cell, options, message):
    with pytest.raises(ValueError, match=message.replace("…", ".*")):
        Recurrent(cell, I, H, **options)


def test_torch_has_no_rank():
    with pytest.raises(Exception, match="layers have no rank=2"):
        cellwright.to_torch(Recurrent("lstm", I, H, rank=2))
