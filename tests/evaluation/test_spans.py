"""Spans and their scores against seqeval."""

import warnings
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqeval.metrics.sequence_labeling import get_entities, precision_recall_fscore_support

from cellwright.evaluation.spans import (
    LETTERS,
    Span,
    SpanScore,
    likely_scheme,
    odd_tags,
    scheme_of,
    score_spans,
    spans,
    writes_spans,
)


def sentences(letters: str) -> st.SearchStrategy[list[tuple[str, str]]]:
    """Sentences of pairs of tags, a true and a given one, in any order, contradictions included."""
    tags = st.sampled_from([*(f"{letter}-{kind}" for letter in letters for kind in ("a", "b-c")), "O", "O"])
    return st.lists(st.lists(st.tuples(tags, tags), max_size=8), min_size=1, max_size=4)


@given(sentences("BIES"))
def test_spans_and_scores_are_seqevals(pairs):
    true, given = ([[pair[side] for pair in sentence] for sentence in pairs] for side in (0, 1))
    for row in true:
        assert spans(row) == [Span(kind, start, last + 1) for kind, start, last in get_entities(row)]
    total, kinds = score_spans(true, given)
    with warnings.catch_warnings():  # of scores that would divide by nothing
        warnings.simplefilter("ignore")
        expected = precision_recall_fscore_support(true, given, average="micro")
        each = list(zip(*precision_recall_fscore_support(true, given, average=None), strict=True))
    assert (total.precision, total.recall, total.f1) == pytest.approx(tuple(expected[:3]))
    assert total.true == expected[3]
    found = [(score.precision, score.recall, score.f1, score.true) for score in kinds.values()]
    assert found == [pytest.approx(row) for row in each]


@given(sentences("BIES"))
def test_other_letters_mean_the_same(pairs):
    tags = [tag for sentence in pairs for tag, _ in sentence]
    for middle, last, single in ("ILU", "MES", "MEW"):
        other = {"I": middle, "E": last, "S": single}
        assert spans([other.get(tag[0], tag[0]) + tag[1:] for tag in tags]) == spans(tags)


def test_tags_that_are_letters_alone():
    assert spans([*"BIIOBB"]) == [Span("", 0, 3), Span("", 4, 5), Span("", 5, 6)]
    assert spans([*"SBMEO"]) == [Span("", 0, 1), Span("", 1, 4)]


def test_what_is_a_tag_of_no_scheme_stands_outside_of_spans():
    for odd in ("0", "", "Boston", "b-x", "O-x", "X-x", "B_x", "_"):
        assert spans(["B-x", odd, "I-x"]) == [Span("x", 0, 1), Span("x", 2, 3)]
        assert spans([odd]) == []


def test_a_few_odd_tags_hide_no_scheme():
    tags = [*["O"] * 97, "B-x", "I-x"]
    assert scheme_of([*tags, "0"]) == "iob2"
    assert odd_tags(Counter([*tags, "0", "0", "E-x"]), "iob2") == {"0": 2, "E-x": 1}
    assert scheme_of([*tags, "0", "0"]) == "plain"
    assert likely_scheme(Counter([*tags, "0"])) == "iob2"
    assert likely_scheme(Counter([*tags, "0", "0", "0"])) == "plain"  # two words of spans, three that are odd
    assert scheme_of([*tags, "S-x"]) == "bioes"
    assert scheme_of([*["O"] * 200, "X"]) == "plain"  # one odd tag, but no span either
    assert writes_spans(Counter([*tags, "0"]), "iob2") == 2
    assert odd_tags(Counter([*tags, "0"]), "plain") == {}


@pytest.mark.parametrize(
    ("tags", "scheme"),
    [
        (["O", "B-x", "I-x"], "iob2"),
        (["O", "I-x"], "iob2"),  # IOB1 and IO are read the same way
        (["B-x-y", "I-x-y", "E-x-y"], "bioes"),
        (["O", "S-x"], "bioes"),
        (["O", "U-x", "L-x", "B-x"], "bilou"),
        ([*"BMES"], "bmes"),
        ([*"BMEWO"], "bmewo"),
        (["O"], "plain"),
        ([], "plain"),
        (["n", "v", "O"], "plain"),
        (["B-x", "NN"], "plain"),
        (["BIO", "IN"], "plain"),
        (["O-x", "B-x"], "plain"),
        (["B-x", "L-x", "E-x"], "plain"),
    ],
)
def test_the_scheme_is_recognised(tags, scheme):
    assert scheme_of(tags) == scheme


def test_every_scheme_has_letters_that_spans_reads():
    assert set("".join(LETTERS.values())) == set("BIOESMLUW")


def test_a_score_of_nothing_is_zero():
    nothing = SpanScore(0, 0, 0)
    assert (nothing.precision, nothing.recall, nothing.f1) == (0, 0, 0)


def test_sentences_of_other_lengths_are_refused():
    with pytest.raises(ValueError, match="1 tags for a sentence of 2"):
        score_spans([["O", "O"]], [["O"]])
