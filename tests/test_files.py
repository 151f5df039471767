"""A file is whole or what it was before."""

import errno
import os
from pathlib import Path

import pytest

from cellwright.errors import InputError
from cellwright.files import beside, check_apart, check_free, read_json, replace_file


def test_replaces(tmp_path: Path) -> None:
    path = tmp_path / "file"
    replace_file(path, b"first")
    replace_file(path, b"second")
    assert path.read_bytes() == b"second"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_of_the_users_own_beside_it_stays(tmp_path: Path) -> None:
    own = tmp_path / "answers.csv.part"
    own.write_bytes(b"mine")
    replace_file(tmp_path / "answers.csv", b"answers")
    assert own.read_bytes() == b"mine"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["answers.csv", "answers.csv.part"]


def test_what_a_kill_left_beside_it_is_written_over(tmp_path: Path) -> None:
    path = tmp_path / "file"
    beside(path).write_bytes(b"half of a lar")
    replace_file(path, b"whole")
    assert path.read_bytes() == b"whole"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
def test_full_disk_keeps_the_last_good_one(tmp_path: Path) -> None:
    path = tmp_path / "file"
    replace_file(path, b"good")
    beside(path).symlink_to("/dev/full")  # a real ENOSPC: what is written beside the place goes there
    with pytest.raises(InputError, match=r"cannot be written \(No space left on device\); the last good one stays"):
        replace_file(path, b"never")
    assert path.read_bytes() == b"good"
    assert list(tmp_path.iterdir()) == [path]


def test_full_only_at_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some file systems take every byte and say at fsync that there was no room."""

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match=r"No space left on device.*nothing was written"):
        replace_file(tmp_path / "file", b"never")
    assert not list(tmp_path.iterdir())


def test_no_such_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file or directory"):
        replace_file(tmp_path / "none" / "file", b"")


def test_json_that_is_nested_too_deeply_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "deep.json"
    path.write_text('{"a": ' + "[" * 200_000 + "]" * 200_000 + "}")
    with pytest.raises(
        InputError, match="its JSON is nested too deeply to be read; expected an object of a few levels"
    ):
        read_json(path)


def test_a_key_that_stands_twice_in_json_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "twice.json"
    path.write_text('{"seed": 1, "options": {"cell": "gru", "lr": 1, "cell": "lstm"}}')
    with pytest.raises(InputError, match=r"twice\.json: the key 'cell' stands twice in one object; expected each once"):
        read_json(path)


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b"])
def test_a_name_that_no_file_can_have_is_neither_there_nor_read(tmp_path: Path, name: str) -> None:
    check_free({"--out": Path(name)}, overwrite=False)
    check_apart({"--out": Path(name)}, [tmp_path])
    (tmp_path / "file").touch()
    check_apart({"--out": tmp_path / "file", "--png": None}, [Path(name)])


def test_a_file_below_a_folder_that_is_read_is_read(tmp_path: Path) -> None:
    within, beside = tmp_path / "texts" / "good", tmp_path / "1.txt"
    within.mkdir(parents=True)
    (within / "broken").symlink_to("nothing")
    for path in (within / "1.txt", beside):
        path.touch()
    check_apart({"--out": beside, "--png": within / "2.txt"}, [tmp_path / "texts"])
    with pytest.raises(InputError, match=r"1\.txt: --out would replace what is read, .*good/1\.txt; expected another"):
        check_apart({"--out": within / "1.txt"}, [tmp_path / "texts"])
    (within / "link").symlink_to(beside)
    with pytest.raises(InputError, match="good/link; expected another file: give another --out"):
        check_apart({"--out": beside}, [tmp_path / "texts"])
