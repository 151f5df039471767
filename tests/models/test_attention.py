"""Attention against its equations, a row, a step and a symbol at a time."""

import math

import pytest
import torch

from agreement import assert_agree
from cellwright.models.attention import Attention

LENGTHS = [3, 0, 5, 1]


def expected(attend, query, output):
    """Context and alignment of one query (Q,) and the outputs (n, F) of one source."""
    scores = []
    for e in output:
        match attend.score:
            case "general":
                scores.append(query @ (attend.key.weight @ e))
            case "dot":
                half = len(e) // 2
                scores.append(query @ (e[:half] + e[half:]))
            case "additive":
                hidden = torch.tanh(attend.key.weight @ e + attend.key.bias + attend.query.weight @ query)
                scores.append(attend.weight.weight[0] @ hidden)
    shares = [math.exp(s.item()) for s in scores]
    alignment = [share / sum(shares) for share in shares]
    return sum((a * e for a, e in zip(alignment, output, strict=True)), torch.zeros_like(output[0])), alignment


@pytest.mark.parametrize("score", ["general", "dot", "additive"])
def test_is_its_equations(score):
    torch.manual_seed(0)
    attend = Attention(score, 3, 6).double()
    output, query = torch.randn(4, 5, 6).double(), torch.randn(4, 2, 3).double()
    memory = attend.memory(output, torch.tensor(LENGTHS))
    context, alignment = attend(query, memory)
    for b, n in enumerate(LENGTHS):
        assert alignment[b, :, n:].eq(0).all()
        if n == 0:
            assert context[b].eq(0).all()
            continue
        for t in range(2):
            c, a = expected(attend, query[b, t], output[b, :n])
            assert_agree(context[b, t], c)
            assert_agree(alignment[b, t, :n], a)


def test_rows_of_a_memory_in_another_order():
    torch.manual_seed(0)
    attend = Attention("general", 3, 6).double()
    output, query, rows = torch.randn(4, 5, 6).double(), torch.randn(3, 1, 3).double(), torch.tensor([2, 0, 2])
    memory = attend.memory(output, torch.tensor(LENGTHS)).take(rows)
    again = attend.memory(output[rows], torch.tensor(LENGTHS)[rows])
    assert_agree(attend(query, memory)[0], attend(query, again)[0])
