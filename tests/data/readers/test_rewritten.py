"""A file of columns with its own tags is the file; with others, it is read with these."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellwright.data.readers.columns import CONLLU, TokenColumns
from cellwright.data.readers.rewritten import as_written
from cellwright.data.readers.tagged import read_tagged, tagged_pieces
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
    below_them = "".join(each.tagged() for each in again[len(told) :])
    same = [each.tagged(tags) for each, (_, tags) in zip(told, found, strict=True)]
    assert "".join(same) + below_them == path.read_text("utf-8")
    other = [[f"{tag}{place}" for place, tag in enumerate(tags)] for _, tags in found]
    changed = "".join(each.tagged(tags) for each, tags in zip(told, other, strict=True)) + below_them
    path.write_text(changed, "utf-8")
    read = read_tagged(path)
    assert list(read.tokens) == [words for words, _ in found]
    assert list(read.tags) == other
    assert changed.count("\n") == len(lines)


@pytest.mark.parametrize("kind", KINDS)
@given(sentences=FILES, below=BELOW, named=st.booleans(), end=st.sampled_from(["\n", "\r\n"]))
@settings(max_examples=40)
def test_a_column_that_is_added_is_read_again_and_stands_in_every_row(
    tmp_path_factory, kind, sentences, below, named, end
):
    name, format, row = KINDS[kind]
    lines, found = written([([], [("EU", "N")], 1), *sentences], below, row, ranges=format == "conllu")
    width = len(re.split("[\t ]+", row(0, "w", "t")))
    names = [f"c{place}" for place in range(width)] if format == "columns" else list(CONLLU)
    head = [f"# global.columns = {' '.join(names)}"] if named else []
    path = tmp_path_factory.mktemp("files") / name
    path.write_bytes("".join(line + end for line in head + lines).encode())
    title = ":new" if named or format == "conllu" else ""
    told = TokenColumns(None, f"{width + 1}{title}", tagged=False)
    again = list(as_written(path, told, "utf-8", format))
    tags = [[f"T{place}" for place in range(len(words))] for words, _ in found]
    left = iter(tags)
    path.write_bytes("".join(each.tagged(next(left) if each.tokens else ()) for each in again).encode())
    read = read_tagged(path, tags="new" if title else "-1")
    assert (list(read.tokens), list(read.tags)) == ([words for words, _ in found], tags)
    content = path.read_bytes().decode()
    rows = [line for line in content.split(end) if line[:1].isdigit() and "\t" in line]
    assert {len(line.split("\t")) for line in rows} <= {width + 1}
    assert content.count(end) == len(lines) + bool(title)


def sentence(path: Path, content: str, told: TokenColumns, format: str = "columns"):
    path.write_text(content, "utf-8")
    return next(as_written(path, told, "utf-8", format))


def conllu_column(path: Path, content: str, tags: str | None = None):
    return sentence(path, content, TokenColumns(None, tags, tagged=False), "conllu")


def test_the_columns_of_conllu_plus_go_by_their_names(tmp_path):
    """The tags went into a fourth column that nothing named."""
    named = "# global.columns = ID UPOS FORM\n"
    found = conllu_column(tmp_path / "a.conllu", f"{named}1\t_\tfly\n")
    assert found.tagged(["X"]) == f"{named}1\tX\tfly\n"
    assert list(read_tagged(tmp_path / "a.conllu").tokens) == [["fly"]]
    with pytest.raises(InputError, match=r"go into column 4 \(UPOS\), and there are 3; .* or 4 for one behind them"):
        conllu_column(tmp_path / "b.conllu", "1\tfly\tfly\n")
    found = conllu_column(tmp_path / "b.conllu", "1\tfly\tfly\n", "4")
    assert (found.tagged(["X"]), found.column.names[3]) == ("1\tfly\tfly\tX\n", "UPOS")
    with pytest.raises(InputError, match="no column 'UPOS' to put the tags in: the columns are 'ID', 'FORM'; give its"):
        conllu_column(tmp_path / "c.conllu", "# global.columns = ID FORM\n1\tfly\n")


@pytest.mark.parametrize(
    ("content", "tags", "expected"),
    [
        ("w pos\na X\n", "3:ner", "w pos ner\na X T\n"),
        ("w pos ner\na X\n", "3", "w pos ner\na X T\n"),
        ("w\tpos\na\tX\n", "3:ner", "w\tpos\tner\na\tX\tT\n"),
        ("-DOCSTART- -X-\n\n-DOCSTART-\nw pos\na X\n", "3:n", "-DOCSTART- -X- _\n\n-DOCSTART-\nw pos n\na X T\n"),
    ],
)
def test_the_name_of_an_added_column_stands_behind_the_others(tmp_path, content, tags, expected):
    told = TokenColumns("w", tags, tagged=False)
    assert sentence(tmp_path / "a.conll", content, told).tagged(["T"]) == expected


@pytest.mark.parametrize(
    ("content", "tokens", "tags", "error"),
    [
        (
            "w pos\na X\n",
            "w",
            "3",
            "the columns are 'w', 'pos', .* a name that none of them has: --column tags=3:NAME$",
        ),
        ("w pos\na X\n", "w", "3:pos", "a name that none of them has: --column tags=3:NAME$"),
        ("w pos\na X\n", "w", "2:ner", "the tags go into column 2:ner, and there are 2; .* or 3:NAME for one behind"),
        ("w pos ner\na X\n", "w", "3:x", "column 3 has the name 'ner', not 'x'; give its number alone"),
        ("w pos ner\na X\n", "w", "ner", r"go into column 3 \(ner\), and there are 2; .* or 3 for one behind"),
        ("w pos\na X Y\n", "w", "4:x", "the columns are 'w', 'pos', and there are 3, so that one behind them can have"),
        ("a X\n", None, "3:x", "no line names the columns, so 'x' can be none; give its number alone"),
    ],
)
def test_a_name_that_an_added_column_cannot_have_is_refused(tmp_path, content, tokens, tags, error):
    with pytest.raises(InputError, match=error):
        sentence(tmp_path / "a.conll", content, TokenColumns(tokens, tags, tagged=False))


def test_the_label_stands_above_the_range_and_the_empty_node_of_a_sentence(tmp_path):
    """It stood between the range and its first word, where CoNLL-U has no comment."""
    rows = ["0.1\te\te\tX", "1-2\tde la\t_\t_", "1\tde\tde\tX", "2\tla\tla\tX"]
    told = TokenColumns(None, None, "intent", tagged=False)
    found = sentence(tmp_path / "a.conllu", "\n".join(["# x", *rows, ""]), told, "conllu")
    assert found.tagged(["X", "X"], "go").splitlines() == ["# x", "# intent = go", *rows]


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
    assert found.tagged(["X"] * len(found.tokens)).splitlines() == lines
    assert re.search(note, found.column.note)


@pytest.mark.parametrize(
    ("content", "told", "error"),
    [
        ("a O\n", {"tags": "1"}, "line 1: the tags would take the place of column 1 of 2, which is read; name another"),
        ("a n O\n", {"tags": "2", "features": ("2",)}, "take the place of column 2 of 3, which is read"),
        (
            "a O\n",
            {"tags": "4"},
            "line 1: the tags go into column 4, and there are 2; expected 1 to 2, -1 to -2 .*, or 3 for",
        ),
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
    assert sentence(tmp_path / "a.conll", "w\tO\n", told).tagged(["a b"]) == "w\ta b\n"
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
    assert found.tagged(["X"], "go  on").splitlines() == [*expected, "a X"]
    assert found.tagged(["X"]).splitlines() == [*above.splitlines(), "a X"]


def test_the_tags_have_one_place_in_all_of_a_file(tmp_path):
    """What is only read is not asked where they are."""
    path = tmp_path / "a.conllu"
    path.write_text("# global.columns = ID FORM UPOS\n1\ta\tX\n\n# global.columns = ID FORM XPOS\n1\tb\tY\n", "utf-8")
    told = TokenColumns(None, None, tagged=False)
    assert [list(each.tokens) for each in tagged_pieces(path, told, "utf-8")] == [[["a"], ["b"]]]
    with pytest.raises(InputError, match="line 4: the columns are 'ID', 'FORM', 'XPOS', and 'ID', 'FORM', 'UPOS' befo"):
        list(as_written(path, told, "utf-8", "conllu"))
