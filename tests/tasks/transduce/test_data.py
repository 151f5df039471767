"""Pairs from files: what is kept, what is left out and said, and what is refused."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest

from cellwright.data.splits import SplitOptions
from cellwright.errors import InputError
from cellwright.tasks.transduce.data import PairColumns, open_pairs, read_pairs

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
    assert (pairs.sources, pairs.targets) == (["read"], [["R IY D", "R EH D"]])
    assert notes[0].startswith("2 rows with an empty side left out, the first on ")


def test_parquet(tmp_path):
    columns = {"word": ["read", "read", None], "said": ["R IY D", "R EH D", "X"]}
    pa.parquet.write_table(pa.table(columns), tmp_path / "words.parquet")
    pairs, _ = read_pairs(str(tmp_path / "words.parquet"), PairColumns("word", "said"))
    assert pairs.targets == [["R IY D", "R EH D"]]


def test_a_number_is_a_target_but_no_source(file):
    path = str(file("n.jsonl", '{"source": "five", "target": 5}\n'))
    assert read_pairs(path, PairColumns("source", "target"))[0].targets == [["5"]]
    with pytest.raises(InputError, match=r"n\.jsonl, line 1: column 'target' holds 5 \(int\); expected a string"):
        read_pairs(path, PairColumns("target", "source"))


REFUSED = {
    "no column": (
        "p.csv",
        "a,b\n1,2\n",
        r"p\.csv, line 1: no column 'source'; .*: name yours with --source and --target \(evaluate: --col",
    ),
    "no key": ("p.jsonl", '{"source": "a"}\n', r"p\.jsonl, line 1: no column 'target'.* with --source and --target "),
    "half a character": (
        "p.jsonl",
        '{"source": "a", "target": "b"}\n{"source": "a", "target": "\\ud83d"}\n',
        r"p\.jsonl, line 2: column 'target' holds half of a surrogate pair, \\ud83d, as character 1",
    ),
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


def test_pairs_and_their_files(tmp_path: Path) -> None:
    for name, words in {"train": "abcdefghij", "test": "jk"}.items():
        (tmp_path / f"{name}.csv").write_text("".join(f"{word},{word.upper()}\n" for word in f"x{words}"))
    splits = open_pairs(
        str(tmp_path / "train.csv"), PairColumns("x", "X"), splits=SplitOptions(test=str(tmp_path / "test.csv"))
    )
    assert splits["test"].sources == ["j", "k"]
    assert len(splits["train"]) + len(splits["validation"]) == 10
