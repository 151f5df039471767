"""A language model whose texts lie on disk is the one whose texts lie in memory, wherever its preparation was ended."""

import csv
import os
import random
import signal
from collections.abc import Callable
from typing import Any

import pytest

import process
from cellwright.data import cache, column, documents
from cellwright.data.readers import files
from cellwright.data.readers.several import as_one
from cellwright.errors import InputError
from cellwright.tasks.classify.config import ClassifyConfig
from cellwright.tasks.classify.encoder import language_of
from cellwright.tasks.classify.prepare import prepare as prepare_classifier
from cellwright.tasks.lm import LanguageConfig, evaluate
from cellwright.tasks.lm.prepare import prepare
from cellwright.tasks.lm.task import TASK
from cellwright.tasks.run import load_run
from cellwright.training import fit
from interrupted import ended_at_commit
from prepared import everything_of
from process import Signal, outcome

WORDS = ["salt", "pepper,", "oil.", "naïve", "盐和胡椒，", "油。", "1 2", "\n", "  "]


@pytest.fixture(autouse=True)
def a_few_at_once(monkeypatch):
    monkeypatch.setattr(files, "PIECE", 16)
    monkeypatch.setattr(documents, "SIZE", 40)
    monkeypatch.setattr(column, "BYTES", 200)
    monkeypatch.setattr(cache, "SHARD", 16)
    monkeypatch.setattr(cache.os, "fsync", lambda file: None)


def prose(words: int, seed: int) -> str:
    draw = random.Random(seed)
    return " ".join(draw.choice(WORDS) for _ in range(words))


@pytest.fixture
def book(file) -> str:
    return str(file("book.txt", prose(1500, 0)))


@pytest.fixture
def table(tmp_path) -> str:
    path = tmp_path / "rows.csv"
    draw = random.Random(1)
    with path.open("w", newline="", encoding="utf-8") as rows:
        writer = csv.writer(rows)
        writer.writerow(["text", "label"])
        writer.writerows([prose(draw.choice([0, 3, 9, 80]), k), "ab"[k % 2]] for k in range(120))
    return str(path)


@pytest.fixture
def told(small, tmp_path) -> Callable[..., list[Any]]:
    def prepared(data: str, **options: Any) -> list[Any]:
        return everything_of(prepare(LanguageConfig(data=data, out=tmp_path / "run", **{**small, **options}), None))

    return prepared


@pytest.mark.parametrize(
    "options",
    [{}, {"tokenizer": "words", "directions": "both", "stride": 3}, {"tokenizer": "bpe", "vocab_size": 300}],
    ids=["characters", "words", "bpe"],
)
def test_prepared_on_disk_is_prepared_in_memory(book, table, file, told, tmp_path, monkeypatch, options):
    both = as_one([table, file("a.md", prose(300, 2)), file("b.md", prose(300, 3))])
    for data in (book, table, both):
        cached = told(data, cache=tmp_path / "arrays", **options)
        again = told(data, cache=tmp_path / "arrays", **options)
        alone = told(data, **options)
        with monkeypatch.context() as whole:
            whole.setattr(documents, "SIZE", 10**6)
            assert cached == again == alone == told(data, **options)
    assert not (tmp_path / "run.cache").exists()


def test_the_training_split_of_other_tasks_on_disk_is_that_in_memory(table, told, tmp_path):
    assert told(table, train_split_only=True, cache=tmp_path / "arrays") == told(table, train_split_only=True)


def test_where_the_texts_of_large_files_lie_is_said(book, small, tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "LARGE", os.path.getsize(book))
    notes = prepare(LanguageConfig(data=book, out=tmp_path / "run", **small), None).notes
    assert sum(note.startswith(f"{tmp_path / 'run.cache'}: the data as arrays") for note in notes) == 1


def test_a_folder_of_texts_on_disk_is_that_in_memory(table, told, tmp_path, monkeypatch):
    monkeypatch.setattr("cellwright.data.readers.folder.TOGETHER", 500)
    folder = tmp_path / "texts"
    (folder / "more").mkdir(parents=True)
    for k in range(60):
        (folder / ("more", ".")[k % 4 == 0] / f"{k}.md").write_text(prose(5 + k, k), encoding="utf-8")
    for data in (str(folder), as_one([folder, table])):
        cached, again = (told(data, validation_share=0.3, cache=tmp_path / "arrays") for _ in range(2))
        assert cached == again == told(data, validation_share=0.3)


def test_a_built_in_set_has_no_cache(told, tmp_path):
    with pytest.raises(InputError, match=r"pydoc is a built-in set, and --cache is .*; leave it out"):
        told("pydoc", cache=tmp_path / "arrays")


@pytest.mark.parametrize(
    ("kind", "stopped"),
    [("book", 1), ("book", 6), ("book", 9), ("book", 15), ("table", 3), ("table", 8), ("table", 12)],
)
def test_ended_while_it_prepares_and_begun_again_is_left_alone(book, table, told, tmp_path, kind, stopped):
    data, options = (book, {}) if kind == "book" else (table, {"tokenizer": "words"})
    with ended_at_commit(stopped):
        told(data, cache=tmp_path / "arrays", **options)
    assert told(data, cache=tmp_path / "arrays", **options) == told(data, **options)


def test_a_damaged_cache_is_said_and_made_anew(book, told, small, tmp_path):
    arrays = tmp_path / "arrays"
    expected = told(book, cache=arrays)
    damaged = sorted(arrays.glob("tokens-*/numbers.bin"))
    for path in damaged:
        os.truncate(path, path.stat().st_size // 2)
    notes = prepare(LanguageConfig(data=book, out=tmp_path / "run", cache=arrays, **small), None).notes
    assert sum("damaged, since numbers is cut short; made anew" in note for note in notes) == len(damaged) > 0
    assert told(book, cache=arrays) == expected


@pytest.mark.slow
def test_killed_while_it_prepares_and_begun_again_is_left_alone(book, small, tmp_path):
    given = {**small, "task": "lm", "data": book, "max_epochs": 2, "cache": str(tmp_path / "arrays")}
    killed = {**given, "out": str(tmp_path / "killed")}
    assert process.start(dict(killed), Signal(signal.SIGKILL, "write", 8)).status == -signal.SIGKILL
    assert process.start(dict(killed)).status == 0
    alone = {**given, "out": str(tmp_path / "alone")}
    del alone["cache"]
    assert process.start(dict(alone)).status == 0
    assert outcome(tmp_path / "killed") == outcome(tmp_path / "alone")


@pytest.mark.slow
def test_scores_of_a_file_on_disk_are_those_of_one_in_memory(book, table, small, tmp_path, monkeypatch):
    options = {**small, "max_epochs": 1, "tokenizer": "words", "min_frequency": 2}
    run = load_run(fit(LanguageConfig(data=table, out=tmp_path / "run", **options), progress=False).out)
    for data, split in ((table, "test"), (book, "all")):
        expected = TASK.evaluate(run, data, split, {}, [].append).as_json()
        with monkeypatch.context() as patch:
            patch.setattr(cache, "LARGE", 0)
            patch.setattr(evaluate, "ASKED", 50)
            said: list[str] = []
            assert TASK.evaluate(run, data, split, {}, said.append).as_json() == expected
            assert sum(line.startswith(f"{tmp_path / 'run.cache'}: the data as arrays") for line in said) == 1


@pytest.mark.slow
def test_runs_are_counted_of_the_first_training_tokens_where_these_are_many(book, small, tmp_path, monkeypatch):
    run = load_run(fit(LanguageConfig(data=book, out=tmp_path / "run", **small), progress=False).out)
    monkeypatch.setattr(evaluate, "COUNTED", 500)
    said: list[str] = []
    TASK.evaluate(run, book, "test", {}, said.append)
    assert any(line.startswith("the 6-grams are counted of the first 500 of the ") for line in said)


def test_the_language_model_of_a_classifier_shares_its_arrays(table, book, tmp_path, monkeypatch):
    given = {"data": table, "out": tmp_path / "run", "pretrain": "own"}
    assert language_of(ClassifyConfig(**given)).cache is None
    assert language_of(ClassifyConfig(**given, cache=tmp_path / "named")).cache == tmp_path / "named"
    assert language_of(ClassifyConfig(**{**given, "pretrain": "pydoc"}, cache=tmp_path / "named")).cache is None
    monkeypatch.setattr(cache, "LARGE", os.path.getsize(book))
    for pretrain in ("own", book):
        config = ClassifyConfig(**{**given, "pretrain": pretrain})
        assert language_of(config).cache == tmp_path / "run.cache"
        prepare(prepare_classifier(config, None).first, None)
        assert not (tmp_path / "run").exists()  # the folder is to be new when the run is made
