"""Several files as one: a folder of tables, a pattern, a list, compressed or not; rows say which file they stood in."""

import gzip
import re
from pathlib import Path

import pyarrow
import pytest

from cellwright.data.readers import FORMATS, read
from cellwright.data.readers.several import as_one, files_of
from cellwright.data.readers.tagged import read_tagged
from cellwright.errors import InputError


@pytest.fixture
def shards(tmp_path: Path) -> Path:
    """Three files in three formats, two of them compressed, and what Spark leaves beside its tables."""
    folder = tmp_path / "shards"
    folder.mkdir()
    (folder / "0.csv").write_text("text,label\na,x\nb,y\n")
    (folder / "1.jsonl.gz").write_bytes(gzip.compress(b'{"label": "y", "text": "c"}\n'))
    with pyarrow.CompressedOutputStream(str(folder / "2.tsv.zst"), "zstd") as file:
        file.write(b"label\ttext\nx\td\n")
    (folder / "_SUCCESS").write_text("")
    return folder


def test_a_folder_of_tables_is_read_as_one_table_in_the_order_of_the_names(shards):
    table = read(shards)
    assert (table.texts, table.labels) == (["a", "b", "c", "d"], ["x", "y", "y", "x"])
    assert [table.where(row) for row in range(4)] == [
        f"{shards}/0.csv, line 2",
        f"{shards}/0.csv, line 3",
        f"{shards}/1.jsonl.gz, line 1",
        f"{shards}/2.tsv.zst, line 2",
    ]
    assert table.take([3, 1]).where(0) == f"{shards}/2.tsv.zst, line 2"


def test_places_are_those_of_a_list(shards):
    places = read(shards).lines
    assert list(places) == [places[row] for row in range(4)] == places[:]
    assert places[-1] == places[3]
    with pytest.raises(IndexError):
        places[4]


def test_a_pattern_and_a_list_name_files_too(shards):
    assert files_of(f"{shards}/?.*s*", FORMATS) == [shards / name for name in ("0.csv", "1.jsonl.gz", "2.tsv.zst")]
    both = as_one([shards / "2.tsv.zst", shards / "0.csv"])
    assert both == f"{shards}/2.tsv.zst:{shards}/0.csv"
    assert read(both).texts == ["d", "a", "b"]


def test_a_file_whose_name_looks_like_a_list_or_a_pattern_is_that_file(file):
    for name in ("a:b.csv", "[ab]*.csv"):
        path = file(name, "text,label\na,x\n")
        assert files_of(path, FORMATS) == [path]


def test_a_name_that_would_be_cut_is_refused_among_several():
    with pytest.raises(InputError, match=r"a:b\.csv: its name holds ':', which stands between the files"):
        as_one(["a:b.csv", "c.csv"])
    assert as_one(["a:b.csv"]) == "a:b.csv"


def test_one_of_several_that_is_not_there_is_named(shards):
    with pytest.raises(InputError, match=re.escape(f"{shards}/3.csv: no such file")):
        read(f"{shards}/0.csv:{shards}/3.csv")


def test_a_pattern_that_no_file_fits_is_called_one(shards):
    """It said `no such file`."""
    with pytest.raises(InputError, match=re.escape(f"{shards}/*.pq: a pattern that no file fits; expected one that")):
        read(f"{shards}/0.csv:{shards}/*.pq")


@pytest.mark.parametrize("data", ["", ":", "{}:", ":{}", "{0}::{0}"])
def test_an_empty_name_is_not_the_current_folder(shards, monkeypatch, data):
    """It was: `fit a.csv:` read what lay about."""
    monkeypatch.chdir(shards)
    with pytest.raises(InputError, match=r"'.*': an empty name where a file is named; expected the path of a file"):
        files_of(data.format("0.csv"), FORMATS)


def test_a_pattern_leaves_aside_what_a_folder_does(shards):
    """_temporary is where Spark keeps what it has not finished."""
    for name in ("_old.csv", "_temporary/9.csv", ".cache/9.csv", "more/3.csv"):
        (shards / name).parent.mkdir(exist_ok=True)
        (shards / name).write_text("text,label\n")
    assert files_of(f"{shards}/**/*.csv", FORMATS) == [shards / "0.csv", shards / "more" / "3.csv"]
    assert files_of(f"{shards}/_*.csv", FORMATS) == [shards / "_old.csv"]
    assert files_of(f"{shards}/_temporary/*", FORMATS) == [shards / "_temporary" / "9.csv"]


def test_tables_in_folders_are_no_texts_of_classes(tmp_path):
    """Each year was a class, and its texts were whole files of CSV."""
    hive = tmp_path / "hive"
    for name in ("year=2023/part-0.csv", "year=2023/_SUCCESS", "year=2024/month=1/part-0.csv", "year=2024/_t/a.txt"):
        (hive / name).parent.mkdir(parents=True, exist_ok=True)
        (hive / name).write_text("text,label\na,x\n")
    for label in ("label", None):
        with pytest.raises(InputError, match=r"hive: its folders hold tables and nothing else \(.*part-0.csv is one"):
            read(hive, label=label)
    pattern = f"{hive}/**/*.csv"
    with pytest.raises(InputError, match=re.escape(f"are named by a pattern, '{pattern}'")):
        read(hive)
    assert read(pattern).texts == ["a", "a"]
    (hive / "year=2023" / "part-1.jsonl.gz").write_bytes(gzip.compress(b"{}"))
    with pytest.raises(InputError, match=re.escape(f"'{pattern}' '{hive}/**/*.jsonl.gz'")):
        read(hive)


def test_one_text_among_the_files_of_classes_makes_them_texts(tmp_path):
    for name in ("pos/1.csv", "neg/2.txt"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text("a")
    assert read(tmp_path).labels == ["neg", "pos"]


def test_a_built_in_set_stands_alone():
    """`did you mean reviews-zh?`, it asked of reviews-zh."""
    for given in (["reviews-zh", "a.csv"], ["a.csv", "reviews-zh"], ["reviews-zh:a.csv"]):
        with pytest.raises(InputError, match=r": reviews-zh is a built-in set, which stands alone; expected files, or"):
            as_one(given, ["reviews-zh", "news-en"])
    assert as_one(["./reviews-zh", "a.csv"], ["reviews-zh"]) == "./reviews-zh:a.csv"
    assert as_one(["reviews-zh"], ["reviews-zh"]) == "reviews-zh"


def test_other_columns_in_one_of_the_files_are_refused_by_its_name(shards):
    (shards / "3.csv").write_text("sentence,label\ne,x\n")
    with pytest.raises(InputError, match=re.escape(f"{shards}/3.csv, line 1: no column 'text'; the columns are")):
        read(shards)


def test_what_is_no_table_in_a_folder_of_tables_is_named(shards):
    (shards / "notes.md").write_text("read me")
    assert files_of(shards, FORMATS) == [shards]
    named = "shards: holds tables, and notes.md, which is none; expected nothing but tables: .* pattern such as '.*/"
    with pytest.raises(InputError, match=named + re.escape("*.csv'")):
        read(shards)
    (shards / "x.png").write_text("")
    with pytest.raises(InputError, match=r"and notes\.md, x\.png, which are none"):
        read(shards)


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
@pytest.mark.parametrize("content", [b"text,label\na,x\n", b""])
def test_what_is_not_compressed_as_its_suffix_says_is_refused(tmp_path, suffix, content):
    path = tmp_path / f"r.csv{suffix}"
    path.write_bytes(content)
    with pytest.raises(InputError, match=re.escape(f"{path}: the file ")):
        read(path)


def test_a_compressed_file_that_is_cut_short_is_refused(tmp_path):
    whole = gzip.compress("".join(["text,label\n", *(f"text {k},{k * k}\n" for k in range(1000))]).encode())
    (tmp_path / "r.csv.gz").write_bytes(whole[:-20])
    with pytest.raises(InputError, match=r"r\.csv\.gz: the file cannot be read \(Compressed file ended"):
        read(tmp_path / "r.csv.gz")


def test_parquet_may_be_compressed_again(tmp_path):
    import pyarrow.parquet

    pyarrow.parquet.write_table(pyarrow.table({"text": ["a"], "label": ["x"]}), tmp_path / "r.parquet")
    (tmp_path / "r.parquet.gz").write_bytes(gzip.compress((tmp_path / "r.parquet").read_bytes()))
    assert read(tmp_path / "r.parquet.gz").texts == ["a"]


def test_tagged_sentences_of_several_files_say_where_they_stood(file):
    paths = [file("a.conll", "Jo B\nsits O\n\nHi O\n"), file("b.pos", "Al/B ran/O\n")]
    found = read_tagged(as_one(paths))
    assert found.tokens == [["Jo", "sits"], ["Hi"], ["Al", "ran"]]
    assert [found.where(row) for row in range(3)] == [
        f"{paths[0]}, line 1",
        f"{paths[0]}, line 4",
        f"{paths[1]}, line 1",
    ]
    assert found.take([2]).tags == [["B", "O"]]
