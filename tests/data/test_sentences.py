import pytest

from cellwright.data.hash_split import split_table
from cellwright.data.sentences import Sentences, split_sentences
from cellwright.data.table import Table


def made(*rows: tuple[str, str], labels: list[str] | None = None) -> Sentences:
    tokens, tags = [a.split() for a, _ in rows], [b.split() for _, b in rows]
    return Sentences(tokens, tags, labels, list(range(2, len(rows) + 2)), "a.conll")


def test_a_sentence_goes_where_its_text_would_go():
    words = [f"word {k}" for k in range(300)]
    ours = split_sentences(made(*[(word, "A B") for word in words]))
    theirs = split_table(Table(words, None, list(range(2, 302)), "a.csv"))
    for split, table in theirs.items():
        assert [" ".join(tokens) for tokens in ours[split].tokens] == table.texts
        assert ours[split].lines == table.lines
    assert ours.notes == []


def test_empty_sentences_are_left_out_and_repeated_ones_stay_in_one_split():
    splits = split_sentences(
        made(("a b", "X Y"), ("", ""), ("a b", "X X"), ("", ""), ("a b", "X Y"), labels=[*"pppqq"])
    )
    kept = [split for split in splits.values() if len(split)]
    assert [(split.lines, split.labels) for split in kept] == [([2, 4, 6], ["p", "p", "q"])]
    assert splits.notes == ["2 sentences without a token left out, the first on a.conll, line 3"]


def test_shares_are_checked():
    with pytest.raises(ValueError, match=r"shares of 0\.5 for validation and 0\.5 for test"):
        split_sentences(made(("a", "X")), validation=0.5, test=0.5)


def test_lists_that_do_not_pair_are_refused():
    with pytest.raises(ValueError, match=r"lists of \[1, 2\] sentences"):
        Sentences([["a"], ["b"]], [["X"], ["Y"]], ["p"], [1, 2], "a")
    with pytest.raises(ValueError, match="a, line 1: 1 tokens and 2 tags"):
        Sentences([["a"]], [["X", "Y"]], None, [1], "a")
