import numpy as np
import pytest
from sklearn.utils.class_weight import compute_class_weight

from cellwright.data.class_sizes import balanced, rare


def test_balanced_weights_are_scikit_learns() -> None:
    labels = [*"a" * 97, *"b" * 2, *"c" * 13]
    expected = compute_class_weight("balanced", classes=np.array([*"abc"]), y=labels)
    assert balanced(labels, [*"abc"]) == pytest.approx(expected.tolist())


def test_a_class_without_a_label_has_no_weight_and_changes_no_other() -> None:
    assert balanced([*"aab"], [*"abz"]) == [*balanced([*"aab"], [*"ab"]), 0]


def test_rare_classes_are_named_and_what_helps() -> None:
    said = rare([*"a" * 100, *"b" * 11, *"c" * 10, *"d"])
    assert said == (
        "rare beside 'a' (100 training texts): 'd' (1), 'c' (10); --class-weights balanced lets each class count alike"
    )
    assert rare([*"aaab"]) is None
