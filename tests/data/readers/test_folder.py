"""A folder with one folder a class, as aclImdb and 20 newsgroups are published; scikit-learn's reader beside ours."""

import os
import sys
from pathlib import Path

import pytest
from sklearn.datasets import load_files

from cellwright.data.readers import read
from cellwright.data.readers.options import ReadOptions
from cellwright.data.readers.records import read_pieces
from cellwright.errors import InputError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four texts of two classes, and what lies beside them."""
    texts = {"neg/0_3": "schlecht", "neg/2_1": "", "pos/0_9": "sehr\r\ngut", "pos/10_7": "schön"}
    for name, text in texts.items():
        path = tmp_path / "train" / f"{name}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode("latin-1"))
    (tmp_path / "train" / "labeledBow.feat").write_text("0:1")
    (tmp_path / "train" / ".DS_Store").write_text("x")
    (tmp_path / "train" / "pos" / ".hidden").write_text("x")
    return tmp_path / "train"


def test_each_file_is_a_text_and_its_folder_its_label(folder: Path) -> None:
    table = read(folder, how=ReadOptions("latin-1"))
    assert dict(zip(table.lines, zip(table.texts, table.labels or [], strict=True), strict=True)) == {
        "neg/0_3.txt": ("schlecht", "neg"),
        "neg/2_1.txt": ("", "neg"),
        "pos/0_9.txt": ("sehr\ngut", "pos"),
        "pos/10_7.txt": ("schön", "pos"),
    }
    assert table.where(2) == f"{folder}, file pos/0_9.txt"
    assert table.notes == [
        f"{folder}: a folder a class: neg 2, pos 2",
        f"{folder}: 1 file beside the folders left out ('labeledBow.feat')",
    ]


def test_scikit_learn_reads_the_same(folder: Path) -> None:
    (folder / "pos" / ".hidden").unlink()
    theirs = load_files(folder, encoding="latin-1", shuffle=False)
    table = read(folder, how=ReadOptions("latin-1"))
    expected = {
        (text.replace("\r\n", "\n"), theirs.target_names[k]) for text, k in zip(theirs.data, theirs.target, strict=True)
    }
    assert set(zip(table.texts, table.labels or [], strict=True)) == expected


def test_without_labels_the_files_beside_are_texts_too(folder: Path) -> None:
    assert len(read(folder, label=None, how=ReadOptions("latin-1"))) == 5


@pytest.mark.skipif(sys.platform != "linux", reason="where a file may have any name")
def test_a_name_that_is_not_utf_8_is_written_as_one_types_it(folder: Path) -> None:
    (folder / "pos" / "10_7.txt").rename(os.fsdecode(os.fsencode(folder) + b"/pos/\xff.txt"))
    table = read(folder, how=ReadOptions("latin-1"))
    assert dict(zip(table.lines, table.texts, strict=True))["pos/\\xff.txt"] == "schön"
    [records] = read_pieces(folder, ReadOptions("latin-1"))
    assert records.rows[-2] == [("file", "pos/\\xff.txt"), ("text", "schön")]


def test_books_are_handed_on_before_there_are_many(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cellwright.data.readers.folder.TOGETHER", 9)
    some = read_pieces(folder, ReadOptions("latin-1"))
    assert [[row[1][1] for row in each.rows] for each in some] == [["schlecht", "", "sehr\ngut"], ["schön", "0:1"]]


def test_a_byte_that_the_encoding_lacks_names_the_file(folder: Path) -> None:
    with pytest.raises(InputError, match=r"pos/10_7\.txt: not utf-8: byte 0xf6 at offset 3"):
        read(folder)


def test_a_folder_of_splits_is_refused_with_the_way(folder: Path) -> None:
    with pytest.raises(InputError, match="if train is a split of the data, name it, as in fit "):
        read(folder.parent)


def test_a_folder_without_classes_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(InputError, match="1 file and no folder with one; expected a folder a class, each with a file"):
        read(tmp_path)


def test_texts_without_a_label_that_would_be_a_class_are_named(folder: Path) -> None:
    (folder / "unsup").mkdir()
    (folder / "unsup" / "1_0.txt").write_text("x")
    notes = read(folder, how=ReadOptions("latin-1")).notes
    assert notes[0].endswith("neg 2, pos 2, unsup 1")
    assert notes[-1] == (
        f"{folder}: unsup is a class like the others, and in aclImdb it holds texts without a label: move it "
        "elsewhere, or name it .unsup, to leave it out"
    )
    (folder / "unsup").rename(folder / ".unsup")
    assert set(read(folder, how=ReadOptions("latin-1")).labels or []) == {"neg", "pos"}
