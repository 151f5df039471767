"""Mistakes beside those that a plain loop finds, and the surest first."""

import tracemalloc
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellwright.data.column import Column, Names
from cellwright.data.lists import Lists
from cellwright.data.sentences import Sentences
from cellwright.evaluation.mistakes import ANSWERS, LONGEST, SHOWN, Mistakes, Surest, cut, differing, of_labels, of_tags

NAMES = st.sampled_from(["a", "b", "c"])
SIZES = st.integers(1, 9)
CASES = st.lists(st.tuples(NAMES, NAMES, st.integers(0, 4)), max_size=30)
TAGGED = st.lists(st.tuples(st.lists(st.tuples(NAMES, NAMES, st.integers(0, 4)), max_size=4), NAMES, NAMES), max_size=6)


def sentences(tokens, tags, labels=None, as_lists=False):
    if as_lists:
        tokens, tags = Lists.of(tokens, Column.of), Lists.of(tags, Names.of)
    return Sentences(tokens, tags, labels, [3 * row + 1 for row in range(len(tokens))], "x.conll")


@given(cases=CASES, as_names=st.booleans())
@settings(max_examples=60)
def test_wrong_labels_are_those_that_a_loop_finds_by_falling_probability(cases, as_names):
    true, said = [case[0] for case in cases], [case[1] for case in cases]
    sure = np.array([case[2] / 4 for case in cases], np.float32)
    columns = (Names.of(true), Names.of(said)) if as_names else (true, said)
    texts = [f"text {k}" for k in range(len(cases))]
    found = of_labels(*columns, sure, "x.csv, line {}".format, ("text", texts))
    wrong = [k for k in range(len(cases)) if true[k] != said[k]]
    assert list(found) == [
        {
            "where": f"x.csv, line {k}",
            "text": texts[k],
            "expected": true[k],
            "answered": said[k],
            "probability": sure[k],
        }
        for k in sorted(wrong, key=lambda k: (-sure[k], k))
    ]


@given(rows=TAGGED, labelled=st.booleans(), as_lists=st.booleans())
@settings(max_examples=60)
def test_wrong_tags_are_those_that_a_loop_finds_and_wrong_labels_have_no_word(rows, labelled, as_lists):
    tokens = [[f"w{place}" for place, _ in enumerate(words)] for words, _, _ in rows]
    true, said = ([[word[place] for word in words] for words, _, _ in rows] for place in (0, 1))
    labels = [[row[place] for row in rows] if labelled else None for place in (1, 2)]
    sure = [word[2] / 4 for words, _, _ in rows for word in words] + [0.6] * len(rows) * labelled
    right = sentences(tokens, true, labels[0], as_lists)
    given_tags = Lists.of(said, Names.of) if as_lists else said
    found = list(of_tags(right, given_tags, labels[1], np.array(sure, np.float32)))
    expected, number = [], 0
    for row, words in enumerate(tokens):
        for place, word in enumerate(words):
            if true[row][place] != said[row][place]:
                expected.append((sure[number], row, word, place + 1, true[row][place], said[row][place]))
            number += 1
    if labelled:
        pairs = enumerate(zip(*labels, strict=True))
        expected += [(0.6, row, None, None, one, other) for row, (one, other) in pairs if one != other]
    expected.sort(key=lambda each: -each[0])
    assert [each["probability"] for each in found] == pytest.approx([each[0] for each in expected])
    assert [(each["where"], each["word"], each["position"], each["expected"], each["answered"]) for each in found] == [
        (f"x.conll, line {3 * row + 1}", *rest) for _, row, *rest in expected
    ]


def test_the_table_shows_the_surest_and_counts_all():
    labels = ["a"] * 9
    found = of_labels(
        labels, ["b"] * 9, np.linspace(0.1, 0.9, 9, dtype=np.float32), str, ("text", ["t"] * 8 + ["s\nu"])
    )
    (section,) = found.sections()
    assert section.title == f"the {SHOWN} surest of 9 mistakes"
    assert section.columns == ("expected", "answered", "probability")
    assert len(section.rows) == SHOWN
    assert section.rows[0] == ("s u", "a", "b", "0.900")
    (one,) = of_labels(["a"], ["b"], np.ones(1, np.float32), str, ("text", ["t"])).sections()
    assert one.title == "1 mistake"
    assert of_labels(labels, labels, np.ones(9, np.float32), str, ("text", labels)).sections() == []


@given(shares=st.lists(st.integers(0, 5), max_size=40), each=st.integers(1, 3), count=st.integers(0, 6), chunk=SIZES)
@settings(max_examples=60)
def test_the_surest_few_are_the_first_of_all(shares, each, count, chunk):
    sure, wrong = np.array(shares, np.float32), np.arange(0, len(shares), each)
    with mock.patch("cellwright.data.arrays.CHUNK", chunk):
        found = Surest(wrong, sure)
        assert found.first(count).tolist() == found.all[:count].tolist()
    assert found.all.tolist() == sorted(wrong.tolist(), key=lambda index: -shares[index])


def test_a_report_does_not_hold_the_order_of_all_mistakes():
    """Of 10 million mistakes it took 152 MB, whether anybody asked for more than the table or not."""
    count = 2**20
    wrong, sure = np.arange(count), np.linspace(0, 1, count, dtype=np.float32)
    tracemalloc.start()
    Mistakes(Surest(wrong, sure), ("where", *ANSWERS), lambda k: (k, "a", "b", float(sure[k])), str).sections()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 * 8 * count  # bytes: the order and what it is sorted by take more


def test_a_word_stands_between_its_neighbours():
    tokens = [[f"w{k}" for k in range(12)], ["a b", "c"]]
    true = sentences(tokens, [["O"] * 12, ["O", "O"]])
    tags = [["O"] * 5 + ["X"] + ["O"] * 6, ["X", "O"]]
    (section,) = of_tags(true, tags, None, np.linspace(1, 0.9, 14, dtype=np.float32)).sections()
    assert [row[0] for row in section.rows] == ["… w1 w2 w3 w4 [w5] w6 w7 w8 w9 …", "[a b] c"]


def test_a_long_text_is_cut():
    assert cut("x " * 100) == ("x " * 100)[: LONGEST - 1] + "…"
    assert cut(" a\n\tb ") == "a b"


def test_names_that_stand_on_one_side_only_differ():
    one, other = Names(np.array([0, 1, 0], np.int32), ["a", "b"]), Names(np.array([1, 0, 0], np.int32), ["c", "a"])
    assert differing(one, other).tolist() == [1, 2]
