"""A tagger whose sentences lie on disk is the one whose sentences lie in memory, wherever its preparation was ended."""

import random

import pytest

from cellwright.data import cache, lists, words
from cellwright.data.readers import files
from cellwright.data.readers.several import as_one
from cellwright.tasks.classify.config import ClassifyConfig
from cellwright.tasks.files import shared_cache
from cellwright.tasks.run import load_run
from cellwright.tasks.tag.config import TagConfig
from cellwright.tasks.tag.evaluate import evaluate
from cellwright.tasks.tag.prepare import prepare
from cellwright.training import fit
from interrupted import ended_at_commit
from prepared import everything_of
from tagged_requests import SMALL, lines, request


@pytest.fixture(autouse=True)
def a_few_rows_at_once(monkeypatch):
    monkeypatch.setattr(files, "PIECE", 16)
    monkeypatch.setattr(words, "TOGETHER", 8)
    monkeypatch.setattr(lists, "TOGETHER", 8)
    monkeypatch.setattr(lists, "MANY", 24)
    monkeypatch.setattr(cache, "SHARD", 16)
    monkeypatch.setattr(cache.os, "fsync", lambda file: None)


@pytest.fixture
def data(file) -> str:
    return str(file("requests.jsonl", '{"tokens": [], "tags": [], "intent": "none"}\n' + lines(150, 3)))


def told(data: str, folder, **options):
    return everything_of(prepare(TagConfig(data=data, out=folder / "run", **{**SMALL, **options}), None))


@pytest.mark.parametrize("asked", [{}, {"sentence_label": "intent", "feature_columns": "tokens"}])
def test_prepared_on_disk_is_prepared_in_memory(data, tmp_path, asked):
    alone = told(data, tmp_path, **asked)
    cached = told(data, tmp_path, cache=tmp_path / "arrays", **asked)
    again = told(data, tmp_path, cache=tmp_path / "arrays", **asked)
    assert cached == again == alone
    assert not (tmp_path / "run.cache").exists()


def test_columns_of_several_files_on_disk_are_those_in_memory(file, tmp_path):
    draw, paths = random.Random(1), []
    for name in ("a.conll", "b.conll"):
        rows = [request(draw) for _ in range(40)]
        said = ["".join(f"{w}\t{t}\n" for w, t in zip(row["tokens"], row["tags"], strict=True)) for row in rows]
        paths.append(file(name, "\n".join(said)))
    both = as_one(paths)
    assert told(both, tmp_path, cache=tmp_path / "arrays") == told(both, tmp_path)


def test_where_the_sentences_of_another_split_lie_is_said(data, file, tmp_path, monkeypatch):
    large = file("large.jsonl", lines(300, 4))
    monkeypatch.setattr(cache, "LARGE", large.stat().st_size)
    notes = prepare(TagConfig(data=data, out=tmp_path / "run", validation=str(large), **SMALL), None).notes
    assert sum(note.startswith(f"{tmp_path / 'run.cache'}: the data as arrays") for note in notes) == 1


# To a classifier each of its files is a text.
@pytest.mark.parametrize("config", [TagConfig, ClassifyConfig])
def test_trials_of_a_search_share_the_arrays_of_a_folder(config, file, tmp_path, monkeypatch):
    shards = tmp_path / "shards"
    shards.mkdir()
    for name in ("a.conll", "b.conll"):
        (shards / name).write_text("a\tX\n")
    monkeypatch.setattr(cache, "LARGE", 8)  # bytes of both
    assert shared_cache(config, str(shards), [], tmp_path / "study") == {"cache": tmp_path / "study.cache"}


@pytest.mark.parametrize("stopped", [1, 3, 9, 14, 17])
def test_ended_while_it_prepares_and_begun_again_is_left_alone(data, tmp_path, stopped):
    with ended_at_commit(stopped):
        told(data, tmp_path, cache=tmp_path / "arrays")
    assert told(data, tmp_path, cache=tmp_path / "arrays") == told(data, tmp_path)


@pytest.mark.slow
def test_scores_of_a_file_on_disk_are_those_of_one_in_memory(data, tmp_path, monkeypatch):
    run = load_run(fit(TagConfig(data=data, out=tmp_path / "run", sentence_label="intent", **SMALL)).out)
    for split in ("all", "test"):
        expected = evaluate(run, data, split, {}, [].append, baselines=True).as_json()
        with monkeypatch.context() as patch:
            patch.setattr(cache, "LARGE", 0)
            said: list[str] = []
            assert evaluate(run, data, split, {}, said.append, baselines=True).as_json() == expected
            assert any(line.startswith(f"{tmp_path / 'run.cache'}: the data as arrays") for line in said)
