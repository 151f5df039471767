"""A file of columns with its own tags is the file; with others, it is read with these."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellwright.data.readers.columns import TokenColumns
from cellwright.data.readers.rewritten import as_written
from cellwright.data.readers.tagged import read_tagged
from cellwright.errors import InputError

WORDS = st.lists(
    st.tuples(st.sampled_from(["EU", "#now", "a/b", "深圳"]), st.sampled_from("NV")), min_size=1, max_size=4
)
ABOVE = st.lists(st.sampled_from(["# text = x y z", "# remark", "-DOCSTART-", "", "#"]), max_size=3)
FILES = st.lists(st.tuples(ABOVE, WORDS, st.integers(1, 2)), min_size=1, max_size=4)
BELOW = st.sampled_from([[], [""], ["# end", ""]])


def columns(separator):
    return lambda place, word, tag: separator.join([word, "x", tag])


def conllu(place, word, tag):
    return "\t".join([str(place + 1), word, word, tag, *"______"])


KINDS = {
    "columns with tabs": ("a.conll", "columns", columns("\t")),
    "columns with blanks": ("a.conll", "columns", columns("   ")),
    "conllu": ("a.conllu", "conllu", conllu),
}


def written(sentences, below, row, *, ranges):
    """The lines of a file, and the words and tags of each sentence."""
    lines, found = [], []
    for above, words, blank in sentences:
        lines += above
        for place, (word, tag) in enumerate(words):
            if ranges and place % 2:
                lines.append(row(place, word, "_").replace(f"{place + 1}\t", f"{place + 1}-{place + 2}\t", 1))
            lines.append(row(place, word, tag))
        lines += [""] * blank
        found.append(tuple(map(list, zip(*words, strict=True))))
    return lines + below, found


@pytest.mark.parametrize("kind", KINDS)
@given(sentences=FILES, below=BELOW)
@settings(max_examples=40)
def test_its_own_tags_leave_a_file_as_it_is_and_others_are_read_again(tmp_path_factory, kind, sentences, below):
    name, format, row = KINDS[kind]
    first = ([], [("EU", "N")], 1)  # before it no line is known to be a token that begins with #
    lines, found = written([first, *sentences], below, row, ranges=format == "conllu")
    path = tmp_path_factory.mktemp("files") / name
    path.write_text("\n".join(lines) + "\n", "utf-8")
    again = list(as_written(path, TokenColumns(None, None, tagged=False), "utf-8", format))
    told = [each for each in again if each.tokens]
    assert not any(each.tokens for each in again[len(told) :])
    assert [len(each.tokens) for each in told] == [len(words) for words, _ in found]
    below_them = [line for each in again[len(told) :] for line in each.lines]
    same = [each.tagged(tags) for each, (_, tags) in zip(told, found, strict=True)]
    assert [line for each in same for line in each] + below_them == lines
    other = [[f"{tag}{place}" for place, tag in enumerate(tags)] for _, tags in found]
    changed = [line for each, tags in zip(told, other, strict=True) for line in each.tagged(tags)] + below_them
    path.write_text("\n".join(changed) + "\n", "utf-8")
    read = read_tagged(path)
    assert list(read.tokens) == [words for words, _ in found]
    assert list(read.tags) == other
    assert len(changed) == len(lines)


def sentence(path: Path, content: str, told: TokenColumns, format: str = "columns"):
    path.write_text(content, "utf-8")
    return next(as_written(path, told, "utf-8", format))


@pytest.mark.parametrize(
    ("content", "told", "lines", "note"),
    [
        ("a\nb \n", {}, ["a X", "b X"], "a column of their own, behind the 1 that are there"),
        ("a\tn\n", {"features": ("2",)}, ["a\tn\tX"], "a column of their own, behind the 2 that are there"),
        ("a\tn\n", {}, ["a\tX"], "take the place of column 2 of 2"),
        ("a\tn\n", {"tags": "3"}, ["a\tn\tX"], "behind the 2 that are there"),
        ("a\t n o \tO\n", {"tags": "2"}, ["a\tX\tO"], "take the place of column 2 of 3"),
        ("n a\n", {"tokens": "2", "tags": "1"}, ["X a"], "take the place of column 1 of 2"),
        ("# global.columns = w ner\na O\n", {"tags": "ner"}, ["# global.columns = w ner", "a X"], r"2 of 2 \(ner\)"),
        ("w ner\na O\n", {"tokens": "w", "tags": "ner"}, ["w ner", "a X"], r"column 2 of 2 \(ner\)"),
    ],
)
def test_where_the_tags_go_and_that_is_said(tmp_path, content, told, lines, note):
    found = sentence(
        tmp_path / "a.conll", content, TokenColumns(**{"tokens": None, "tags": None, **told}, tagged=False)
    )
    assert found.tagged(["X"] * len(found.tokens)) == lines
    assert re.search(note, found.column.note)


@pytest.mark.parametrize(
    ("content", "told", "error"),
    [
        ("a O\n", {"tags": "1"}, "line 1: the tags would take the place of column 1 of 2, which is read; name another"),
        ("a n O\n", {"tags": "2", "features": ("2",)}, "take the place of column 2 of 3, which is read"),
        ("a O\n", {"tags": "4"}, "line 1: --column tags=NAME is column 4, and there are 2; expected 1 to 2"),
        ("a O\n", {"tags": "ner"}, "no column 'ner' to put the tags in: no line names the columns; give its number"),
        ("# global.columns = w x\na O\n", {"tags": "ner"}, "no column 'ner' .*: the columns are 'w', 'x'; give its"),
    ],
)
def test_a_column_that_cannot_be_is_refused(tmp_path, content, told, error):
    with pytest.raises(InputError, match=error):
        sentence(tmp_path / "a.conll", content, TokenColumns(**{"tokens": None, "tags": None, **told}, tagged=False))


def test_a_tag_that_would_be_two_columns_is_refused(tmp_path):
    told = TokenColumns(None, None, tagged=False)
    with pytest.raises(InputError, match="the tag 'a b' does not fit into a column, which white space ends"):
        sentence(tmp_path / "a.conll", "w O\n", told).tagged(["a b"])
    assert sentence(tmp_path / "a.conll", "w\tO\n", told).tagged(["a b"]) == ["w\ta b"]
    with pytest.raises(InputError, match=r"the tag 'a\\tb' does not fit into a column, which a tab ends"):
        sentence(tmp_path / "a.conll", "w\tO\n", told).tagged(["a\tb"])


@pytest.mark.parametrize(
    ("above", "expected"),
    [
        ("# intent = x\n# note\n", ["# intent = go on", "# note"]),
        ("#intent=x\n", ["# intent = go on"]),
        ("# note = intent\n\n", ["# note = intent", "", "# intent = go on"]),
        ("", ["# intent = go on"]),
    ],
)
def test_the_label_of_a_sentence_stands_in_its_comment(tmp_path, above, expected):
    told = TokenColumns(None, None, "intent", tagged=False)
    found = sentence(tmp_path / "a.conll", f"{above}a O\n", told)
    assert found.tagged(["X"], "go  on") == [*expected, "a X"]
    assert found.tagged(["X"]) == [*above.splitlines(), "a X"]
