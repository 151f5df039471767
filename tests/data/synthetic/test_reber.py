import itertools
import re
from collections import Counter

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cellwright.data.synthetic import embedded_reber
from cellwright.data.synthetic.reber import SYMBOLS

# The same language as a regular expression: after T, loop S, then X leads to (X, lower part) or S to the end; …
LOWER = "T*V(?:PXT*V)*"  # from the lower node on; ends in V (out) or P S (out by the upper node)
STRING = re.compile(rf"B(?:TS*X(?:X{LOWER}(?:V|PS)|S)|P{LOWER}(?:V|PS))E")


def texts(tokens):
    return ["".join(SYMBOLS[token] for token in row) for row in tokens.tolist()]


def test_the_expression_knows_the_strings_of_the_literature():
    for text in ("BTXSE", "BPVVE", "BTSSXXTVVE", "BPVPXVPSE"):
        assert STRING.fullmatch(text)
    for text in ("BTXXSE", "BPTVPE", "BTSE"):
        assert not STRING.fullmatch(text)


@given(count=st.integers(0, 5), inner=st.integers(5, 60), seed=st.integers(0, 2**32))
def test_strings_are_of_the_grammar_and_as_long_as_asked(count, inner, seed):
    tokens = embedded_reber(count, inner, seed)
    assert tokens.shape == (count, inner + 4)
    for text in texts(tokens):
        assert (text[0], text[-1]) == ("B", "E")
        assert text[1] == text[-2]
        assert text[1] in "TP"
        assert STRING.fullmatch(text[2:-2])


def test_all_strings_of_a_length_come_and_as_often_as_the_automaton_makes_them():
    every = [text for text in map("".join, itertools.product(SYMBOLS, repeat=6)) if STRING.fullmatch(text)]
    assert sorted(every) == ["BPTVVE", "BPVPSE", "BTSXSE"]  # each takes four free choices, so each is a third
    counts = Counter(text[2:-2] for text in texts(embedded_reber(3000, 6, seed=0)))
    assert [counts[text] for text in every] == pytest.approx([1000] * 3, rel=0.1)


def test_a_seed_is_a_set():
    assert torch.equal(embedded_reber(4, 9, seed=1), embedded_reber(4, 9, seed=1))


def test_a_string_too_short_is_refused():
    with pytest.raises(ValueError, match="4 inner symbols"):
        embedded_reber(3, 4, seed=0)
