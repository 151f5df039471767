"""Arrays of a cache are there whole or made on from where they stood, and are never those of other data."""

import errno
import io
import multiprocessing
import os
import signal
import threading
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from cellwright.data import cache, readers
from cellwright.data.arrays import MEMORY, Memory, store_of
from cellwright.data.cache import JOURNAL, LARGE, Cache, Caching, where_they_lie
from cellwright.data.labels import LabelOptions
from cellwright.data.source import open_source
from cellwright.data.tokenizer import Tokenizer
from cellwright.errors import InputError


@pytest.fixture(autouse=True)
def without_waiting(monkeypatch):
    """What a disk takes to say that it has written is no part of a test."""
    monkeypatch.setattr(os, "fsync", lambda file: None)


KINDS = {"squares": np.int64, "small": np.uint16}


def squares(count, at_once=10, stop=None):
    """Fills with the squares of so many numbers; raises where it comes to `stop`."""
    began = []

    def fill(growing):
        began.append(growing.rows)
        for start in range(growing.rows, count, at_once):
            if start == stop:
                raise KeyboardInterrupt
            numbers = np.arange(start, min(start + at_once, count))
            growing.append(len(numbers), {"squares": numbers**2, "small": numbers})
        return {"count": count}

    return fill, began


def made(folder, fill, key="numbers"):
    found = Cache(folder).of(lambda: key).made("some", KINDS, fill)
    return {name: array.tolist() for name, array in found.arrays.items()}, found.told


EXPECTED = ({"squares": [k * k for k in range(95)], "small": list(range(95))}, {"count": 95})


def test_what_was_made_is_made_once(tmp_path):
    fill, began = squares(95)
    assert made(tmp_path, fill) == made(tmp_path, fill) == EXPECTED
    assert began == [0]
    assert made(tmp_path, fill, key="others") == EXPECTED
    assert began == [0, 0]


def test_what_has_no_key_is_not_kept(tmp_path):
    fill, began = squares(95)
    for _ in range(2):
        assert made(tmp_path, fill, key=None) == EXPECTED
    assert began == [0, 0]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("limit", "size"), [("SHARD", 30), ("SHARD_BYTES", 30 * (8 + 2))])
@pytest.mark.parametrize("stop", [0, 10, 40, 90])
def test_a_process_that_ends_leaves_whole_shards(tmp_path, monkeypatch, stop, limit, size):
    monkeypatch.setattr(cache, limit, size)
    with pytest.raises(KeyboardInterrupt):
        made(tmp_path, squares(95, stop=stop)[0])
    fill, began = squares(95)
    assert made(tmp_path, fill) == EXPECTED
    assert began == [stop // 30 * 30]


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("name", ["squares.bin", "small.bin", JOURNAL])
def test_a_damaged_cache_is_noticed_and_made_anew(tmp_path, monkeypatch, name, whole):
    monkeypatch.setattr(cache, "SHARD", 30)
    if whole:
        made(tmp_path, squares(95)[0])
    else:
        with pytest.raises(KeyboardInterrupt):
            made(tmp_path, squares(95, stop=90)[0])
    [folder] = [each for each in tmp_path.iterdir() if each.is_dir()]
    os.truncate(folder / name, (folder / name).stat().st_size // 2)
    store = Cache(tmp_path)
    fill, began = squares(95)
    found = store.of(lambda: "numbers").made("some", KINDS, fill)
    assert found.arrays["squares"].tolist() == EXPECTED[0]["squares"]
    assert began == [0]
    assert store.sentences()[0] == f"{folder}: damaged, since {name.removesuffix('.bin')} is cut short; made anew"
    assert "damaged" not in " ".join(Cache(tmp_path).sentences())


@pytest.mark.parametrize("change", ["FORMAT", "kinds"])
def test_what_another_version_wrote_is_not_read(tmp_path, monkeypatch, change):
    fill, began = squares(95)
    made(tmp_path, fill)
    match change:
        case "FORMAT":
            monkeypatch.setattr(cache, "FORMAT", cache.FORMAT + 1)
        case "kinds":
            monkeypatch.setitem(KINDS, "small", np.int32)
    assert made(tmp_path, fill) == EXPECTED
    assert began == [0, 0]


def test_of_two_at_once_one_makes_and_the_other_waits(tmp_path):
    fill, began = squares(95)
    inside, go = threading.Event(), threading.Event()

    def slowly(growing):
        inside.set()
        assert go.wait(10)
        return fill(growing)

    found = []
    first = threading.Thread(target=lambda: found.append(made(tmp_path, slowly)))
    second = threading.Thread(target=lambda: found.append(made(tmp_path, fill)))
    first.start()
    assert inside.wait(10)
    second.start()
    second.join(0.1)
    assert second.is_alive()
    go.set()
    first.join(10)
    second.join(10)
    assert found == [EXPECTED, EXPECTED]
    assert began == [0]


def test_how_large_it_is_and_where_is_said(tmp_path):
    store = Cache(tmp_path)
    assert store.sentences() == []
    store.made("some", {"bytes": np.uint8}, lambda growing: growing.append(1, {"bytes": np.zeros(3 * 10**6)}))
    [sentence] = store.of(lambda: "of these").sentences()
    assert sentence.startswith(f"{tmp_path}: the data as arrays, 3 MB, ")


def test_several_files_in_one_cache_are_one_sentence(tmp_path):
    """As those to train on and those that choose the best epoch."""
    one, other = (Cache(tmp_path).of(lambda key=key: key) for key in ("one", "other"))
    for store in (one, other):
        store.made("some", {"bytes": np.uint8}, lambda growing: growing.append(1, {"bytes": np.zeros(3 * 10**6)}))
    held = Memory(["elsewhere: held in memory"])
    first, second = where_they_lie(*(SimpleNamespace(store=each) for each in (one, held, other, held, one)))
    assert first == "elsewhere: held in memory"
    assert second.startswith(f"{tmp_path}: the data as arrays, 6 MB, ")
    assert where_they_lie([], ["a list"]) == []
    assert one.sentences()[0].startswith(f"{tmp_path}: the data as arrays, 3 MB, ")


def test_a_folder_that_cannot_be_written_is_a_users_mistake(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(
        InputError, match=r"file/cache: the arrays of the data cannot be written \(Not a directory\); .*--cache"
    ):
        Cache(tmp_path / "file" / "cache").empty(3, np.int64)


def test_what_is_whole_is_read_where_nothing_can_be_written(tmp_path, monkeypatch):
    fill, began = squares(95)
    made(tmp_path, fill)
    [folder] = tmp_path.iterdir()
    there = {each: each.read_bytes() for each in folder.iterdir()}
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # as of another user; root may write anywhere
    assert made(tmp_path, fill) == EXPECTED
    assert began == [0]
    assert made(tmp_path, fill, key="others") == made(tmp_path, fill, key=None) == EXPECTED
    assert began == [0, 0, 0]
    store = Cache(tmp_path)
    store.of(lambda: "numbers").made("some", KINDS, fill)
    assert store.empty(3, np.int64).shape == (3,)
    [said] = store.sentences()
    assert said.startswith(f"{tmp_path}: cannot be written to; 0 MB of the data are read from there")
    assert {each: each.read_bytes() for each in folder.iterdir()} == there
    assert list(tmp_path.iterdir()) == [folder]
    monkeypatch.setattr(cache, "LARGE", 1)
    (tmp_path / "a.csv").write_text("text")
    assert isinstance(Caching(tmp_path).store([tmp_path / "a.csv"]), Cache)


@pytest.fixture
def of_another(monkeypatch):
    """Takes rights on what has such a name, as another user has none; root has all."""

    def take(name):
        def refusing(real):
            def asked(path, *given, **named):
                if str(path).endswith(name):
                    raise PermissionError(errno.EACCES, "Permission denied", str(path))
                return real(path, *given, **named)

            return asked

        monkeypatch.setattr(os, "stat", refusing(os.stat))
        monkeypatch.setattr("io.open", refusing(io.open))
        monkeypatch.setattr("builtins.open", refusing(open))

    return take


@pytest.mark.parametrize("name", [JOURNAL, "squares.bin"])
def test_what_one_may_not_read_of_another_users_cache_is_held_in_memory(tmp_path, monkeypatch, of_another, name):
    fill, began = squares(95)
    made(tmp_path, fill)
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    of_another(name)
    store = Cache(tmp_path)
    for _ in range(2):
        found = store.of(lambda: "numbers").made("some", KINDS, fill)
        assert found.arrays["squares"].tolist() == EXPECTED[0]["squares"]
    assert began == [0, 0, 0]
    assert store.sentences() == [
        f"{tmp_path}: what cannot be read (Permission denied) is held in memory",
        f"{tmp_path}: cannot be written to; 0 MB of the data are read from there, and what it lacks is held in memory",
    ]


def test_what_one_may_not_read_is_not_made_anew_in_anothers_place(tmp_path, monkeypatch, of_another):
    made(tmp_path, squares(95)[0])
    [folder] = tmp_path.iterdir()
    there = {each: each.read_bytes() for each in folder.iterdir()}
    of_another(f"{folder.name}/{JOURNAL}")
    with pytest.raises(InputError, match=r"cannot be written \(Permission denied\); expected .* read and write"):
        made(tmp_path, squares(95)[0])
    monkeypatch.undo()
    assert {each: each.read_bytes() for each in there} == there


def test_damaged_arrays_of_a_folder_that_cannot_be_written_are_not_said_to_be_made_anew(tmp_path, monkeypatch):
    made(tmp_path, squares(95)[0])
    [folder] = tmp_path.iterdir()
    os.truncate(folder / "squares.bin", 8)
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    store = Cache(tmp_path)
    store.of(lambda: "numbers").made("some", KINDS, squares(95)[0])
    assert store.sentences()[0] == f"{folder}: damaged, since squares is cut short; held in memory"


def test_a_cache_in_a_folder_that_one_may_not_enter_is_none(tmp_path, monkeypatch, of_another):
    (tmp_path / "a.csv").write_text("text")
    of_another("closed/c")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    monkeypatch.setattr(cache, "LARGE", 1)
    [said] = Caching(tmp_path / "closed" / "c").store([tmp_path / "a.csv"]).sentences()
    assert said == f"{tmp_path / 'closed' / 'c'}: cannot be written to, so that the data are held in memory"
    assert Cache(tmp_path / "closed" / "c").sentences() == []


def test_which_files_are_not_held_in_memory(tmp_path, monkeypatch):
    small, other, folder = tmp_path / "small.csv", tmp_path / "other.csv", tmp_path / "texts"
    small.write_text("x" * 60)
    other.write_text("x" * 60)
    folder.mkdir()
    assert LARGE == 256_000_000
    monkeypatch.setattr(cache, "LARGE", 100)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    chosen, asked = Caching(tmp_path / "c"), Caching(tmp_path / "c", always=True)
    assert chosen.store([small]) is MEMORY
    assert isinstance(chosen.store([small, other]), Cache)
    assert isinstance(asked.store([small]), Cache)
    assert chosen.store([folder]) is chosen.store([pipe, small, other]) is MEMORY
    with pytest.raises(InputError, match=r"pipe: is no file, .* leave --cache out"):
        asked.store([pipe])
    (folder / "a").mkdir()
    for name in ("a/0.txt", "1.txt"):
        (folder / name).write_text("x" * 60)
    assert isinstance(chosen.store([folder]), Cache)
    compressed = tmp_path / "small.csv.gz"
    compressed.write_bytes(b"x" * 30)
    assert isinstance(chosen.store([compressed]), Cache)  # of some 120 bytes of text
    (said,) = Caching(tmp_path / "not there" / "c").store([small, other]).sentences()
    assert said.endswith("cannot be written to, so that the data are held in memory")


def test_a_file_that_is_changed_while_it_is_read_is_no_file_of_the_cache(tmp_path, monkeypatch):
    path = tmp_path / "a.csv"
    path.write_text("text,label\na b,x\nc d,y\n")
    csv = readers.FORMATS["csv"]

    def read(*given):
        yield from csv.read(*given)
        path.write_text("text,label\ne f,x\n")

    monkeypatch.setitem(readers.FORMATS, "csv", replace(csv, read=read))
    with pytest.raises(InputError, match="was changed while it was read; run the same again"):
        readers.read_columns(path, readers.Columns("text", "label"), None, Cache(tmp_path / "c"))


def test_a_reader_of_a_damaged_array_keeps_it_when_it_is_made_anew(tmp_path):
    def fill(growing):
        growing.append(3, {"n": np.arange(3)})

    first = Cache(tmp_path / "c").made("numbers", {"n": np.int64}, fill).arrays["n"]
    (folder,) = (tmp_path / "c").iterdir()
    (folder / "made.json").write_text("{")
    second = Cache(tmp_path / "c").made("numbers", {"n": np.int64}, fill).arrays["n"]
    assert first.tolist() == second.tolist() == [0, 1, 2]
    assert not np.shares_memory(first, second)


def test_another_version_makes_its_own_arrays(tmp_path, monkeypatch):
    made = []
    for number in ("1.0", "1.0", "1.1"):
        monkeypatch.setattr(cache, "version", lambda name, number=number: number)
        Cache(tmp_path / "c").made("numbers", {"n": np.int64}, lambda growing: made.append(growing.rows))
    assert len(made) == 2


def prepared(path, folder):
    """All that grows with the rows, on the way of a classifier to its first step; the sentences of the cache last."""
    splits = open_source(
        str(path), cache=folder and Caching(folder, always=True), labels=LabelOptions(skip_missing=True)
    )
    train = splits["train"]
    tokenizer = Tokenizer.train(train.texts)
    rows = {split: tokenizer.rows(table.texts) for split, table in splits.items()}
    return {
        "tokenizer": tokenizer.to_json(),
        "notes": splits.notes,
        "texts": {split: list(table.texts) for split, table in splits.items()},
        "labels": {split: list(table.labels) for split, table in splits.items()},
        "places": {split: [table.where(k) for k in range(len(table))] for split, table in splits.items()},
        "tokens": {split: [row.tolist() for row in found] for split, found in rows.items()},
        "lengths": {split: found.lengths.tolist() for split, found in rows.items()},
    }, store_of(train.texts).sentences()


@pytest.fixture
def several(file):
    """Rows in two files, some without a label, some twice, of another separator."""
    words = ["ein", "text", "nur", "für", "diese", "probe", "und", "noch", "einer", "näher", "daran"]
    rows = [
        (" ".join(words[k % 7 : k % 11 + 3]) + f" {k % 150}", ["gut", "schlecht", " gut", ""][k % 13 % 4])
        for k in range(400)
    ]
    file("shards-0.csv", "label;text\n" + "".join(f"{label};{text}\n" for text, label in rows[:250]))
    file("shards-1.jsonl", "".join(f'{{"text": "{text}", "label": "{label}"}}\n' for text, label in rows[250:]))
    return file("x", "").parent / "shards-*"


@pytest.fixture
def texts(tmp_path):
    """Texts in two folders, a file each; some stand there twice."""
    for k in range(130):
        file = tmp_path / "texts" / ("good", "bad")[k % 3 == 0] / f"{k}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"ein text nur\r\nfür {k % 50}")
    return tmp_path / "texts"


@pytest.fixture(params=["several", "texts"])
def rows(request):
    return request.getfixturevalue(request.param)


def test_data_on_disk_are_those_in_memory(rows, tmp_path):
    expected, said = prepared(rows, None)
    assert said == []
    for _ in range(2):  # made, and there
        found, [sentence] = prepared(rows, tmp_path / "cache")
        assert found == expected
        assert sentence.startswith(f"{tmp_path / 'cache'}: the data as arrays")


def test_a_cache_is_told_by_what_files_hold(several, tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    prepared(several, folder)
    there = {each.name for each in folder.iterdir()}
    for shard in tmp_path.glob("shards-*"):
        shard.rename(tmp_path / f"moved-{shard.name}")
    found, _ = prepared(tmp_path / "moved-*", folder)
    assert found == prepared(tmp_path / "moved-*", None)[0]  # which names the files as they are called now
    assert {each.name for each in folder.iterdir()} == there
    one = tmp_path / "moved-shards-0.csv"
    one.write_text(one.read_text().replace("text", "satz", 2).replace("satz", "text", 1))
    assert prepared(tmp_path / "moved-*", folder)[0] == prepared(tmp_path / "moved-*", None)[0]
    assert {each.name for each in folder.iterdir()} > there


def killed_at(path, folder, count):
    """Prepare, and end by SIGKILL before the `count`-th time that something is written to the disk."""
    sync, calls = os.fsync, 0

    def counted(file):
        nonlocal calls
        calls += 1
        if calls == count:
            os.kill(os.getpid(), signal.SIGKILL)
        sync(file)

    os.fsync, cache.SHARD = counted, 100
    prepared(path, folder)


FORK = multiprocessing.get_context("fork")


@pytest.mark.parametrize("count", [1, 5, 6, 14, 20, 23, 26, 29])
def test_killed_anywhere_and_begun_again_is_left_alone(several, tmp_path, count):
    folder = tmp_path / "cache"
    process = FORK.Process(target=killed_at, args=(several, folder, count))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    found, said = prepared(several, folder)
    assert found == prepared(several, None)[0]
    assert "damaged" not in " ".join(said)


@pytest.mark.parametrize("count", [1, 2, 6])
def test_a_folder_of_texts_killed_and_begun_again_is_left_alone(texts, tmp_path, monkeypatch, count):
    monkeypatch.setattr("cellwright.data.readers.files.PIECE", 16)
    monkeypatch.setattr("cellwright.data.readers.folder.TOGETHER", 150)
    process = FORK.Process(target=killed_at, args=(texts, tmp_path / "cache", count))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    expected, _ = prepared(texts, None)
    assert prepared(texts, tmp_path / "cache")[0] == expected


def test_a_folder_of_texts_is_told_by_its_names_and_what_they_hold(texts, tmp_path):
    prepared(texts, tmp_path / "cache")
    there = set((tmp_path / "cache").iterdir())
    texts.rename(tmp_path / "moved")
    assert prepared(tmp_path / "moved", tmp_path / "cache")[0] == prepared(tmp_path / "moved", None)[0]
    assert set((tmp_path / "cache").iterdir()) == there
    for change in (
        lambda folder: (folder / "bad" / "0.txt").write_text("ein anderer"),
        lambda folder: (folder / "bad" / "0.txt").rename(folder / "good" / "0.txt"),
    ):
        change(tmp_path / "moved")
        assert prepared(tmp_path / "moved", tmp_path / "cache")[0] == prepared(tmp_path / "moved", None)[0]
        assert set((tmp_path / "cache").iterdir()) > there
        there = set((tmp_path / "cache").iterdir())
