import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from agreement import assert_agree
from cellwright.data.synthetic import temporal_order
from cellwright.data.synthetic.temporal_order import CLASSES, SYMBOLS


@given(count=st.integers(0, 5), steps=st.integers(10, 60), seed=st.integers(0, 2**32))
def test_the_class_is_the_order_of_the_two_that_decide(count, steps, seed):
    tokens, classes = temporal_order(count, steps, seed)
    assert tokens.shape == (count, steps)
    for row, label in zip(tokens.tolist(), classes.tolist(), strict=True):
        text = "".join(SYMBOLS[token] for token in row)
        assert text[0] == "E"
        assert text[-1] == "B"
        places = [t for t, symbol in enumerate(text) if symbol in "XY"]
        assert "".join(text[t] for t in places) == CLASSES[label]
        assert steps // 10 <= places[0] <= steps // 5
        assert steps // 2 <= places[1] <= 3 * steps // 5
        assert set(text[1:-1]) <= set("abcdXY")


def test_the_four_classes_are_equally_frequent():
    counts = torch.bincount(temporal_order(4000, 10, seed=0)[1], minlength=4)
    assert counts.tolist() == pytest.approx([1000] * 4, rel=0.1)


def test_a_seed_is_a_set():
    assert_agree(temporal_order(3, 12, seed=1), temporal_order(3, 12, seed=1), share=0)


def test_too_few_steps_are_refused():
    with pytest.raises(ValueError, match="9 steps; expected at least 10"):
        temporal_order(3, 9, seed=0)
