"""Pairs: what is kept, what is left out and said, and in which split a source stands."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellwright.data.checks import check_splits
from cellwright.data.hash_split import position
from cellwright.data.pairs import gather, split_pairs
from cellwright.data.table import Table
from cellwright.errors import InputError

ROWS = [("read", "R IY D"), ("lead", "L EH D"), ("read", "R EH D"), ("", "X"), ("mute", " "), (" read ", "R IY D")]


def table(rows):
    sources, targets = zip(*rows, strict=True)
    return Table(list(sources), list(targets), list(range(2, len(rows) + 2)), "words.csv")


def test_targets_of_one_source_stand_together_and_what_is_left_out_is_said():
    pairs, notes = gather(table(ROWS))
    assert (pairs.sources, pairs.targets) == (["read", "lead"], [("R IY D", "R EH D"), ("L EH D",)])
    assert (pairs.lines, pairs.where(1)) == ([2, 3], "words.csv, line 3")
    assert notes == [
        "2 rows with an empty side left out, the first on words.csv, line 5",
        "1 row left out that repeats an earlier pair",
        "1 source with several targets, each of which counts as right",
    ]


def test_pairs_without_a_whole_one_are_refused():
    with pytest.raises(InputError, match=r"words\.csv: all 2 pairs have an empty side"):
        gather(table([("a", ""), (" ", "b")]))


@given(st.lists(st.tuples(st.text(min_size=1, max_size=3), st.text(min_size=1, max_size=2)), min_size=1, max_size=20))
@settings(max_examples=40)
def test_every_pair_is_in_the_split_of_its_source(rows):
    try:
        pairs, _ = gather(table(rows))
    except InputError:
        return
    kept = [
        (s, t)
        for split in split_pairs(pairs).values()
        for s, ts in zip(split.sources, split.targets, strict=True)
        for t in ts
    ]
    assert sorted(kept) == sorted({(s.strip(), t.strip()) for s, t in rows if s.strip() and t.strip()})
    for name, low, high in (("test", 0, 0.1), ("validation", 0.1, 0.2), ("train", 0.2, 1)):
        assert all(low <= position(source) < high for source in split_pairs(pairs)[name].sources)


def test_a_split_without_pairs_is_refused_with_the_counts():
    pairs, _ = gather(table(ROWS))
    with pytest.raises(InputError, match=r"no source falls to the \w+ split \(\d train, \d validation, \d test\)"):
        check_splits(split_pairs(pairs), "words.csv", "source")
