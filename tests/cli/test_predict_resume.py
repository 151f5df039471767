"""`cellwright predict --resume`: a kill at any moment loses no row, repeats none, and changes no bit."""

import json
import signal

import pyarrow.parquet
import pytest

import process
from cellwright.cli import journal, predict
from interrupted import answers_end_after

KILLED = """
import os, signal, sys
from pathlib import Path
from cellwright.cli import journal, main, predict
left = int(sys.argv[1])
predict.LINES, journal.SECONDS = 10, 0.0
def watched(act):
    def acting(*given, **named):
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return act(*given, **named)
    return acting
os.fsync, Path.replace, Path.unlink = watched(os.fsync), watched(Path.replace), watched(Path.unlink)
sys.exit(main(sys.argv[2:]))
"""
"""Kills itself before the so many-th time that something on the disk becomes final."""
NEVER = 1000
MOMENTS = (2, 4, 6, 3, 5, 8, 2, 4)
SAID = ["very good", "坏 评"]


@pytest.fixture
def texts(tmp_path):
    path = tmp_path / "texts.csv"
    rows = (f'{number},"{"awful" if number % 3 else "great"}, {number}"' for number in range(35))
    path.write_text("\n".join(["id,text", *rows]) + "\n")
    return path


def content(path):
    return pyarrow.parquet.read_table(path) if path.suffix == ".parquet" else path.read_bytes()


def killed_at(moment, run, texts, out):
    said = run.parent / "said.txt"
    return process.script(KILLED, moment, "predict", run, texts, "--out", out, "--resume", said=said)


@pytest.fixture
def by_tens(monkeypatch):
    monkeypatch.setattr(predict, "LINES", 10)
    monkeypatch.setattr(journal, "SECONDS", 0.0)


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_kills_lose_nothing_and_repeat_nothing(run, texts, tmp_path, suffix):
    whole, out = tmp_path / f"whole{suffix}", tmp_path / f"out{suffix}"
    assert killed_at(NEVER, run, texts, whole).status == 0
    kills = 0
    for moment in (*MOMENTS, NEVER):
        ended = killed_at(moment, run, texts, out)
        if ended.status == 0:
            break
        assert ended.status == -signal.SIGKILL, ended.said
        kills += 1
    assert kills >= 4
    assert ended.status == 0, ended.said
    assert content(out) == content(whole)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["texts.csv", whole.name, out.name])


@pytest.fixture
def stopped(cellwright, by_tens, run):
    """Answers a file until twenty answers are there, when Ctrl-C comes."""
    from cellwright.tasks.classify.predictor import ClassifyPredictor

    def stop(file, out):
        with answers_end_after(ClassifyPredictor, 2):
            assert cellwright("predict", run, file, "--out", out).status == 130
        assert not out.exists()

    return stop


@pytest.fixture
def interrupted(stopped, texts, tmp_path):
    """A file of answers of which twenty are there when Ctrl-C comes."""
    out = tmp_path / "out.csv"
    stopped(texts, out)
    return out


def test_ctrl_c_keeps_what_is_answered(cellwright, run, texts, interrupted, tmp_path):
    ended = cellwright("predict", run, texts, "--out", interrupted, "--resume")
    assert ended.status == 0
    assert "going on after 20 answers" in ended.err
    assert f"35 answers in {interrupted}" in ended.err
    other = tmp_path / "other.csv"
    assert cellwright("predict", run, texts, "--out", other).status == 0
    assert interrupted.read_bytes() == other.read_bytes()


def test_another_input_is_not_gone_on_with(cellwright, run, texts, interrupted):
    texts.write_text(texts.read_text() + "36,great\n")
    ended = cellwright("predict", run, texts, "--out", interrupted, "--resume")
    assert ended.status == 2
    assert "was begun with another input" in ended.err
    ended = cellwright("predict", run, texts, "--out", interrupted)
    assert (ended.status, interrupted.read_text().count("\n")) == (0, 37)


def test_a_folder_of_tables_is_gone_on_with_while_it_holds_the_same(cellwright, run, texts, stopped, tmp_path):
    """Its tables are the input, each by its name, so that one that came since is another."""
    folder, out = tmp_path / "shards", tmp_path / "out.csv"
    folder.mkdir()
    for name in ("0.csv", "1.csv"):
        (folder / name).write_bytes(texts.read_bytes())
    stopped(folder, out)
    (folder / "2.csv").write_bytes(texts.read_bytes())
    ended = cellwright("predict", run, folder, "--out", out, "--resume")
    assert ended.status == 2
    assert "was begun with another input" in ended.err
    (folder / "2.csv").unlink()
    ended = cellwright("predict", run, folder, "--out", out, "--resume")
    assert ended.status == 0
    assert "going on after 20 answers" in ended.err
    assert cellwright("predict", run, folder / "0.csv", folder / "1.csv", "--out", tmp_path / "all.csv").status == 0
    assert out.read_bytes() == (tmp_path / "all.csv").read_bytes()


def test_answers_that_were_cut_short_are_not_gone_on_with(cellwright, run, texts, interrupted):
    answers = interrupted.with_name("out.csv.answered")
    answers.write_bytes(answers.read_bytes()[:100])
    ended = cellwright("predict", run, texts, "--out", interrupted, "--resume")
    assert ended.status == 2
    assert "is shorter than the" in ended.err


def test_a_pipe_cannot_be_gone_on_with(cellwright, run, tmp_path):
    ended = cellwright("predict", run, "--out", tmp_path / "out.csv", "--resume", stdin=b"great\n")
    assert ended.status == 2
    assert "what came from a pipe cannot be read again" in ended.err


def test_files_and_patterns_of_them_go_into_one(cellwright, run, tmp_path):
    """Each keeps its columns, in the order of the arguments, then of the names."""
    for name, more in (("b", "x"), ("a", "y")):
        (tmp_path / f"{name}.csv").write_text(f"text,{more}\ngreat {name},1\n")
    out = tmp_path / "out.jsonl"
    assert cellwright("predict", run, tmp_path / "*.csv", "awful", "--out", out).status == 0

    found = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["text"] for row in found] == ["great a", "great b", "awful"]
    assert [row["label"] for row in found] == [SAID[0], SAID[0], SAID[1]]
    assert [(row.get("x"), row.get("y")) for row in found] == [(None, "1"), ("1", None), (None, None)]
