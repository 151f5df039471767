"""A classifier whose data lie on disk is the one whose data lie in memory, whatever ended it on the way."""

import os
import re
import signal
from pathlib import Path

import pytest

import process
from cellwright.data import cache
from cellwright.errors import InputError
from cellwright.tasks.classify.config import ClassifyConfig
from cellwright.tasks.classify.evaluate import evaluate
from cellwright.tasks.classify.prepare import prepare
from cellwright.tasks.files import shared_cache
from cellwright.tasks.lm.config import LanguageConfig
from cellwright.tasks.run import load_run
from cellwright.tasks.tag.config import TagConfig
from cellwright.tasks.transduce.config import TransduceConfig
from process import Signal, outcome

SMALL = {"hidden_size": 8, "embedding_dim": 8, "threads": 1, "batch_tokens": 64, "max_epochs": 2, "bigram_buckets": 32}
WORDS = ["good", "bad", "fine", "poor", "some", "more", "of", "the", "same", "and", "other", "things"]


@pytest.fixture
def data(file) -> str:
    texts = [" ".join(WORDS[(k * step) % 12] for step in range(1, k % 9 + 2)) for k in range(300)]
    rows = "".join(f"{text} {k % 70},{'ab'[k % 3 == 0]}\n" for k, text in enumerate(texts))
    return str(file("texts.csv", f"text,label\n{rows}"))


def fitted(data: str, out: Path, **options: object) -> process.Ended:
    ended = process.start({**SMALL, "data": data, "out": str(out), **options})
    assert ended.status == 0, ended.said
    return ended


def test_options_say_where_the_arrays_lie(data, tmp_path, monkeypatch):
    options = {"data": data, "out": tmp_path / "run"}
    prepare(ClassifyConfig(**options), None)
    assert not (tmp_path / "run.cache").exists()
    prepared = prepare(ClassifyConfig(**options, cache=tmp_path / "named"), None)
    assert any(note.startswith(f"{tmp_path / 'named'}: the data as arrays, ") for note in prepared.notes)
    monkeypatch.setattr(cache, "LARGE", Path(data).stat().st_size)
    prepared = prepare(ClassifyConfig(**options), None)
    assert any(note.startswith(f"{tmp_path / 'run.cache'}: the data as arrays, ") for note in prepared.notes)
    assert (tmp_path / "run.cache").is_dir()


def test_a_built_in_set_has_no_cache(tmp_path):
    with pytest.raises(InputError, match=r"reviews-zh is a built-in set, and --cache is .*; leave it out"):
        prepare(ClassifyConfig(data="reviews-zh", out=tmp_path / "run", cache=tmp_path / "arrays"), None)


def test_trials_of_a_search_share_the_arrays_of_large_data(data, tmp_path, monkeypatch):
    study, cached = tmp_path / "study", {"cache": tmp_path / "study.cache"}
    small, folder, pipe = tmp_path / "small.csv", tmp_path / "texts", tmp_path / "pipe"
    small.write_text("text,label\n")
    (folder / "a").mkdir(parents=True)
    os.mkfifo(pipe)
    assert shared_cache(ClassifyConfig, data, [], study) == {}
    monkeypatch.setattr(cache, "LARGE", Path(data).stat().st_size)
    assert shared_cache(ClassifyConfig, data, [], study) == shared_cache(TagConfig, data, [], study) == cached
    assert shared_cache(ClassifyConfig, str(small), [], study) == {}
    assert shared_cache(ClassifyConfig, str(small), [data], study) == cached  # one for each trial else
    assert shared_cache(ClassifyConfig, str(folder), [], study) == {}
    assert shared_cache(ClassifyConfig, str(folder), [data], study) == cached
    assert shared_cache(ClassifyConfig, str(pipe), [data], study) == {}
    (tmp_path / "reviews-zh").mkdir()
    monkeypatch.chdir(tmp_path)
    assert shared_cache(ClassifyConfig, "reviews-zh", [data], study) == {}
    assert shared_cache(LanguageConfig, data, [], study) == shared_cache(TransduceConfig, data, [], study) == cached


@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, {"truncation": "head", "max_length": 4}, {"class_weights": "balanced"}])
def test_trained_from_disk_is_trained_from_memory(data, tmp_path, options):
    alone = fitted(data, tmp_path / "alone", **options)
    cached = fitted(data, tmp_path / "cached", cache=str(tmp_path / "arrays"), **options)
    assert outcome(tmp_path / "cached") == outcome(tmp_path / "alone")
    one, other = (
        sorted(re.sub(r"\(\d+ s\)", "", line) for line in each.said if str(tmp_path) not in line)
        for each in (alone, cached)
    )
    assert one == other


@pytest.mark.slow
@pytest.mark.parametrize("count", [2, 8, 14])
def test_killed_while_it_prepares_and_begun_again_is_left_alone(data, tmp_path, count):
    arrays = str(tmp_path / "arrays")
    given = {**SMALL, "data": data, "out": str(tmp_path / "killed"), "cache": arrays}
    assert process.start(dict(given), Signal(signal.SIGKILL, "write", count)).status == -signal.SIGKILL
    assert not (tmp_path / "killed").exists()  # it never came to its run
    fitted(data, tmp_path / "killed", cache=arrays)
    fitted(data, tmp_path / "alone")
    assert outcome(tmp_path / "killed") == outcome(tmp_path / "alone")


@pytest.mark.slow
def test_a_full_disk_is_a_users_mistake(data, tmp_path):
    given = {**SMALL, "data": data, "out": str(tmp_path / "run"), "cache": str(tmp_path / "arrays")}
    ended = process.start(given, most_bytes=2000)
    assert ended.status == 2
    assert ended.said[-1].startswith(
        f"{tmp_path / 'arrays'}: the arrays of the data cannot be written (File too large)"
    )


@pytest.mark.slow
def test_scores_of_a_file_on_disk_are_those_of_one_in_memory(data, tmp_path, monkeypatch):
    fitted(data, tmp_path / "run")
    run = load_run(tmp_path / "run")

    def scored(split: str) -> tuple[dict, list[str]]:
        said: list[str] = []
        return evaluate(run, data, split, {}, said.append, baselines=True).as_json(), said

    for split in ("all", "test", "train"):
        expected, said = scored(split)
        monkeypatch.setattr(cache, "LARGE", 0)
        monkeypatch.setattr("cellwright.data.column.TOGETHER", 64)
        found, more = scored(split)
        monkeypatch.undo()
        assert found == expected
        assert [line for line in more if "the data as arrays" not in line] == said
        assert len(more) == len(said) + 1


def test_a_cache_within_the_runs_own_folder_is_refused():
    """The folder is to be new, or a run's, when the arrays are made."""
    with pytest.raises(InputError, match=r"--cache is run/arrays, within the run's folder run; expected .* beside it"):
        ClassifyConfig(data="a.csv", out=Path("run"), cache=Path("run/arrays"))
