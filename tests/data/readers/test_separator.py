"""The separator that the first rows show, and how that is said."""

import pytest

from cellwright.data.readers import read
from cellwright.data.readers.options import ReadOptions
from cellwright.data.readers.separator import SAMPLE, likely_separator
from cellwright.errors import InputError

LIKELY = {
    "the usual one": ("a,b\nc,d\n", ",", ","),
    "semicolons of a German spreadsheet": ("Text;Note\nein Hotel, das gefiel;gut\nzwei;schlecht\n", ",", ";"),
    "tabs in a .csv": ("text\tlabel\nyes, good\tpos\n", ",", "\t"),
    "commas in a .tsv": ("text,label\ngood,pos\n", "\t", ","),
    "separators between quotes do not count": ('text,label\n"a;b",pos\n"c;d",neg\n', ",", ","),
    "one column": ("text\na; b\nc\n", ",", ","),
    "uneven by any": ("a;b\nc\n", ",", ","),
    "a mistake among rows of the usual one": ("a,b\nc\nd,e\n", ",", ","),
    "nothing": ("", ",", ","),
}


@pytest.mark.parametrize("case", LIKELY)
def test_likely(case: str) -> None:
    content, usual, expected = LIKELY[case]
    assert likely_separator(content, usual, quoting=True) == expected


def test_a_sample_may_end_inside_a_field() -> None:
    assert likely_separator('a;b\n"' + "c\n" * SAMPLE + '";d\n', ",", quoting=True) == ";"


def test_quotation_marks_that_are_text_pair_with_none() -> None:
    content = 'ham\t"so\nspam\twin\n'
    assert likely_separator(content, ",", quoting=True) == ","
    assert likely_separator(content, ",", quoting=False) == "\t"


def test_what_was_found_is_said(file) -> None:
    path = file("r.csv", "text;label\nja, gut;1\nnein;0\n")
    table = read(path)
    assert (table.texts, table.labels) == (["ja, gut", "nein"], ["1", "0"])
    assert table.notes == [f"{path}: found semicolon between the fields; --separator comma reads it otherwise"]


@pytest.mark.parametrize("first", ["sep=;", '"sep=;"', "sep=;\r"])
def test_the_line_that_excel_reads_above_the_names_is_no_row(file, first: str) -> None:
    path = file("r.csv", f"{first}\ntext;label\nso, so;1\n")
    table = read(path)
    assert (table.texts, table.labels, table.lines) == (["so, so"], ["1"], [3])
    assert table.notes == [f"{path}: found semicolon between the fields; --separator comma reads it otherwise"]
    assert read(path, how=ReadOptions(separator=";")).texts == ["so, so"]
    assert read(file("s.csv", "sep=x,label\na,1\n"), text="sep=x").texts == ["a"]


@pytest.mark.parametrize("separator", [";", "semicolon"])
def test_what_is_told_is_taken_and_not_said(file, separator: str) -> None:
    table = read(file("r.csv", "text;label\na;1\n"), how=ReadOptions(separator=separator))
    assert (table.texts, table.notes) == (["a"], [])


@pytest.mark.parametrize("separator", ["", ",,", '"', "\n", "colon"])
def test_what_separates_nothing_is_refused(file, separator: str) -> None:
    with pytest.raises(InputError, match="; expected one character, or one of comma, semicolon, tab, pipe, space"):
        read(file("r.csv", "text,label\na,1\n"), how=ReadOptions(separator=separator))
