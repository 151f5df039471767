"""reset=, against the pieces of each sequence run one by one."""

import itertools

import pytest
import torch
from torch.nn.utils.rnn import pack_padded_sequence

from agreement import assert_agree
from random_layers import random_layer

CELLS = ["lstm", "gru", "rnn"]
LENGTHS = [5, 2, 0, 4]
B, T, I, H = len(LENGTHS), 6, 3, 4


def layer_of(cell, **options):
    return random_layer(cell, I, H, **options)


def data(seed=1):
    torch.manual_seed(seed)
    return torch.randn(T, B, I, dtype=torch.float64), torch.rand(T, B) < 0.4


def parts(length, cuts):
    """The pieces of a sequence between its cuts: [0, 2, 3] of length 5 -> (0, 2), (2, 3), (3, 5)."""
    edges = [0, *(t for t in range(1, length) if cuts[t]), length]
    return list(itertools.pairwise(edges))


def split_and_joined(layer, x, hx, cuts, length, fresh):
    """One sequence through one bidirectional layer, piece by piece, each direction by torch-like calls without reset.

    Forward, the first piece begins from hx unless step 0 is cut; every other from `fresh`. In reverse, the last piece
    begins from hx; every other from `fresh`.
    """
    pieces = parts(length, cuts)
    outputs, ends = [], []
    for k, (a, b) in enumerate(pieces):
        start = [s.clone() for s in fresh]
        for s, own in zip(start, hx, strict=True):
            if k == 0 and not cuts[0]:
                s[0] = own[0]
            if k == len(pieces) - 1:
                s[1] = own[1]
        output, state = layer(x[a:b], tuple(start) if len(start) > 1 else start[0])
        outputs.append(output)
        ends.append(state if isinstance(state, tuple) else (state,))
    return torch.cat(outputs), [torch.stack([ends[-1][k][0], ends[0][k][1]]) for k in range(len(fresh))]


@pytest.mark.parametrize("cell", CELLS)
def test_stable_baselines_1022_reset_equals_splitting_the_sequence(path_with_reset, cell):
    check_against_the_pieces(layer_of(cell, bidirectional=True))


@pytest.mark.parametrize("cell", CELLS)
def test_reset_to_the_learned_state_equals_splitting_the_sequence(path_with_learned_reset, cell):
    check_against_the_pieces(layer_of(cell, bidirectional=True, learn_initial_state=True))


def check_against_the_pieces(layer):
    x, cuts = data()
    states = len(layer.cell.states)
    hx = [torch.randn(2, B, H, dtype=torch.float64) for _ in range(states)]
    fresh = [p.detach() for n, p in layer.named_parameters() if n.startswith("initial_")]
    fresh = fresh or [torch.zeros(2, H, dtype=torch.float64)] * states
    output, after = layer(x, tuple(hx) if states > 1 else hx[0], lengths=LENGTHS, reset=cuts)
    after = after if isinstance(after, tuple) else (after,)
    for b, length in enumerate(LENGTHS):
        if length == 0:
            assert all(torch.equal(a[:, b], s[:, b]) for a, s in zip(after, hx, strict=True))
            continue
        own = [s[:, b] for s in hx]
        expected, ends = split_and_joined(layer, x[:, b], own, cuts[:, b].tolist(), length, fresh)
        assert_agree(output[:length, b], expected)
        assert_agree([a[:, b] for a in after], ends)


def test_reset_cuts_in_every_layer_of_a_stack(path_with_reset):
    layer = layer_of("gru", num_layers=3, bidirectional=True)
    x, _ = data()
    cuts = torch.zeros(T, B, dtype=torch.bool)
    cuts[4] = True
    assert_agree(layer(x, reset=cuts)[0], torch.cat([layer(x[:4])[0], layer(x[4:])[0]]))


def test_no_gradient_crosses_a_cut(path_with_reset):
    layer = layer_of("lstm", num_layers=2, bidirectional=True)
    x, _ = data()
    x.requires_grad_()
    cuts = torch.zeros(T, B, dtype=torch.bool)
    cuts[3] = True
    output, _ = layer(x, reset=cuts)
    before, after = (torch.autograd.grad(part.sum(), x, retain_graph=True)[0] for part in (output[:3], output[3:]))
    assert before[:3].abs().sum() > 0
    assert after[3:].abs().sum() > 0
    assert not before[3:].any()
    assert not after[:3].any()


def test_reset_restores_the_learned_state_and_trains_it(path_with_learned_reset):
    layer = layer_of("lstm", learn_initial_state=True)
    x, _ = data()
    cuts = torch.zeros(T, B, dtype=torch.bool)
    cuts[2] = True
    given = tuple(torch.zeros(1, B, H, dtype=torch.float64) for _ in "hc")
    layer(x, given, reset=cuts)[0].sum().backward()
    assert layer.initial_h.grad.abs().sum() > 0
    assert layer.initial_c.grad.abs().sum() > 0


def test_reset_lies_as_the_input_does(path_with_reset):
    layer = layer_of("lstm", bidirectional=True)
    x, cuts = data()
    expected, _ = layer(x, reset=cuts, lengths=LENGTHS)
    turned = layer_of("lstm", bidirectional=True, batch_first=True)
    assert_agree(turned(x.transpose(0, 1), reset=cuts.T, lengths=LENGTHS)[0].transpose(0, 1), expected)
    whole, _ = layer(x, reset=cuts)
    assert_agree(layer(x[:, 1], reset=cuts[:, 1])[0], whole[:, 1])
    lengths = torch.tensor([2, 5, 3, 6])
    packed = layer(pack_padded_sequence(x, lengths, enforce_sorted=False), reset=cuts)[0]
    ragged = layer(x, reset=cuts, lengths=lengths)[0]
    assert torch.equal(packed.data, pack_padded_sequence(ragged, lengths, enforce_sorted=False).data)


def test_reset_where_nothing_has_a_step():
    layer = layer_of("lstm", bidirectional=True)
    x, cuts = data()
    assert layer(x[:0], lengths=[0] * B, reset=cuts[:0])[0].shape == (0, B, 2 * H)


def test_wrong_resets_say_what_is_expected():
    layer = layer_of("lstm")
    x, cuts = data()
    with pytest.raises(TypeError, match=r"Recurrent: reset is torch.int64; expected torch.bool; write reset.bool\(\)"):
        layer(x, reset=cuts.long())
    with pytest.raises(RuntimeError, match=r"reset has shape \(4, 6\); expected \(time, batch\) = \(6, 4\)"):
        layer(x, reset=cuts.T)
    with pytest.raises(RuntimeError, match=r"reset has shape \(6, 4\); expected \(time,\) = \(6,\)"):
        layer(x[:, 0], reset=cuts)
