"""Scores against counts made by hand and against the definitions written out."""

import random
from fractions import Fraction

import pytest

from cellwright.evaluation.metrics import score

# true a: a a b | true b: b b b c | true c: a
TRUE = ["a", "a", "a", "b", "b", "b", "b", "c"]
GIVEN = ["a", "a", "b", "b", "b", "b", "c", "a"]


def test_scores_counted_by_hand():
    scores = score(TRUE, GIVEN, ["a", "b", "c"])
    assert scores.accuracy == 5 / 8
    assert scores.confusion == ((2, 1, 0), (0, 3, 1), (1, 0, 0))
    a, b, c = scores.classes
    assert (a.precision, a.recall, a.support) == pytest.approx((2 / 3, 2 / 3, 3))
    assert (b.precision, b.recall, b.support) == pytest.approx((3 / 4, 3 / 4, 4))
    assert (c.precision, c.recall, c.f1, c.support) == (0, 0, 0, 1)
    assert scores.macro_f1 == pytest.approx((2 / 3 + 3 / 4 + 0) / 3)
    assert scores.texts == 8


def test_order_of_labels_is_the_order_asked_for():
    scores = score(TRUE, GIVEN, ["c", "a", "b"])
    assert scores.labels == ("c", "a", "b")
    assert scores.confusion == ((0, 1, 0), (0, 2, 1), (1, 0, 3))


def test_class_that_occurs_nowhere_does_not_lower_the_mean():
    with_it, without = score(TRUE, GIVEN, ["a", "b", "c", "never"]), score(TRUE, GIVEN, ["a", "b", "c"])
    assert with_it.macro_f1 == without.macro_f1
    assert with_it.classes[3].support == 0
    assert with_it.confusion[3] == (0, 0, 0, 0)


def test_an_answer_that_is_no_class_is_wrong_and_no_class():
    """A baseline gives it, fitted on a file that has gained a label since the run was made."""
    scores = score(["a", "b"], ["a", "c"], ["a", "b"])
    assert (scores.accuracy, scores.labels, scores.confusion) == (0.5, ("a", "b"), ((1, 0), (0, 0)))
    assert scores.macro_f1 == pytest.approx((1 + 0) / 2)


@pytest.mark.parametrize("seed", range(5))
def test_random_labels_against_the_definitions(seed):
    draw = random.Random(seed)
    labels = ["x", "y z", "负面", "4"]
    true = [draw.choice(labels) for _ in range(200)]
    given = [t if draw.random() < 0.6 else draw.choice(labels) for t in true]
    scores = score(true, given, labels)
    f1 = []
    for i, label in enumerate(labels):
        hits = sum(t == g == label for t, g in zip(true, given, strict=True))
        f1.append(Fraction(2 * hits, true.count(label) + given.count(label)))
        assert scores.classes[i].f1 == pytest.approx(float(f1[-1]))
        assert scores.confusion[i] == tuple(
            sum((t, g) == (label, other) for t, g in zip(true, given, strict=True)) for other in labels
        )
    assert scores.macro_f1 == pytest.approx(float(sum(f1) / 4))


def test_no_text_is_refused():
    with pytest.raises(ValueError, match="there is no text to score"):
        score([], [], ["a", "b"])
