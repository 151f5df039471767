"""A tagger's answers in the files of columns that it was asked about."""

import re

import pytest

from cellwright.cli import journal, predict
from cellwright.data.readers.tagged import read_tagged
from cellwright.tasks.predictor import Predictor
from cellwright.tasks.tag.predictor import TagPredictor
from interrupted import answers_end_after
from tagged_requests import SMALL, lines

OPTIONS = [str(part) for name, value in SMALL.items() for part in (f"--{name.replace('_', '-')}", value)]
FILE = """# sent_id = 1
1-2\tde la\t_\t_\t_\t_\t_\t_\t_\t_
1\tfrom\tfrom\tADP\t_\t_\t0\troot\t_\t_
2\toslo\toslo\tPROPN\t_\t_\t1\tdep\t_\tSpaceAfter=No
2.1\tx\tx\tX\t_\t_\t_\t_\t_\t_

# intent = none
# sent_id = 2
1\tfly\tfly\tVERB\t_\t_\t0\troot\t_\t_

# the end
"""


@pytest.fixture(scope="module")
def run(cellwright, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    (folder / "requests.jsonl").write_text(lines(200, 0))
    given = ["--task", "tag", "--sentence-label", "intent", "--out", folder / "tags", *OPTIONS, "--max-epochs", 4]
    assert cellwright("fit", folder / "requests.jsonl", *given).status == 0
    return folder / "tags"


@pytest.fixture
def trees(tmp_path):
    path = tmp_path / "a.conllu"
    path.write_text(FILE)
    return path


def said(run, *sentences):
    return Predictor.load(run).tag([sentence.split() for sentence in sentences])


def test_conllu_is_written_with_the_tags_in_it_and_all_else_as_it_stood(cellwright, run, trees, tmp_path):
    out = tmp_path / "out.conllu"
    ended = cellwright("predict", run, trees, "--out", out)
    assert ended.status == 0
    assert f"{trees}: the tags take the place of column 4 of 10 (UPOS)\n2 answers in {out}\n" in ended.err
    one, two = said(run, "from oslo", "fly")
    expected = FILE.replace("ADP", one.tags[0]).replace("PROPN", one.tags[1]).replace("VERB", two.tags[0])
    expected = expected.replace("# intent = none", f"# intent = {two.label}")
    assert out.read_text() == expected.replace("1-2\t", f"# intent = {one.label}\n1-2\t")
    ended = cellwright("predict", run, trees, "--out", tmp_path / "x.conllu", "--column", "tags=XPOS")
    assert "column 5 of 10 (XPOS)" in ended.err
    assert read_tagged(tmp_path / "x.conllu", tags="XPOS").tags == [one.tags, two.tags]


def test_columns_without_tags_get_one_and_files_stand_behind_each_other(cellwright, run, tmp_path):
    one, two, out = tmp_path / "a.conll", tmp_path / "b.bio", tmp_path / "out.conll"
    one.write_text("from\noslo")
    two.write_text("fly O\n\n\nfare O\n")
    ended = cellwright("predict", run, one, two, "--out", out)
    assert "behind the 1 that are there" in ended.err
    assert "column 2 of 2" in ended.err
    words, answers = ["from oslo", "fly", "fare"], said(run, "from oslo", "fly", "fare")
    parts = [
        f"# intent = {each.label}\n" + "".join(f"{a} {b}\n" for a, b in zip(text.split(), each.tags, strict=True))
        for text, each in zip(words, answers, strict=True)
    ]
    assert out.read_text() == f"{parts[0]}\n{parts[1]}\n\n{parts[2]}"
    assert cellwright("predict", run, one, one, "--out", tmp_path / "twice.conll").status == 0
    assert (tmp_path / "twice.conll").read_text() == f"{parts[0]}\n{parts[0]}".removesuffix("\n")


NAMED = "# global.columns = ID FORM UPOS\n"


@pytest.mark.parametrize(
    ("suffix", "head", "row", "tags", "column", "named"),
    [
        (".conllup", NAMED, "1\t{}\t_", [], "UPOS", NAMED),
        (".conllup", NAMED, "1\t{}\t_", ["--column", "tags=4:NER"], "NER", NAMED.replace("UPOS", "UPOS NER")),
        (".conll", "# global.columns = w t\n", "{} _", ["--column", "tags=t"], "t", "# global.columns = w t\n"),
        (".conll", "# global.columns = w t\n", "{} _", ["--column", "tags=3:n"], "n", "# global.columns = w t n\n"),
    ],
)
def test_several_files_with_names_are_read_again_as_one(
    cellwright, run, tmp_path, suffix, head, row, tags, column, named
):
    """The second file's names stood in the middle, and those of an added column nowhere."""
    files, out = [tmp_path / f"{name}{suffix}" for name in "ab"], tmp_path / f"out{suffix}"
    for path, words in zip(files, (["from", "oslo"], ["fly"]), strict=True):
        path.write_text(head + "".join(row.format(word) + "\n" for word in words))
    ended = cellwright("predict", run, *files, "--out", out, *tags)
    assert (ended.status, ended.out) == (0, "")
    assert f"{files[1]}: the line {head.strip()!r} is left out, behind a file of the same columns" in ended.err
    answers = said(run, "from oslo", "fly")
    assert out.read_text().startswith(named)
    assert out.read_text().count("global.columns") == 1
    read = read_tagged(out, tags=column, label="intent")
    assert (list(read.tokens), list(read.tags)) == ([["from", "oslo"], ["fly"]], [each.tags for each in answers])


@pytest.mark.parametrize("further", ["", " more"])
def test_a_header_line_stands_once_above_several_files(cellwright, tmp_path, named_run, further):
    files, out = [tmp_path / "a.conll", tmp_path / "b.conll"], tmp_path / "out.conll"
    for path, word in zip(files, ("fly", "to"), strict=True):
        path.write_text(f"word pos ner{further}\n{word} VB O\n")
    ended = cellwright("predict", named_run, *files, "--out", out)
    assert f"{files[1]}: the line 'word pos ner{further}' is left out" in ended.err
    read = read_tagged(out, tokens="word", tags="ner")
    assert list(read.tokens) == [["fly"], ["to"]]
    assert out.read_text().count("word pos ner") == 1


OTHERS = {
    "width": ("a O\n", "a x O\n", [], "has 3 columns with spaces between them, the tags in column 3, and a.conll 2"),
    "separator": ("a O\n", "a\tO\n", [], "b.conll has 2 columns with tabs between them"),
    "place": ("a O\n", "# global.columns = t w\nO a\n", ["--column", "tags=-1"], "'t', 'w', the tags in column 2"),
    "names": ("# global.columns = w t\na O\n", "# global.columns = w n\na O\n", [], "columns .* 'w', 'n', the tags in"),
}


@pytest.mark.parametrize("case", OTHERS)
def test_files_of_other_columns_are_not_written_into_one(cellwright, run, tmp_path, monkeypatch, case):
    """They were, into a file that could not be read."""
    one, two, given, message = OTHERS[case]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.conll").write_text(one)
    (tmp_path / "b.conll").write_text(two)
    ended = cellwright("predict", run, "a.conll", "b.conll", "--out", "out.conll", *given)
    assert ended.status == 2
    assert re.search(message, ended.err)
    assert "expected the same of all files that are written into one" in ended.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.conll", "b.conll"]


def test_line_ends_and_the_byte_order_mark_stay(cellwright, run, tmp_path):
    """Each line had ended in a single character, and the mark was gone."""
    path, out = tmp_path / "a.conll", tmp_path / "out.conll"
    path.write_bytes("\ufefffly O\r\nto O\r\n\r\n# the end\r\nfare O".encode())
    assert cellwright("predict", run, path, "--out", out).status == 0
    one, two = said(run, "fly to", "fare")
    first = f"\ufeff# intent = {one.label}\r\nfly {one.tags[0]}\r\nto {one.tags[1]}\r\n\r\n"
    second = f"# the end\r\n# intent = {two.label}\r\nfare {two.tags[0]}"
    assert out.read_bytes().decode() == first + second
    ended = cellwright("predict", run, path, path, "--out", out, "--overwrite")
    assert f"{path}: its byte order mark is left out" in ended.err
    again = f"{second}\r\n\r\n{first[1:]}{second}"
    assert out.read_bytes().decode() == first + again


def test_a_column_behind_those_of_conllu_is_one_of_conllu_plus(cellwright, run, trees, tmp_path):
    """Ranges and empty nodes had a column less, and the file was no CoNLL-U."""
    out, given = tmp_path / "out.conllup", ["--column", "tags=11:SLOT"]
    ended = cellwright("predict", run, trees, "--out", tmp_path / "out.conllu", *given)
    assert (ended.status, (tmp_path / "out.conllu").exists()) == (2, False)
    assert "CoNLL-U has 10 columns, and the tags stand in column 11; expected the place of one of them" in ended.err
    assert cellwright("predict", run, trees, "--out", out, *given).status == 0
    written = out.read_text().splitlines()
    assert written[0] == "# global.columns = ID FORM LEMMA UPOS XPOS FEATS HEAD DEPREL DEPS MISC SLOT"
    rows = [line.split("\t") for line in written if line and not line.startswith("#")]
    assert {len(row) for row in rows} == {11}
    one, two = said(run, "from oslo", "fly")
    assert [row[-1] for row in rows] == ["_", *one.tags, "_", *two.tags]
    assert list(read_tagged(out, tags="SLOT").tags) == [one.tags, two.tags]


@pytest.fixture(scope="module")
def named_run(cellwright, tmp_path_factory):
    """A run that was told the column of the tags by its name, and no other."""
    folder = tmp_path_factory.mktemp("named")
    rows = "".join(f"fly VB O\nto TO O\noslo{k % 9} NN B-to\n\n" for k in range(60))
    (folder / "train.conll").write_text(f"word pos ner\n{rows}")
    sizes = ["--hidden-size", 4, "--max-epochs", 1, "--threads", 1, "--tags", "ner", "--no-baseline"]
    assert cellwright("fit", folder / "train.conll", "--task", "tag", "--out", folder / "run", *sizes).status == 0
    return folder / "run"


def test_the_names_of_the_columns_are_no_sentence(cellwright, tmp_path, named_run):
    """The first line was answered as a word where only the tags had been asked for by their name."""
    more, bare = tmp_path / "more.conll", tmp_path / "bare.conll"
    more.write_text("word pos ner\nfly VB O\n")
    bare.write_text("fly VB\n")
    ended = cellwright("predict", named_run, more)
    assert ended.out == cellwright("predict", named_run, bare).out
    assert f"{more}, line 1: names the columns, and is no word" in ended.err
    ended = cellwright("predict", named_run, more, "--out", tmp_path / "again.conll")
    assert "the tags take the place of column 3 of 3 (ner)" in ended.err
    (tag,) = Predictor.load(named_run).tag([["fly"]])[0].tags
    assert (tmp_path / "again.conll").read_text() == f"word pos ner\nfly VB {tag}\n"


@pytest.mark.parametrize("content", ["ner\nthe\nplane\n", "ner NN\nthe DT\nplane NN\n"])
def test_a_word_that_is_called_as_the_tags_is_a_word(cellwright, tmp_path, named_run, content):
    """It was lost without a word."""
    path = tmp_path / "a.conll"
    path.write_text(content)
    ended = cellwright("predict", named_run, path)
    assert [each.rpartition("/")[0] for each in ended.out.split()] == ["ner", "the", "plane"]
    assert "names the columns" not in ended.err


def test_ctrl_c_costs_no_line_and_repeats_none(cellwright, run, tmp_path, monkeypatch):
    monkeypatch.setattr(predict, "LINES", 10)
    monkeypatch.setattr(journal, "SECONDS", 0.0)
    files = [tmp_path / name for name in ("a.conll", "b.conll")]
    for path in files:
        path.write_text("".join(f"# number {k}\nfly\nto\noslo{k}\n\n" for k in range(18)) + "# below")
    out, whole = tmp_path / "out.conll", tmp_path / "whole.conll"
    with answers_end_after(TagPredictor, 2):
        assert cellwright("predict", run, *files, "--out", out).status == 130
    ended = cellwright("predict", run, *files, "--out", out, "--resume")
    assert (ended.status, "going on after 20 answers" in ended.err) == (0, True)
    assert cellwright("predict", run, *files, "--out", whole).status == 0
    assert out.read_bytes() == whole.read_bytes()
    assert out.read_text().count("# below") == 2
    assert out.read_text().count("# number 7\n") == 2


REFUSED = {
    "another format": (["a.conllu", "--out", "out.conll"], "'a.conllu' is not read as .conll; expected"),
    "a text": (["fly to", "--out", "out.conll"], "and 'fly to' is not read as .conll; expected such files"),
    "rows": (["rows.jsonl", "--out", "out.conllu"], "'rows.jsonl' is not read as .conllu"),
    "a pipe": (["--out", "out.conll"], "and 'standard input' is not read as .conll"),
    "compressed": (["a.conllu", "--out", "out.conllu.gz"], "is written as it is, not compressed; leave .gz out of its"),
    "a column that is read": (["a.conllu", "--out", "out.conllu", "--column", "tags=FORM"], "column 2 of 10, which is"),
    "no column": (["a.conllu", "--out", "out.conllu", "--column", "tags=POS"], "no column 'POS' to put the tags in"),
    "no such number": (
        ["a.conllu", "--out", "out.conllu", "--column", "tags=12"],
        "the tags go into column 12, and there are 10; expected 1 to 10, -1 to -10 counted from the end, or 11:NAME",
    ),
    "no name": (
        ["a.conllu", "--out", "out.conllup", "--column", "tags=11"],
        "none of them has: --column tags=11:NAME, in a file",
    ),
    "printed": (["a.conllu", "--column", "tags=XPOS"], "--column tags=XPOS says where the answers stand in a file of"),
    "a table": (["a.conllu", "--column", "tags=XPOS", "--out", "out.csv"], "and none is written; leave it out"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(cellwright, run, trees, tmp_path, monkeypatch, case):
    given, message = REFUSED[case]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rows.jsonl").write_text('{"tokens": ["fly"]}\n')
    before = sorted(path.name for path in tmp_path.iterdir())
    ended = cellwright("predict", run, *given)
    assert (ended.status, ended.out) == (2, "")
    assert message in ended.err
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_inspect_takes_no_column_of_tags(cellwright, run, trees):
    """It took it, and did nothing with it."""
    ended = cellwright("inspect", run, trees, "--column", "tags=7")
    assert (ended.status, ended.out) == (2, "")
    assert "--column is 'tags=7'; expected one of tokens=NAME, feature_columns=NAME" in ended.err
