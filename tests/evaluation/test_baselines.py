import pytest

from cellwright.data.table import Table
from cellwright.evaluation.baselines import linear_baseline
from cellwright.evaluation.classification_report import ClassificationReport, compare
from cellwright.evaluation.metrics import score


def table(texts, labels):
    return Table(texts, labels, list(range(1, len(texts) + 1)), "made up")


def test_linear_baseline_learns_characters_without_a_common_word():
    texts = [c * n for n in range(2, 9) for c in "xy"]
    labels = ["is x", "is y"] * 7
    assert linear_baseline(texts, labels, ["xxxxx", "yyy", ""])[:2] == ["is x", "is y"]


def test_linear_baseline_reads_characters_that_training_never_saw_in_their_compatible_form_as_the_network_does():
    texts = [c * n for n in range(2, 9) for c in "xy"]
    labels = ["is x", "is y"] * 7
    assert linear_baseline(texts, labels, ["ｘｘｘｘｘ", "ｙｙｙ"]) == ["is x", "is y"]


def test_linear_baseline_of_four_texts_that_share_nothing():
    assert linear_baseline(["a", "b", "c", "d"], ["1", "1", "1", "2"], ["a", "z"]) == ["1", "1"]


def test_linear_baseline_of_one_class_gives_that_class():
    assert linear_baseline(["a", "b"], ["1", "1"], ["c", ""]) == ["1", "1"]


def test_comparison_fits_the_baselines_on_training_texts_only():
    train = table(["good"] * 6 + ["bad"] * 4, ["+"] * 6 + ["-"] * 4)
    test = table(["bad", "bad", "bad", "good"], ["-", "-", "-", "+"])
    comparison = compare(test, ["+", "-", "-", "+"], ["+", "-"], train)
    assert comparison.model.accuracy == 3 / 4
    assert comparison.majority.accuracy == 1 / 4  # + is the majority of the training texts
    assert comparison.linear.accuracy == 1
    summary = comparison.as_json()
    assert summary["majority"] == {"accuracy": 0.25, "macro_f1": pytest.approx(0.2)}
    assert summary["model"]["confusion"] == [[1, 0], [1, 2]]
    assert summary["model"]["classes"][1]["recall"] == pytest.approx(2 / 3)


def test_comparison_without_training_texts_leaves_the_baselines_out():
    comparison = compare(table(["x"], ["a"]), ["a"], ["a", "b"], None)
    assert comparison == ClassificationReport(score(["a"], ["a"], ["a", "b"]))
    assert comparison.as_json()["linear"] is None


def test_table_without_labels_is_refused():
    with pytest.raises(ValueError, match="made up was read without labels"):
        compare(table(["x"], None), ["a"], ["a"], None)
