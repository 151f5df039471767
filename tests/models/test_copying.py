"""Copying against its formula, place by place: one softmax over what is said and every place that may be copied."""

import torch

from agreement import assert_agree
from cellwright.data.special_tokens import UNKNOWN
from cellwright.models.copying import Copies, Copying

V_SOURCE, V_TARGET, Q, F = 8, 6, 5, 7
COUNTERPARTS = torch.tensor([1, 1, 4, 2, 1, 5, 4, 3])  # 4 has none, 2 and 6 the same
SOURCES = torch.tensor([[2, 7, 2, 6], [3, 4, 7, 7], [4, 4, 2, 2], [5, 2, 3, 3]])
LENGTHS = torch.tensor([4, 2, 2, 0])


def made(scale):
    """The module, and what it is given: the scores of places lie `scale` apart."""
    torch.manual_seed(0)
    copying = Copying(V_SOURCE, Q, F).double()
    copying.counterparts.copy_(COUNTERPARTS)
    with torch.no_grad():
        copying.key.weight.mul_(scale)
    output = torch.randn(len(SOURCES), 4, F, dtype=torch.float64, requires_grad=True)
    query = torch.randn(len(SOURCES), 3, Q, dtype=torch.float64, requires_grad=True)
    logits = torch.randn(len(SOURCES), 3, V_TARGET, dtype=torch.float64, requires_grad=True)
    return copying, (output, query, logits)


TRACE = torch.rand(len(SOURCES), 3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def found(copying, output, query, logits):
    """Probabilities (B, T, V)."""
    outside = (torch.arange(4) >= LENGTHS[:, None])[:, None]
    return copying(logits, query, copying.memory(SOURCES, output, outside), TRACE).softmax(-1)


def by_hand(copying, output, query, logits):
    """The same, a step at a time."""
    rows = []
    for b, length in enumerate(LENGTHS.tolist()):
        places = [s for s in range(length) if COUNTERPARTS[SOURCES[b, s]] != UNKNOWN]
        for t in range(3):
            gain = copying.follow.gain(query[b, t])[0]
            scores = [torch.dot(query[b, t], copying.key.weight @ output[b, s]) + gain * TRACE[b, t, s] for s in places]
            shares = torch.cat([logits[b, t], torch.stack(scores) if scores else logits.new_zeros(0)]).softmax(0)
            row = list(shares[:V_TARGET])
            for s, share in zip(places, shares[V_TARGET:], strict=True):
                row[COUNTERPARTS[SOURCES[b, s]]] = row[COUNTERPARTS[SOURCES[b, s]]] + share
            rows.append(torch.stack(row))
    return torch.stack(rows).view(len(SOURCES), 3, V_TARGET)


def test_is_one_softmax_over_both_ways():
    copying, given = made(1)
    assert_agree(found(copying, *given), by_hand(copying, *given))


def test_gradients_are_those_of_the_formula():
    copying, given = made(1)
    weigh = torch.rand(len(SOURCES), 3, V_TARGET, dtype=torch.float64)
    wanted, ours = (
        torch.autograd.grad((way(copying, *given).log() * weigh).sum(), [*given, *copying.parameters()])
        for way in (by_hand, found)
    )
    assert_agree(ours, wanted)


def test_scores_that_are_far_apart_stay_numbers():
    """A thousand apart: what is not copied has a logarithm that no float holds."""
    copying, given = made(1000)
    probabilities = found(copying, *given)
    assert_agree(probabilities, by_hand(copying, *given))
    for gradient in torch.autograd.grad(probabilities.square().sum(), [*given, *copying.parameters()]):
        assert gradient.isfinite().all()


def test_what_next_to_nothing_is_copied_of_has_gradients():
    """exp(-103) is a number of float32, one over it none."""
    copying = Copying(V_SOURCE, 1, F)
    keys = torch.tensor([[[0.0], [-103.0]]], requires_grad=True)
    logits = torch.full((1, 1, V_TARGET), -200.0, requires_grad=True)
    copies = Copies(keys, torch.tensor([[2, 3]]))
    found = copying(logits, torch.ones(1, 1, 1), copies, torch.zeros(1, 1, 2)).log_softmax(-1)
    for gradient in torch.autograd.grad(found[..., 3].sum(), [keys, logits]):
        assert gradient.isfinite().all()


def test_without_counterparts_nothing_changes():
    copying, (output, query, logits) = made(1)
    copying.counterparts.fill_(UNKNOWN)
    assert_agree(found(copying, output, query, logits), logits.softmax(-1))
