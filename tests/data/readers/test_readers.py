"""What holds of files of every format: is it there, can it be read, which reader takes it?"""

import re

import pytest

from cellwright.data.readers import FORMATS, read
from cellwright.data.readers.options import ReadOptions
from cellwright.errors import InputError


@pytest.mark.parametrize("name", ["r.csv", "R.CSV"])
def test_the_suffix_chooses_the_reader_in_either_case(file, name):
    assert read(file(name, "text,label\na,b\n")).texts == ["a"]


def test_the_format_by_name_goes_before_the_suffix(file):
    assert read(file("r.csv", '{"text": "a", "label": 1}'), how=ReadOptions(format="jsonl")).texts == ["a"]


def test_an_unknown_format_is_refused(file):
    with pytest.raises(InputError, match="no format 'xlsx'; expected one of csv, tsv, jsonl, parquet, plain"):
        read(file("r.csv", "text,label\na,b\n"), how=ReadOptions(format="xlsx"))


@pytest.mark.parametrize(("name", "found"), [("r.xlsx", "the suffix '.xlsx'"), ("reviews", "a name without a suffix")])
def test_a_suffix_without_a_reader_is_refused_with_those_that_have_one(file, name, found):
    with pytest.raises(InputError, match=f"{name}: {found} tells no format; expected a file that ends in .csv, .tsv"):
        read(file(name, "text,label\na,b\n"))


def test_no_two_formats_share_a_suffix():
    suffixes = [suffix for format in FORMATS.values() for suffix in format.suffixes]
    assert len(suffixes) == len(set(suffixes))


def test_a_file_that_is_not_there_suggests_its_neighbour(file):
    path = file("reviews.csv", "text,label\na,b\n")
    missing = path.with_name("reveiws.csv")
    with pytest.raises(InputError, match=re.escape(f"{missing}: no such file; did you mean {path}?")):
        read(missing)


def test_a_file_in_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match=r"x/r\.csv: no such file; expected the path of a file$"):
        read(tmp_path / "x" / "r.csv")


def test_a_text_given_for_a_path_is_no_file():
    with pytest.raises(InputError, match="no such file"):
        read("很好用" * 200)


def test_a_file_that_may_not_be_read(file, monkeypatch):
    path = file("r.csv", "text,label\na,b\n")

    def refuse(self, mode):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.open", refuse)  # root, who runs CI, may read anything
    with pytest.raises(InputError, match=r"r\.csv: the file cannot be read \(Permission denied\)"):
        read(path)


@pytest.mark.parametrize("name", ["r.csv", "r.jsonl", "r.txt"])
def test_a_byte_that_is_not_utf_8_is_named_with_its_offset(file, name):
    content = b"text,label\n\xe5\xbe\x88\xe5\xa5" + b",pos\n"  # the second character lacks its third byte
    message = re.escape("not utf-8: byte 0xe5 at offset 14 (invalid continuation byte); name the file's encoding")
    with pytest.raises(InputError, match=message):
        read(file(name, content), label=None)


def test_the_offset_counts_a_byte_order_mark(file):
    with pytest.raises(InputError, match="byte 0xff at offset 7 "):
        read(file("r.txt", b"\xef\xbb\xbfabc\n\xff"), label=None)


def test_utf_16_is_recognised_though_not_read(file):
    with pytest.raises(InputError, match=r"byte 0xff at offset 0 .*: --encoding utf-16"):
        read(file("r.csv", "text,label\n".encode("utf-16")))


def test_an_encoding_that_does_not_exist(file):
    with pytest.raises(InputError, match="no encoding 'utf-9'; expected one such as utf-8"):
        read(file("r.csv", "text\n"), how=ReadOptions(encoding="utf-9"))


def test_a_codec_that_does_not_give_text_is_no_encoding(file):
    with pytest.raises(InputError, match="no encoding 'hex'"):
        read(file("r.csv", "00ff"), how=ReadOptions(encoding="hex"))
