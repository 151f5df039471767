import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from agreement import assert_agree
from cellwright.data.synthetic import adding
from cellwright.data.synthetic.adding import VARIANCE


@given(count=st.integers(0, 5), steps=st.integers(2, 9), seed=st.integers(0, 2**32))
def test_the_sum_is_that_of_the_marked_numbers_one_in_each_half(count, steps, seed):
    sequences, sums = adding(count, steps, seed)
    assert sequences.shape == (count, steps, 2)
    for row, total in zip(sequences.tolist(), sums.tolist(), strict=True):
        marked = [t for t, (_, mark) in enumerate(row) if mark]
        assert [t < steps // 2 for t in marked] == [True, False]
        assert total == pytest.approx(sum(row[t][0] for t in marked), abs=1e-6)


def test_who_answers_1_is_off_by_the_variance():
    sums = adding(20_000, 4, seed=0)[1]
    assert ((sums - 1) ** 2).mean().item() == pytest.approx(VARIANCE, rel=0.03)


def test_a_seed_is_a_set():
    assert_agree(adding(3, 5, seed=1), adding(3, 5, seed=1), share=0)
    assert not torch.equal(adding(3, 5, seed=1)[0], adding(3, 5, seed=2)[0])


def test_too_few_steps_are_refused():
    with pytest.raises(ValueError, match="1 steps; expected at least 2"):
        adding(3, 1, seed=0)
