"""What code for torch.nn's layers reads of them, it finds on ours."""

import pytest
import torch
from torch import nn

import cellwright

KINDS = [
    ("LSTM", {"num_layers": 2, "bidirectional": True, "proj_size": 2}),
    ("GRU", {"bias": False, "batch_first": True}),
    ("RNN", {"num_layers": 2}),
    ("RNN", {"nonlinearity": "relu"}),
]
I, H, T, B = 3, 5, 4, 2


def both(kind, options):
    theirs, ours = getattr(nn, kind)(I, H, **options), getattr(cellwright, kind)(I, H, **options)
    ours.load_state_dict(theirs.state_dict())
    return theirs, ours


def same(found, wanted):
    """The same nested lists of tensors or names."""
    if isinstance(wanted, torch.Tensor):
        return torch.equal(found, wanted)
    if isinstance(wanted, str):
        return found == wanted
    return type(found) is type(wanted) and all(same(a, b) for a, b in zip(found, wanted, strict=True))


@pytest.mark.parametrize("name", ["mode", "all_weights", "_all_weights", "_flat_weights", "_flat_weights_names"])
@pytest.mark.parametrize(("kind", "options"), KINDS)
def test_attributes_are_torch_s(kind, options, name):
    theirs, ours = both(kind, options)
    assert same(getattr(ours, name), getattr(theirs, name))
    with pytest.raises(AttributeError):
        setattr(ours, name, None)


def test_they_follow_a_parameter_that_is_replaced():
    layer = cellwright.GRU(I, H)
    layer.weight_hh_l0 = nn.Parameter(torch.ones(3 * H, H))
    assert layer._flat_weights[1] is layer.weight_hh_l0
    assert layer.all_weights[0][1] is layer.weight_hh_l0


def test_a_cell_that_torch_has_not_has_no_mode():
    assert not hasattr(cellwright.Recurrent("mgu", I, H), "mode")
    assert cellwright.Recurrent("mgu", I, H)._all_weights == [
        ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"]
    ]


@pytest.mark.parametrize(("kind", "options"), KINDS)
def test_a_state_is_permuted_as_by_torch(kind, options):
    theirs, ours = both(kind, options)
    states = torch.randn(2, 4, B, H)
    order = torch.tensor([1, 0])
    given = tuple(states) if kind == "LSTM" else states[0]
    assert same(ours.permute_hidden(given, order), theirs.permute_hidden(given, order))
    assert ours.permute_hidden(given, None) is given


@pytest.mark.parametrize(("kind", "options"), KINDS)
def test_arguments_are_checked_where_torch_checks_them(kind, options):
    theirs, ours = both(kind, options)
    steps = (B, T) if options.get("batch_first") else (T, B)
    stack = options.get("num_layers", 1) * (2 if options.get("bidirectional") else 1)

    def state(batch=B, units=H):
        h = torch.zeros(stack, batch, options.get("proj_size", units))
        return (h, torch.zeros(stack, batch, units)) if kind == "LSTM" else h

    good, sizes = torch.zeros(*steps, I), torch.tensor([B, 1])
    rows = torch.zeros(3, I)
    cases = [
        (good, state(), None),
        (rows, state(), sizes),
        (good, state(batch=B + 1), None),
        (good, state(units=H + 1), None),
        (torch.zeros(*steps, I + 1), state(), None),
        (rows, state(), None),
        (good, state(), sizes),
        (good.double(), state(), None),
    ]
    said = []
    for layer in (theirs, ours):
        said.append([])
        for given in cases:
            try:
                layer.check_forward_args(*given)
                said[-1].append(None)
            except (RuntimeError, ValueError) as error:
                said[-1].append(type(error))
    assert said[0] == said[1]
    assert said[0].count(None) == 2
