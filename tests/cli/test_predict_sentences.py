"""A tagger's answers in the files of columns that it was asked about."""

import pytest

from cellwright.cli import journal, predict
from cellwright.data.readers.tagged import read_tagged
from cellwright.tasks.predictor import Predictor
from cellwright.tasks.tag.predictor import TagPredictor
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
    assert out.read_text() == expected.replace("1\tfrom", f"# intent = {one.label}\n1\tfrom")
    ended = cellwright("predict", run, trees, "--out", tmp_path / "x.conllu", "--column", "tags=XPOS")
    assert "column 5 of 10 (XPOS)" in ended.err
    assert read_tagged(tmp_path / "x.conllu", tags="XPOS").tags == [one.tags, two.tags]


def test_columns_without_tags_get_one_and_files_stand_behind_each_other(cellwright, run, tmp_path):
    one, two, out = tmp_path / "a.conll", tmp_path / "b.bio", tmp_path / "out.conll"
    one.write_text("from\noslo")
    two.write_text("fly\tO\n\n\nfare\tO\n")
    ended = cellwright("predict", run, one, two, "--out", out)
    assert "behind the 1 that are there" in ended.err
    assert "column 2 of 2" in ended.err
    words, answers = ["from oslo", "fly", "fare"], said(run, "from oslo", "fly", "fare")
    separators = [" ", "\t", "\t"]
    parts = [
        f"# intent = {each.label}\n" + "".join(f"{a}{by}{b}\n" for a, b in zip(text.split(), each.tags, strict=True))
        for text, each, by in zip(words, answers, separators, strict=True)
    ]
    assert out.read_text() == f"{parts[0]}\n{parts[1]}\n\n{parts[2]}"
    assert cellwright("predict", run, one, one, "--out", tmp_path / "twice.conll").status == 0
    assert (tmp_path / "twice.conll").read_text() == f"{parts[0]}\n{parts[0]}"


def test_the_names_of_the_columns_are_no_sentence(cellwright, tmp_path):
    """The first line was answered as a word where only the tags had been asked for by their name."""
    data, out = tmp_path / "train.conll", tmp_path / "run"
    rows = "".join(f"fly VB O\nto TO O\noslo{k % 9} NN B-to\n\n" for k in range(60))
    data.write_text(f"word pos ner\n{rows}")
    sizes = ["--hidden-size", 4, "--max-epochs", 1, "--threads", 1, "--tags", "ner", "--no-baseline"]
    assert cellwright("fit", data, "--task", "tag", "--out", out, *sizes).status == 0
    more, bare = tmp_path / "more.conll", tmp_path / "bare.conll"
    more.write_text("word pos ner\nfly VB O\n")
    bare.write_text("fly VB\n")
    assert cellwright("predict", out, more).out == cellwright("predict", out, bare).out
    ended = cellwright("predict", out, more, "--out", tmp_path / "again.conll")
    assert "the tags take the place of column 3 of 3 (ner)" in ended.err
    (tag,) = Predictor.load(out).tag([["fly"]])[0].tags
    assert (tmp_path / "again.conll").read_text() == f"word pos ner\nfly VB {tag}\n"


def test_ctrl_c_costs_no_line_and_repeats_none(cellwright, run, tmp_path, monkeypatch):
    monkeypatch.setattr(predict, "LINES", 10)
    monkeypatch.setattr(journal, "SECONDS", 0.0)
    files = [tmp_path / name for name in ("a.conll", "b.conll")]
    for path in files:
        path.write_text("".join(f"# number {k}\nfly\nto\noslo{k}\n\n" for k in range(18)) + "# below")
    out, whole = tmp_path / "out.conll", tmp_path / "whole.conll"
    answer, calls = TagPredictor.predict, []

    def predict_twice(self, given):
        calls.append(len(given))
        if len(calls) > 2:
            raise KeyboardInterrupt
        return answer(self, given)

    with monkeypatch.context() as patched:
        patched.setattr(TagPredictor, "predict", predict_twice)
        assert cellwright("predict", run, *files, "--out", out).status == 130
    ended = cellwright("predict", run, *files, "--out", out, "--resume")
    assert (ended.status, "going on after 20 answers" in ended.err) == (0, True)
    assert cellwright("predict", run, *files, "--out", whole).status == 0
    assert out.read_bytes() == whole.read_bytes()
    assert out.read_text().count("# below") == 2
    assert out.read_text().count("# number 7\n") == 2


REFUSED = {
    "another format": (["a.conllu", "--out", "out.conll"], "'a.conllu' is none of format columns"),
    "a text": (["fly to", "--out", "out.conll"], "and 'fly to' is none of format columns; expected such files"),
    "rows": (["rows.jsonl", "--out", "out.conllu"], "'rows.jsonl' is none of format conllu"),
    "a pipe": (["--out", "out.conll"], "and 'standard input' is none of format columns"),
    "compressed": (["a.conllu", "--out", "out.conllu.gz"], "is written as it is, not compressed; leave .gz out of its"),
    "a column that is read": (["a.conllu", "--out", "out.conllu", "--column", "tags=FORM"], "column 2 of 10, which is"),
    "no column": (["a.conllu", "--out", "out.conllu", "--column", "tags=POS"], "no column 'POS' to put the tags in"),
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
