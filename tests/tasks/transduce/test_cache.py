"""A transducer whose pairs lie on disk is the one whose pairs lie in memory, wherever its preparation was ended."""

import os
import random
import signal
from pathlib import Path
from typing import Any

import pytest

import process
from cellwright.data import arrays, cache, pair_batches, tokenizer
from cellwright.data.readers import delimited, files
from cellwright.data.readers.several import as_one
from cellwright.tasks.files import shared_cache
from cellwright.tasks.run import load_run
from cellwright.tasks.transduce import TransduceConfig
from cellwright.tasks.transduce.evaluate import evaluate
from cellwright.tasks.transduce.prepare import prepare
from cellwright.training import fit
from interrupted import ended_at_commit
from prepared import everything_of
from process import Signal, outcome

SMALL: dict[str, Any] = {
    "hidden_size": 4, "embedding_dim": 4, "threads": 1, "max_epochs": 1, "batch_tokens": 64, "lr_schedule": "constant",
    "ema_decay": 0.0,
}  # fmt: skip
FEATURED = {"features": "tags", "target_symbols": "tokens"}


@pytest.fixture(autouse=True)
def a_few_rows_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for reader in (files, delimited):
        monkeypatch.setattr(reader, "PIECE", 16)
    monkeypatch.setattr(arrays, "CHUNK", 24)
    monkeypatch.setattr(tokenizer, "TOGETHER", 16)
    monkeypatch.setattr(pair_batches, "TOGETHER", 16)
    monkeypatch.setattr(cache, "SHARD", 32)
    monkeypatch.setattr(cache.os, "fsync", lambda file: None)


@pytest.fixture
def data(file: Any) -> str:
    """Words with their forms, some in several rows, with features and without, some with an empty side."""
    draw = random.Random(2)
    rows = []
    for _ in range(400):
        word = "".join(draw.choices("abcdé", k=draw.randint(1, 4)))
        said = draw.choice([f"{word}es", f" {word} {word}", word[::-1], "" if draw.random() < 0.2 else "x"])
        rows.append(f"{word}{draw.choice(['', ' '])},{said},{draw.choice(['V;PST', 'N', ''])}\n")
    return str(file("words.csv", "source,target,tags\n" + "".join(rows)))


def told(data: str, folder: Path, **options: Any) -> list[Any]:
    return everything_of(prepare(TransduceConfig(data=data, out=folder / "run", **{**SMALL, **options}), None))


@pytest.mark.parametrize("asked", [{}, FEATURED, {"copying": True, "min_frequency": 3}])
def test_prepared_on_disk_is_prepared_in_memory(data: str, tmp_path: Path, asked: dict[str, Any]) -> None:
    alone = told(data, tmp_path, **asked)
    cached = told(data, tmp_path, cache=tmp_path / "arrays", **asked)
    again = told(data, tmp_path, cache=tmp_path / "arrays", **asked)
    assert cached == again == alone
    assert not (tmp_path / "run.cache").exists()


def test_several_files_and_files_of_their_own_on_disk_are_those_in_memory(data: str, file: Any, tmp_path: Path) -> None:
    more = file("more.jsonl", "".join(f'{{"source": "{"ab"[k % 2] * k}", "target": {k}}}\n' for k in range(40)))
    asked = {"validation": str(more), "test": data}
    both = as_one([Path(data), more])
    assert told(both, tmp_path, cache=tmp_path / "arrays", **asked) == told(both, tmp_path, **asked)


def test_where_large_data_lie_is_said_and_trials_share_it(
    data: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = tmp_path / "study"
    assert shared_cache(TransduceConfig, data, [], study) == {}
    monkeypatch.setattr(cache, "LARGE", Path(data).stat().st_size)
    notes = prepare(TransduceConfig(data=data, out=tmp_path / "run", **SMALL), None).notes
    assert sum(note.startswith(f"{tmp_path / 'run.cache'}: the data as arrays, ") for note in notes) == 1
    assert shared_cache(TransduceConfig, data, [], study) == {"cache": tmp_path / "study.cache"}


# Rows are counted 57 times; at 23 and 24, before and behind the only time that those of pairs are.
@pytest.mark.parametrize("stopped", [1, 9, 16, 23, 24, 27, 31, 35, 42, 55, 57])
def test_ended_while_it_prepares_and_begun_again_is_left_alone(data: str, tmp_path: Path, stopped: int) -> None:
    with ended_at_commit(stopped):
        told(data, tmp_path, cache=tmp_path / "arrays", **FEATURED)
    assert told(data, tmp_path, cache=tmp_path / "arrays", **FEATURED) == told(data, tmp_path, **FEATURED)


def test_damaged_arrays_are_made_anew(data: str, tmp_path: Path) -> None:
    expected, folder = told(data, tmp_path), tmp_path / "arrays"
    told(data, tmp_path, cache=folder)
    for path in folder.glob("*/*.bin"):
        os.truncate(path, path.stat().st_size // 2)
    prepared = prepare(TransduceConfig(data=data, out=tmp_path / "run", cache=folder, **SMALL), None)
    assert any(note.startswith(f"{folder / 'pairs-'}") and "damaged, since" in note for note in prepared.notes)
    prepared.notes[:] = [note for note in prepared.notes if "damaged, since" not in note]
    assert everything_of(prepared) == expected


@pytest.mark.slow
@pytest.mark.parametrize("count", [2, 9, 15])
def test_killed_while_it_prepares_and_begun_again_is_left_alone(data: str, tmp_path: Path, count: int) -> None:
    given = {**SMALL, "task": "transduce", "data": data}
    killed = {**given, "out": str(tmp_path / "killed"), "cache": str(tmp_path / "arrays")}
    assert process.start(dict(killed), Signal(signal.SIGKILL, "write", count)).status == -signal.SIGKILL
    assert not (tmp_path / "killed").exists()  # it never came to its run
    for options in (killed, {**given, "out": str(tmp_path / "alone")}):
        ended = process.start(dict(options))
        assert ended.status == 0, ended.said
    assert outcome(tmp_path / "killed") == outcome(tmp_path / "alone")


@pytest.mark.slow
def test_scores_of_a_file_on_disk_are_those_of_one_in_memory(
    data: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = load_run(fit(TransduceConfig(data=data, out=tmp_path / "run", **SMALL), progress=False).out)
    for split in ("all", "test"):
        expected = evaluate(run, data, split, {}, [].append, baselines=True)
        with monkeypatch.context() as patch:
            patch.setattr(cache, "LARGE", 0)
            patch.setattr("cellwright.tasks.transduce.evaluate.TOGETHER", 7)
            said: list[str] = []
            found = evaluate(run, data, split, {}, said.append, baselines=True)
        assert found.as_json() == expected.as_json()
        assert [each.answer for each in found.aligned] == [each.answer for each in expected.aligned]
        assert any(line.startswith(f"{tmp_path / 'run.cache'}: the data as arrays") for line in said)
