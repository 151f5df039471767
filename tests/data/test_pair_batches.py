"""Pairs as arrays are the pairs of lists, and make the same batches."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cellwright.data.pair_batches import PairRows, collate_pairs
from cellwright.data.token_rows import TokenRows

SYMBOLS = st.lists(st.integers(0, 99), max_size=4)
PAIRS = st.lists(st.tuples(SYMBOLS, st.lists(SYMBOLS, min_size=1, max_size=3)), min_size=1, max_size=6)


def rows(pairs) -> PairRows:
    sources, targets = TokenRows.of([source for source, _ in pairs]), [one for _, each in pairs for one in each]
    return PairRows.of(sources, TokenRows.of(targets), np.array([len(each) for _, each in pairs]))


def lists(found):
    return [(source.tolist(), [target.tolist() for target in targets]) for source, targets in found]


@given(PAIRS)
def test_pairs_are_those_of_the_lists(pairs):
    found = rows(pairs)
    assert lists(found) == pairs
    assert lists(found[1:3]) == pairs[1:3]
    assert found.costs().tolist() == [len(source) + len(targets[0]) + 1 for source, targets in pairs]
    single = [(source, [target]) for source, targets in pairs for target in targets]
    assert lists(found.one_by_one()) == single
    assert found.one_by_one().costs().tolist() == [len(source) + len(targets[0]) + 1 for source, targets in single]
    pieces = [
        row.tolist() for piece in found.one_by_one().in_pieces() for row in zip(*piece, strict=True) for row in row
    ]
    assert pieces == [row for source, [target] in single for row in (source, target)]
    for one, other in zip(collate_pairs(list(found)), collate_pairs(pairs), strict=True):
        assert torch.equal(one, other) if isinstance(one, torch.Tensor) else one == other


def test_a_source_that_is_not_there():
    with pytest.raises(IndexError, match="source 1 of 1"):
        rows([([1], [[2]])])[1]
