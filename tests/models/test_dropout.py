"""What is dropped: how many numbers, which of them together, how much the rest grows, what its gradient is."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from agreement import assert_agree, double
from cellwright.models.dropout import DropConnect, Dropout, LockedDropout, TokenDropout, drop_weights, dropout, hide
from cellwright.nn import Recurrent


@pytest.mark.parametrize("rate", [0.0, 0.001, 0.3, 0.5, 0.9])
def test_the_share_of_zeros_is_the_rate_and_the_mean_stays(rate: float) -> None:
    torch.manual_seed(0)
    count = 1_000_000
    kept = dropout(torch.ones(count), rate)
    deviation = math.sqrt(rate * (1 - rate) / count)
    assert (kept == 0).float().mean().item() == pytest.approx(rate, abs=5 * deviation + 1e-5)
    assert kept.max().item() == pytest.approx(1 / (1 - rate), rel=1e-3)
    assert kept.mean().item() == pytest.approx(1, abs=5 * deviation / (1 - rate) + 1e-5)


def test_neighbours_are_drawn_apart() -> None:
    torch.manual_seed(0)
    zero = (dropout(torch.ones(400_000), 0.5) == 0).float() - 0.5
    for distance in range(1, 9):  # four share a draw
        assert (zero[distance:] * zero[:-distance]).mean().abs() < 5 * 0.25 / math.sqrt(400_000)


@pytest.mark.slow
def test_what_is_drawn_at_first_is_no_likelier_than_what_is_drawn_later() -> None:
    torch.manual_seed(0)  # each call begins a generator, from so many bits of torch's
    first = torch.stack([dropout(torch.ones(5), 0.5) for _ in range(20_000)])
    assert (first == 0).float().mean(0) == pytest.approx(torch.full((5,), 0.5), abs=5 * 0.5 / math.sqrt(20_000))


@given(st.lists(st.integers(0, 5), min_size=1, max_size=3), st.sampled_from([torch.float32, torch.float64]))
def test_any_shape_and_the_gradient_is_the_mask(shape: list[int], dtype: torch.dtype) -> None:
    values = torch.randn(shape, dtype=dtype, requires_grad=True)
    dropped = dropout(values, 0.4)
    assert dropped.shape == values.shape
    assert dropped.dtype == dtype
    dropped.sum().backward()
    assert_agree(dropped, double(values) * double(values.grad))


def test_the_module_drops_in_training_only_and_by_torchs_generator() -> None:
    module, values = Dropout(0.5), torch.randn(9, 5)
    torch.manual_seed(3)
    first = module(values)
    torch.manual_seed(3)
    assert torch.equal(first, module(values))
    assert (first == 0).any()
    assert module.eval()(values) is values
    assert Dropout(0.0)(values) is values
    assert repr(nn.Sequential(Dropout(0.5))).count("Dropout(0.5)") == 1


def test_hidden_tokens_read_as_unknown_and_padding_stays() -> None:
    torch.manual_seed(0)
    tokens = torch.tensor([2, 3, 0]).repeat(10_000, 1)
    hidden = hide(tokens, 0.3)
    assert (hidden[:, :2] == 1).float().mean().item() == pytest.approx(0.3, abs=5 * math.sqrt(0.3 * 0.7 / 20_000))
    assert torch.equal(hidden[hidden != 1], tokens[hidden != 1])
    assert (hidden[:, 2] == 0).all()


def test_values_on_the_cpu_are_drawn_there_whatever_the_default_device() -> None:
    with torch.device("meta"):
        assert Dropout(0.5)(torch.ones(99, device="cpu")).sum() > 0


@pytest.mark.parametrize("batch_first", [False, True])
def test_locked_dropout_drops_the_same_features_at_all_steps(batch_first: bool) -> None:
    torch.manual_seed(1)
    dropped = LockedDropout(0.5, batch_first)(torch.ones(3, 6, 40) if batch_first else torch.ones(6, 3, 40))
    sequences = dropped if batch_first else dropped.transpose(0, 1)
    assert torch.equal(sequences, sequences[:, :1].expand(3, 6, 40))
    assert not torch.equal(sequences[0], sequences[1])
    assert set(dropped.unique().tolist()) == {0.0, 2.0}


def test_token_dropout_drops_a_token_wherever_it_stands() -> None:
    torch.manual_seed(1)
    tokens = torch.arange(20).repeat(2, 3).T
    dropped = TokenDropout(20, 0.5)(torch.ones(60, 2, 4), tokens)
    of_token = dropped[:20, 0, 0]
    assert set(of_token.tolist()) == {0.0, 2.0}
    assert torch.equal(dropped, of_token[tokens][..., None].expand(60, 2, 4))


@pytest.mark.parametrize("module", [LockedDropout(0.5), DropConnect(0.5)])
def test_in_evaluation_nothing_is_dropped(module: nn.Module) -> None:
    values = torch.randn(2, 3, 4)
    assert module.eval()(values) is values


def test_weight_drop_is_the_layer_with_fewer_weights() -> None:
    torch.manual_seed(0)
    layer, plain = Recurrent("lstm", 3, 4), Recurrent("lstm", 3, 4)
    plain.load_state_dict(layer.state_dict())
    drop_weights(layer, 0.5)
    torch.manual_seed(7)
    found, _ = layer(torch.ones(5, 2, 3))
    torch.manual_seed(7)
    with torch.no_grad():
        plain.weight_hh_l0.copy_(dropout(plain.weight_hh_l0, 0.5))
    assert_agree(found, double(plain)(torch.ones(5, 2, 3).double())[0])
