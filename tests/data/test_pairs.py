"""Pairs from files: what is kept, what is left out and said, and in which split a source stands."""

import json

import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellwright.data.checks import check_splits
from cellwright.data.hash_split import position
from cellwright.data.pair_source import PairColumns, open_pairs, read_pairs
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
        "1 row left out that repeat an earlier pair",
        "1 sources have several targets, each of which counts as right",
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


FILES = {
    "words.csv": "word,said,n\nread,R IY D,1\nread,R EH D,2\n,X,3\nmute,,4\n",
    "words.tsv": "word\tsaid\nread\tR IY D\nread\tR EH D\n\tX\nmute\t\n",
    "words.jsonl": "\n".join(
        json.dumps({"word": w, "said": s})
        for w, s in [("read", "R IY D"), ("read", "R EH D"), (None, "X"), ("mute", None)]
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_formats_agree(file, name):
    pairs, notes = read_pairs(str(file(name, FILES[name])), PairColumns("word", "said"))
    assert (pairs.sources, pairs.targets) == (["read"], [("R IY D", "R EH D")])
    assert notes[0].startswith("2 rows with an empty side left out, the first on ")


def test_parquet(tmp_path):
    columns = {"word": ["read", "read", None], "said": ["R IY D", "R EH D", "X"]}
    pa.parquet.write_table(pa.table(columns), tmp_path / "words.parquet")
    pairs, _ = read_pairs(str(tmp_path / "words.parquet"), PairColumns("word", "said"))
    assert pairs.targets == [("R IY D", "R EH D")]


def test_a_number_is_a_target_but_no_source(file):
    path = str(file("n.jsonl", '{"source": "five", "target": 5}\n'))
    assert read_pairs(path, PairColumns("source", "target"))[0].targets == [("5",)]
    with pytest.raises(InputError, match=r"n\.jsonl, line 1: column 'target' holds 5 \(int\); expected a string"):
        read_pairs(path, PairColumns("target", "source"))


REFUSED = {
    "no column": (
        "p.csv",
        "a,b\n1,2\n",
        r"p\.csv, line 1: no column 'source'; .*: name yours with --source and --target \(evaluate: --col",
    ),
    "no key": ("p.jsonl", '{"source": "a"}\n', r"p\.jsonl, line 1: no column 'target'.* with --source and --target "),
    "plain text": ("p.txt", "a\tb\n", r"p\.txt: plain text has no two columns; expected CSV, TSV, JSONL or Parquet"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(file, case):
    name, content, message = REFUSED[case]
    with pytest.raises(InputError, match=message):
        read_pairs(str(file(name, content)), PairColumns("source", "target"))


def test_one_column_for_both_is_refused(file):
    with pytest.raises(InputError, match="column 'a' for both of --source and --target; expected two columns"):
        read_pairs(str(file("p.csv", "a,b\n1,2\n")), PairColumns("a", "a"))


def test_a_set_of_texts_is_refused_with_those_of_pairs():
    with pytest.raises(InputError, match="reviews-zh holds texts; expected a set of pairs: g2p-en, pinyin, cipher"):
        open_pairs("reviews-zh", PairColumns("source", "target"))
    with pytest.raises(InputError, match="did you mean g2p-en"):
        open_pairs("g2p-em", PairColumns("source", "target"))
