"""Pairs: what is kept, what is left out and said, and in which split a source stands."""

import os
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellwright.data import arrays, hash_split
from cellwright.data.arrays import MEMORY
from cellwright.data.cache import Cache
from cellwright.data.checks import check_splits
from cellwright.data.column import Column, encoded
from cellwright.data.hash_split import position
from cellwright.data.pairs import among, gather, split_pairs
from cellwright.data.symbols import with_features
from cellwright.data.table import Table
from cellwright.errors import InputError

ROWS = [("read", "R IY D"), ("lead", "L EH D"), ("read", "R EH D"), ("", "X"), ("mute", " "), (" read ", "R IY D")]


def table(rows):
    sources, targets = zip(*rows, strict=True)
    return Table(list(sources), list(targets), list(range(2, len(rows) + 2)), "words.csv")


def test_targets_of_one_source_stand_together_and_what_is_left_out_is_said():
    pairs, notes = gather(table(ROWS))
    assert (pairs.sources, pairs.targets) == (["read", "lead"], [["R IY D", "R EH D"], ["L EH D"]])
    assert (pairs.lines, pairs.where(1)) == ([2, 3], "words.csv, line 3")
    assert notes == [
        "2 rows with an empty side left out, the first on words.csv, line 5",
        "1 row left out that repeats an earlier pair",
        "1 source with several targets, each of which counts as right",
    ]


def test_pairs_without_a_whole_one_are_refused():
    with pytest.raises(InputError, match=r"words\.csv: all 2 pairs have an empty side"):
        gather(table([("a", ""), (" ", "b")]))


def by_dictionary(rows):
    """The same of texts in a dictionary, and how many rows are left out."""
    found, lines, empty = {}, [], []
    for line, (source, target, features) in enumerate(rows, 2):
        if not source.strip() or not target.strip():
            empty.append(line)
            continue
        source = with_features(source.strip(), features or "")
        if source not in found:
            lines.append(line)
        found.setdefault(source, {})[target.strip()] = None
    return list(found), list(map(list, found.values())), lines, empty


def of_few_hashes(texts, salt=""):
    """Hashes of which nearly all agree; that of nothing is its own."""
    return np.array([1 + len(text) % 2 if text.strip() else 0 for text in texts], np.uint64)


TEXT = st.text("ab +", max_size=3)
FEATURES = st.sampled_from(["", "V;PST", "V|PST", "+a"])


@given(
    rows=st.lists(st.tuples(TEXT, TEXT, FEATURES), min_size=1, max_size=30),
    featured=st.booleans(),
    hashes=st.sampled_from([hash_split.hashes_of, of_few_hashes]),
    together=st.integers(1, 8),
    on_disk=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_pairs_are_those_of_a_dictionary_of_texts(rows, featured, hashes, together, on_disk):
    if not featured:
        rows = [(source, target, None) for source, target, _ in rows]
    expected = by_dictionary(rows)
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        patch.setattr(arrays, "CHUNK", together)
        patch.setattr(hash_split, "hashes_of", hashes)
        patch.setattr(os, "fsync", lambda file: None)
        for _ in range(2):  # made, and there
            store = Cache(Path(folder)).of(lambda: "rows") if on_disk else MEMORY
            columns = [Column.side_by_side(*encoded(texts), store) for texts in list(zip(*rows, strict=True))[:2]]
            features = [each for *_, each in rows] if featured else None
            found = Table(*columns, range(2, len(rows) + 2), "words.csv", features=features)
            if not expected[0]:
                with pytest.raises(InputError, match="have an empty side"):
                    gather(found)
                continue
            pairs, notes = gather(found)
            assert (pairs.sources, pairs.targets, list(pairs.lines)) == expected[:3]
            assert list(pairs.targets.items) == [target for each in expected[1] for target in each]
            assert sum("empty side" in note for note in notes) == bool(expected[3])
            odd = np.arange(1, len(pairs), 2)
            assert pairs.take(odd[::-1]).targets == expected[1][1::2][::-1]
            assert list(pairs.take(odd).targets.items) == [target for each in expected[1][1::2] for target in each]


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


def test_sources_that_others_have_are_counted():
    pairs, others = (gather(table([(source, "x") for source in sources]))[0] for sources in ("abc", "bd c"))
    assert (among(pairs, others), among(others, pairs), among(pairs, pairs)) == (2, 2, 3)


def test_a_split_without_pairs_is_refused_with_the_counts():
    pairs, _ = gather(table(ROWS))
    with pytest.raises(InputError, match=r"no source falls to the \w+ split \(\d train, \d validation, \d test\)"):
        check_splits(split_pairs(pairs), "words.csv", "source")
