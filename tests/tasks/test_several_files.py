"""DATA of several files: each task that reads tables learns from them what it learns from the same rows in one."""

import gzip

import pytest

from cellwright import tasks
from cellwright.data.readers.several import as_one
from cellwright.errors import InputError

TABLES = {
    "classify": ("text,label", [f"word{k % 7} and word{k},{'xy'[k % 2]}" for k in range(120)]),
    "autoencode": ("text", [f"word{k % 7} and word{k}" for k in range(120)]),
    "lm": ("text", [f"word{k % 7} and word{k}" for k in range(120)]),
    "transduce": ("source,target", [f"ab{k},ba{k}" for k in range(120)]),
}


@pytest.mark.parametrize("task", TABLES)
def test_several_tables_are_the_same_rows_as_one(task, tmp_path):
    header, rows = TABLES[task]
    write = lambda name, rows: (tmp_path / name).write_text("\n".join([header, *rows]) + "\n")  # noqa: E731
    write("whole.csv", rows)
    write("a.csv", rows[:50])
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress("\n".join([header, *rows[50:]]).encode()))
    several = as_one([tmp_path / "a.csv", tmp_path / "b.csv.gz"])
    one, other = (
        tasks.get(task).prepare(tasks.config_of(task)(data=str(data), out=tmp_path / "run"), None)
        for data in (tmp_path / "whole.csv", several)
    )
    assert one.run.fingerprint == other.run.fingerprint
    assert one.files == other.files


def test_sentences_of_several_files_are_the_same_as_of_one(tmp_path):
    sentences = [f"word{k} {'AB'[k % 2]}\nand O\n" for k in range(120)]
    (tmp_path / "tagged").mkdir()
    (tmp_path / "whole.conll").write_text("\n".join(sentences))
    (tmp_path / "tagged" / "a.conll").write_text("\n".join(sentences[:70]))
    (tmp_path / "tagged" / "b.conll").write_text("\n".join(sentences[70:]))
    one, other = (
        tasks.get("tag").prepare(tasks.config_of("tag")(data=str(tmp_path / data), out=tmp_path / "run"), None)
        for data in ("whole.conll", "tagged")
    )
    assert one.run.fingerprint == other.run.fingerprint
    assert one.files == other.files


def test_several_files_of_plain_text_are_a_text_each(tmp_path):
    for k in range(60):
        (tmp_path / f"{k:02}.txt").write_text(f"this is text {k}\nof two lines\n")
    prepared = tasks.get("lm").prepare(tasks.config_of("lm")(data=str(tmp_path / "*.txt"), out=tmp_path / "run"), None)
    assert any("texts, each by itself" in note for note in prepared.notes)


def test_series_are_read_from_one_file(tmp_path):
    with pytest.raises(InputError, match=r"a\.csv:b\.csv: 2 files; expected one, since series are read from one file"):
        tasks.get("series").prepare(tasks.config_of("series")(data="a.csv:b.csv", out=tmp_path / "run"), None)


def test_options_that_say_how_csv_is_written_are_held_against_the_files(tmp_path):
    for name in ("a.jsonl", "b.jsonl"):
        (tmp_path / name).write_text('{"text": "a", "label": "x"}\n')
    with pytest.raises(InputError, match="is read as jsonl, and --no-header is for CSV and TSV"):
        tasks.config_of("classify")(data=str(tmp_path / "*.jsonl"), out=tmp_path / "run", header=False)


@pytest.mark.parametrize("task", ["classify", "series"])
@pytest.mark.parametrize("option", ["data", "validation", "test"])
def test_an_empty_name_is_refused_for_every_split(task, option, tmp_path, monkeypatch):
    """The current folder was read, and of series an empty --validation was left out of account."""
    monkeypatch.chdir(tmp_path)
    rows = [f"{k // 9},{k % 9},{k * k % 7}" for k in range(400)]
    tables = {"classify": TABLES["classify"], "series": ("series,time,value", rows)}
    header, rows = tables[task]
    (tmp_path / "a.csv").write_text("\n".join([header, *rows]) + "\n")
    columns = {"series": "series", "time": "time"} if task == "series" else {}
    given = {"data": "a.csv", **columns, option: ""}
    with pytest.raises(InputError, match="'': an empty name where a file is named"):
        tasks.get(task).prepare(tasks.config_of(task)(out=tmp_path / "run", **given), None)
