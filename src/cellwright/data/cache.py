"""Arrays on disk, mapped into memory: of data that memory does not hold, and of which nothing is made twice.

    CACHE/
      rows-3f2a…/      texts, labels and lines as the file has them
        made.json      how many rows are there, whole shards of them, and what was found out
        content.bin    an array as it lies in memory
      hashes-…/  tokens-…/  vocabulary-…/

A folder's name holds the SHA-256 of what its arrays are made of: the content of the files, how they are read and split,
the tokenizer, the version of the format. Other content is another folder.

Rows are counted when they are on the disk, SHARD at a time or SHARD_BYTES: who is killed leaves whole shards, and what
was written beyond is cut off by who goes on.

Why flat files and not Arrow: 17 million numbers are written in 0.03 processor seconds either way, but an Arrow file can
be read only once its end is written, so that shards were files of their own, or parts of one to be looked up: 100,000
rows at random took 0.11 s from ten such parts, and 0.07 s from one array.
"""

import hashlib
import json
import os
import tempfile
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from cellwright.data.arrays import MEMORY, Fill, Made, Memory, Store, bytes_of, store_of
from cellwright.data.readers.files import PACKED
from cellwright.data.readers.folder import files_in
from cellwright.errors import InputError
from cellwright.files import read_json, write_json
from cellwright.stages import stage

FORMAT = 2
"""Of what lies in a cache: one that differs is not read, nor is one of another version of this package or of Unicode.
It goes up where rows are read, hashed, counted, tokenised or cut otherwise than before; the library that tokenises is
told from its version."""
SHARD = 100_000
"""Rows that are counted together: what a kill can cost, and half a second of work at least between two waits for the
disk."""
SHARD_BYTES = 2**24
"""The same of rows that are large, as the pieces of long texts are."""
LARGE = 256 * 10**6
"""Bytes of files from which on their arrays lie on disk: fewer take about as much memory as PyTorch does."""
COMPRESSED, COMPRESSION = (*PACKED, ".parquet"), 4
"""Files whose text takes about so many times their bytes."""
JOURNAL, LOCK = "made.json", "lock"


class Caching(NamedTuple):
    """Whether the arrays of files lie on disk, and where."""

    folder: Path
    always: bool = False
    """Whether those of small files do, too."""

    def store(self, files: Sequence[Path]) -> Store:
        """Return where the arrays of these files, or folders of texts, lie: in memory of few bytes, and of a pipe.

        Raises InputError where what is read once is asked to lie on disk.
        """
        other = next((file for file in files if not (file.is_file() or file.is_dir())), None)
        if other is not None:
            if self.always and other.exists():
                raise InputError(f"{other}: is no file, whose arrays lie in memory in any case; leave --cache out")
            return MEMORY
        if self.always:
            return Cache(self.folder)
        if sum(map(_bytes_of_text, files)) < LARGE:
            return MEMORY
        # os.path answers False where one may not look, where Path raises.
        if not os.path.exists(self.folder) and not os.access(self.folder.parent, os.W_OK):  # nobody asked for it
            return Memory([f"{self.folder}: cannot be written to, so that the data are held in memory"])
        return Cache(self.folder)


def _bytes_of_text(file: Path) -> int:
    if file.is_dir():
        return sum(each.stat().st_size for each in files_in(file, labelled=False))
    return file.stat().st_size * (COMPRESSION if file.suffix in COMPRESSED else 1)


@dataclass(frozen=True)
class Journal:
    """What of some arrays is there."""

    rows: int = 0
    sizes: Mapping[str, int] = field(default_factory=dict)
    """Bytes of each array."""
    whole: bool = False
    told: Any = None


class Cache:
    """A folder of arrays; see `arrays.Store`."""

    def __init__(self, folder: Path) -> None:
        """folder: is made when something is written."""
        self.folder = folder
        self._key: str | None = _digest([FORMAT, version("cellwright"), unicodedata.unidata_version])
        self._read_only = os.path.exists(folder) and not os.access(folder, os.W_OK)
        self._used: dict[Path, int] = {}
        self._said: list[str] = []
        """What was damaged, and whether anything cannot be read."""

    def of(self, key: Callable[[], object]) -> "Cache":
        """Return the store of what is made of these rows by the key; what has none is gone with the process."""
        other = Cache(self.folder)
        other._used, other._said = self._used, self._said
        found = None if self._key is None else key()
        other._key = None if found is None else _digest([self._key, found])
        return other

    def made(self, name: str, kinds: Mapping[str, DTypeLike], fill: Fill) -> Made:
        """Return arrays that are there, whole, or go on making them. Raises InputError where the disk refuses."""
        if self._read_only:
            return self._read(name, kinds, fill)
        with self._writing():
            self.folder.mkdir(parents=True, exist_ok=True)
            if self._key is None:
                # What is mapped stays; a file system of another machine may keep its name until nobody reads it.
                with tempfile.TemporaryDirectory(dir=self.folder, ignore_cleanup_errors=True) as passing:
                    return _made(Path(passing), kinds, Journal(), fill)
            folder = self._folder_of(name, kinds)
            folder.mkdir(exist_ok=True)
            with _alone(folder):
                made = _made(folder, kinds, self._journal(folder), fill)
            self._used[folder] = _size_of(folder)
            return made

    def _read(self, name: str, kinds: Mapping[str, DTypeLike], fill: Fill) -> Made:
        """Return arrays that are there, whole, of a folder that cannot be written to; others are made in memory."""
        folder = self._folder_of(name, kinds)
        try:
            journal = Journal() if self._key is None else self._journal(folder)
            if journal.whole:
                made, self._used[folder] = _made(folder, kinds, journal, fill), _size_of(folder)
                return made
        except OSError as error:  # of another user, who lets nobody in
            said = f"{self.folder}: what cannot be read ({error.strerror or error}) is held in memory"
            self._said += [said] if said not in self._said else []
        return MEMORY.made(name, kinds, fill)

    def _folder_of(self, name: str, kinds: Mapping[str, DTypeLike]) -> Path:
        return self.folder / f"{name}-{_digest([self._key, _spelled(kinds)])[:16]}"

    def empty(self, size: int, kind: DTypeLike) -> NDArray[Any]:
        """Return an array in a file without a name, gone with the process. Raises InputError where the disk is full."""
        if not size or self._read_only:
            return np.empty(size, kind)
        with self._writing():
            self.folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.folder) as file:
                _reserve(file, size * np.dtype(kind).itemsize)
                return _mapped(file, "r+", kind, size)

    def sentences(self) -> list[str]:
        """Say what was damaged or cannot be read, and where the arrays lie."""
        size = sum(self._used.values()) / 1e6
        if self._read_only:
            return [
                *self._said,
                f"{self.folder}: cannot be written to; {size:,.0f} MB of the data are read from there, and what it "
                "lacks is held in memory",
            ]
        if not self._used:
            return self._said
        return [
            *self._said,
            f"{self.folder}: the data as arrays, {size:,.0f} MB, which are not read into memory whole; later runs on "
            "the same data begin from them, and when none runs the folder may be removed",
        ]

    def _journal(self, folder: Path) -> Journal:
        """What is there, which is nothing where less is than was counted. Raises OSError where one may not look."""
        try:
            (folder / JOURNAL).open("rb").close()  # what may not be read is not damaged
        except FileNotFoundError:
            return Journal()
        try:
            journal = Journal(**read_json(folder / JOURNAL))
            short = next((name for name, size in journal.sizes.items() if _size(folder, name) < size), None)
        except (InputError, TypeError):
            short, journal = JOURNAL, Journal()
        if short is None:
            return journal
        instead = "held in memory" if self._read_only else "made anew"
        self._said.append(f"{folder}: damaged, since {short} is cut short; {instead}")
        if not self._read_only:
            (folder / JOURNAL).unlink()
        return Journal()

    def joined(self, other: "Cache | None") -> "Cache":
        """Return a store that says what this and the other one, of the same folder, say together."""
        found = Cache(self.folder)
        for each in (self, other or found):
            found._used |= each._used
            found._said += [said for said in each._said if said not in found._said]
        return found

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise InputError(
                f"{self.folder}: the arrays of the data cannot be written ({error.strerror or error}); expected a "
                "folder that you may read and write, on a disk with room for three times the size of the data: name "
                "one with --cache"
            ) from error


def where_they_lie(*several: Sequence[Any]) -> list[str]:
    """Return what the stores of these items say, each sentence once, and one of each folder."""
    caches, said = dict[Path, Cache](), list[str]()
    for store in map(store_of, several):
        if isinstance(store, Cache):
            caches[store.folder] = store.joined(caches.get(store.folder))
        else:
            said += store.sentences()
    return list(dict.fromkeys([*said, *(each for cache in caches.values() for each in cache.sentences())]))


def _made(folder: Path, kinds: Mapping[str, DTypeLike], journal: Journal, fill: Fill) -> Made:
    if not journal.whole:
        with ExitStack() as files:
            growing = _OnDisk(folder, kinds, journal, files)
            journal = growing.commit(told=fill(growing), whole=True)
    arrays = {}
    for name, kind in kinds.items():
        size = journal.sizes[name] // np.dtype(kind).itemsize
        arrays[name] = _mapped(_path(folder, name), "r", kind, size) if size else np.empty(0, kind)
    return Made(arrays, journal.told)


class _OnDisk:
    """Arrays that grow in files."""

    def __init__(self, folder: Path, kinds: Mapping[str, DTypeLike], journal: Journal, files: ExitStack) -> None:
        self.rows, self._counted, self._waiting = journal.rows, journal.rows, 0
        self._folder, self._kinds = folder, kinds
        self._files: dict[str, BinaryIO] = {}
        for name in kinds:
            path, counted = _path(folder, name), journal.sizes.get(name, 0)
            if not counted:
                path.unlink(missing_ok=True)  # a process that still reads what was damaged keeps it
            file = files.enter_context(path.open("ab"))
            file.truncate(counted)
            self._files[name] = file

    def append(self, rows: int, arrays: Mapping[str, NDArray[Any]]) -> None:
        for name, array in arrays.items():
            self._waiting += self._files[name].write(bytes_of(array, self._kinds[name]))
        self.rows += rows
        if self.rows - self._counted >= SHARD or self._waiting >= SHARD_BYTES:
            self.commit()

    def commit(self, *, told: Any = None, whole: bool = False) -> Journal:
        """Count the rows, when they are on the disk."""
        for file in self._files.values():
            file.flush()
            os.fsync(file.fileno())
        self._counted, self._waiting = self.rows, 0
        sizes = {name: os.fstat(file.fileno()).st_size for name, file in self._files.items()}
        journal = Journal(self.rows, sizes, whole, told)
        write_json(self._folder / JOURNAL, asdict(journal))
        return journal


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Wait until no other process makes the same arrays, as those do that share a run."""
    import fcntl  # which Windows lacks

    with (folder / LOCK).open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with stage(f"waiting for the process that makes {folder}"):
                fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _mapped(file: Path | BinaryIO, mode: Any, kind: DTypeLike, size: int) -> NDArray[Any]:
    # As a plain array: numpy looks up whether each part of a memmap shares its memory, which rows are too small for.
    return np.memmap(file, kind, mode, shape=(size,)).view(np.ndarray)


def _reserve(file: Any, size: int) -> None:
    """Make the file so large. A write to a map beyond a full disk would end the process."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file.fileno(), 0, size)
    else:  # macOS
        file.truncate(size)


def _path(folder: Path, name: str) -> Path:
    return folder / f"{name}.bin"


def _size(folder: Path, name: str) -> int:
    path = _path(folder, name)
    return path.stat().st_size if path.exists() else -1


def _size_of(folder: Path) -> int:
    return sum(each.stat().st_size for each in folder.iterdir())


def _spelled(kinds: Mapping[str, DTypeLike]) -> dict[str, str]:
    return {name: np.dtype(kind).str for name, kind in kinds.items()}  # the order of bytes too


def _digest(key: object) -> str:
    return hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()
