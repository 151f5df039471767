import pytest

from cellwright.data.sentences import Sentences
from cellwright.evaluation.tagging import FrequentTags, TagReport, score_tags


def made(*rows: str, labels: list[str] | None = None) -> Sentences:
    """Sentences of words with their tags, as `word/tag word/tag`."""
    pairs = [[word.split("/") for word in row.split()] for row in rows]
    tokens, tags = ([[pair[k] for pair in row] for row in pairs] for k in (0, 1))
    return Sentences(tokens, tags, labels, list(range(1, len(rows) + 1)), "a.pos")


def test_scores_of_plain_tags_are_counted_by_the_word():
    scores = score_tags(made("a/X b/Y", "c/X d/Q", ""), [["X", "X"], ["X", "X"], []], None, "plain")
    assert (scores.words.accuracy, scores.headline, scores.words.texts) == (0.5, 0.5, 4)
    assert scores.words.labels == ("Q", "X", "Y")  # Q, which no tagger knows, counts as wrong
    assert (scores.spans, scores.kinds, scores.sentences) == (None, {}, None)
    assert "spans" not in scores.as_json()


def test_scores_of_spans_and_of_whole_sentences():
    true = made("a/B-x b/I-x c/O", "d/B-y", labels=["p", "new"])
    scores = score_tags(true, [["B-x", "I-x", "B-y"], ["B-y"]], ["p", "p"], "iob2")
    assert scores.headline == pytest.approx(0.8)  # 2 of 3 given, 2 of 2 true
    assert scores.words.accuracy == 0.75
    assert scores.sentences is not None
    assert scores.sentences.accuracy == 0.5
    spelled = scores.as_json()
    assert spelled["spans"] == {
        "precision": pytest.approx(2 / 3),
        "recall": 1,
        "f1": 0.8,
        "right": 2,
        "given": 3,
        "true": 2,
    }
    assert spelled["kinds"]["x"]["f1"] == 1
    assert spelled["sentence_accuracy"] == 0.5


def test_the_most_frequent_tag_of_each_word_and_of_all():
    baseline = FrequentTags(made("a/X a/Y a/Y b/X", "c/Z d/X", labels=["q", "p"]))
    assert baseline.tags([["a", "b", "new"], []]) == [["Y", "X", "X"], []]
    assert baseline.labels(2) == ["p", "p"]
    assert FrequentTags(made("a/Y a/X")).tags([["a", "b"]]) == [["X", "X"]]
    assert FrequentTags(made("a/X")).labels(1) is None


def test_the_tables_hold_the_scores_of_both_and_the_mistakes():
    true = made("a/B-x b/I-x c/O", "d/B-y", labels=["p", "new"])
    frequent = FrequentTags(made("a/B-x b/O c/O", labels=["p"]))
    model = score_tags(true, [["B-x", "I-x", "B-y"], ["B-y"]], ["p", "p"], "iob2", frequent.known)
    other = score_tags(true, frequent.tags(true.tokens), frequent.labels(2), "iob2", frequent.known)
    comparison = TagReport(model, other)
    scores, kinds, labels, mistakes = comparison.sections()
    assert scores.columns == ("precision", "recall", "F1", "words", "unseen (1)", "sentences", "joint")
    assert list(map(list, scores.rows)) == [
        ["this model", "0.667", "1.000", "0.800", "0.7500", "1.0000", "0.5000", "0.0000"],
        ["most frequent tag", "0.000", "0.000", "0.000", "0.5000", "0.0000", "0.5000", "0.0000"],
    ]
    assert kinds.rows[0] == ("x", "1.000", "1.000", "1.000", "1")
    assert labels.rows[0] == ("new", "0.000", "0.000", "0.000", "1")
    assert mistakes.rows == [("O", "B-y", "1")]
    assert comparison.counted == "2 sentences"
    assert comparison.verdict() == "The network adds 0.800 to the F1 of spans of each word's most frequent tag."
    assert "0.800 ahead of the network" in TagReport(other, model).verdict()
    assert TagReport(model).verdict() == "The network reaches 0.800 F1 of spans."
    assert TagReport(model).as_json()["most_frequent_tag"] is None


def test_joint_accuracy_counts_sentences_that_are_right_in_every_tag_and_the_label():
    """Goo et al. (2018): of three sentences one has a wrong tag, one a wrong label."""
    true = made("a/B-x b/O", "c/B-y", "d/O", labels=["p", "q", "p"])
    scores = score_tags(true, [["B-x", "B-y"], ["B-y"], ["O"]], ["p", "q", "q"], "BIO")
    assert scores.joint == scores.compared == scores.as_json()["joint_accuracy"] == 1 / 3
    assert score_tags(true, [["B-x", "B-y"], ["B-y"], ["O"]], None, "BIO").joint is None


def test_plain_tags_have_a_row_each():
    scores = score_tags(made("a/X b/Y", "c/X d/X"), [["X", "X"], ["X", "X"]], None, "plain")
    models, tags, mistakes = TagReport(scores).sections()
    assert (models.columns, models.rows) == (("words",), [("this model", "0.7500")])
    assert tags.rows == [("X", "0.750", "1.000", "0.857", "3"), ("Y", "0.000", "0.000", "0.000", "1")]
    assert mistakes.rows == [("Y", "X", "1")]
