"""What is measured: its operations, lengths and tensors."""

import torch

import own_cells
from cellwright.bench.case import Case, Problem


def test_operations_by_hand():
    assert Case("lstm", False, False, 10, 4, 16).operations == 2 * 4 * 16 * (16 + 16) * 10 * 4
    assert Case("gru", True, False, 10, 4, 16, 2).operations == 3 * 2 * 3 * 16 * (16 + 16) * 10 * 4 * 2
    ragged = Case("rnn", False, True, 10, 4, 16)
    assert ragged.operations == 2 * 16 * 32 * int(ragged.lengths.sum())


def test_lengths_lie_between_a_fifth_and_all():
    lengths = Case("lstm", True, True, 100, 64, 8).lengths
    assert lengths.max() == 100
    assert lengths.min() >= 20
    assert 50 < lengths.float().mean() < 70
    assert not torch.equal(lengths, lengths.sort(descending=True).values)


def test_a_cotangent_beyond_a_length_is_zero():
    problem = Problem(Case("lstm", True, True, 20, 5, 4, 2))
    for b, length in enumerate(problem.case.lengths):
        assert problem.cotangent[:length, b].all()
        assert not problem.cotangent[length:, b].any()


def test_least_bytes_are_those_of_the_tensors():
    for case in (Case("lstm", True, False, 20, 5, 8, 2), Case("gru", False, True, 20, 5, 8)):
        problem = Problem(case)
        weights = sum(w.nelement() for name, w in problem.layer.named_parameters() if name.startswith("weight"))
        output = problem.cotangent.nelement()  # of the same shape
        kept = problem.x.nelement() + weights + output + (output if case.training else 0)
        assert 0.7 * 4 * kept < case.least_bytes <= 4 * kept * 1.3


def test_a_cell_of_ones_own_is_called_by_its_name():
    key = own_cells.leaky.key
    assert key.startswith("leaky#")
    assert str(Case(key, False, False, 10, 4, 16)) == "leaky inference padded T10 B4 H16"
    assert str(Case(f"zoneout({key})", True, True, 10, 4, 16)) == "zoneout(leaky) training ragged T10 B4 H16"
