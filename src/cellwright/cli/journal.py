"""How far the answers to a file have come, kept beside them, so that a command that was killed can go on."""

import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from cellwright.errors import InputError
from cellwright.files import check_free, read_json, write_json

SECONDS = 1.0
"""Between two notes of how far it is: the most that a kill can cost."""


@dataclass
class Progress:
    """What a journal holds of the answers that are whole."""

    rows: int = 0
    """Answered, of the input."""
    size: int = 0
    """Bytes that they take in the file of answers; what lies behind was cut short."""
    columns: list[str] | None = None
    """Of a file whose first line names them."""
    renamed: dict[str, str] = field(default_factory=dict)
    """As of `Written`."""
    finished: bool = False
    """Whether every row is answered."""


class Journal:
    """Two files beside `out` while it is being made: OUT.answered, and OUT.answered.json, which says how far that is.

    The answers come first and the note of them second, each whole on the disk before the next: a kill between the two
    leaves answers without a note, which are computed again.
    """

    def __init__(self, out: Path, asked: Mapping[str, Any] | None) -> None:
        """asked: all that the answers depend on, as JSON has it; None where it cannot be asked a second time."""
        self.out = out
        self.asked = asked
        self.answers = out.with_name(out.name + ".answered")
        self.note = out.with_name(out.name + ".answered.json")
        self.progress = Progress()
        self._written = time.monotonic()

    def begin(self, *, resume: bool, overwrite: bool) -> bool:
        """Find out where to begin; whether there is anything left to do.

        Raises InputError where `out` is there and may not be replaced, and where what was answered is of another
        question.
        """
        if resume and self.asked is None:
            raise InputError("--resume: what came from a pipe cannot be read again; expected files or texts")
        if not (resume and self.note.exists()):
            check_free({"--out": self.out}, overwrite=overwrite)
            return True
        kept = read_json(self.note)
        for what, value in (self.asked or {}).items():
            if kept["asked"].get(what) != value:
                raise InputError(
                    f"{self.note}: was begun with another {what}; expected the same run, input and options: give "
                    "them, or leave --resume out to begin anew"
                )
        self.progress = Progress(**kept["progress"])
        if not self.progress.finished:
            check_free({"--out": self.out}, overwrite=overwrite)
        if self.answers.exists():
            return True
        if self.progress.finished and self.out.exists():  # killed after the last step but one
            self._remove()
            return False
        self.progress = Progress()
        return True

    def check_unused(self, option: str) -> None:
        """Raise InputError where one of the two files is there, for answers that are made at one go.

        option: names `out`.
        """
        for file in (self.answers, self.note):
            if os.path.lexists(file):
                raise InputError(
                    f"{file}: is there already, perhaps of a `predict --out {self.out}` that was interrupted, and "
                    f"{option} would replace it; expected no such file: finish that with --resume, move the file, or "
                    f"give another {option}"
                )

    @contextmanager
    def opened(self) -> Iterator[BinaryIO]:
        """Open the file of answers behind those that are whole.

        A mistake of the user leaves neither file behind. What is none, Ctrl-C or a full disk, leaves both where a row
        was noted. Raises InputError where the disk refuses.
        """
        keep = False
        try:
            with self.answers.open("r+b" if self.progress.rows else "w+b") as file:
                self._cut(file)
                yield file
        except InputError:
            raise
        except OSError as error:
            keep = True
            on = "begin anew" if self.asked is None else "go on with --resume"
            raise InputError(
                f"{self.out}: cannot be written ({error.strerror or error}); expected a writable folder with enough "
                f"bytes free: make room, and {on}"
            ) from error
        except BaseException:
            keep = True
            raise
        finally:
            if not (keep and self.note.exists()):
                self._remove()

    def wrote(self, progress: Progress, file: BinaryIO, *, now: bool = False) -> None:
        """Note how far the answers in the file, which it has been given, have come; unless it was done just before."""
        if self.asked is None or not (now or time.monotonic() - self._written >= SECONDS):
            return
        file.flush()
        progress.size = file.tell()
        os.fsync(file.fileno())
        write_json(self.note, {"asked": dict(self.asked), "progress": vars(progress)})
        self._written = time.monotonic()

    def _cut(self, file: BinaryIO) -> None:
        whole = self.progress.size
        if os.fstat(file.fileno()).st_size < whole:
            raise InputError(
                f"{self.answers}: is shorter than the {whole:,} bytes that {self.note.name} tells of; expected it as "
                "it was left: leave --resume out to begin anew"
            )
        file.truncate(whole)
        file.seek(whole)

    def _remove(self) -> None:
        self.note.unlink(missing_ok=True)
        self.answers.unlink(missing_ok=True)


def question(
    run: Path, given: Sequence[str], files: Sequence[str], options: Mapping[str, Any]
) -> dict[str, Any] | None:
    """All that answers depend on, as JSON has it; None where one of the files is a pipe.

    Files are told apart by size and time of change, the run's weights by their content.
    """
    from hashlib import sha256

    from cellwright import __version__
    from cellwright.tasks.run import CONFIG, MODEL

    if not all(Path(each).is_file() or Path(each).is_dir() for each in files):
        return None
    content = [(run / name).read_bytes() for name in (CONFIG, MODEL)]
    asked = {
        "version of cellwright": __version__,
        "run": [sha256(each).hexdigest() for each in content],
        "input": [[each, _marks(Path(each)) if each in files else None] for each in given],
        "option": {name: value for name, value in options.items() if value is not None},
    }
    whole: dict[str, Any] = json.loads(json.dumps(asked, default=str))
    return whole


def _marks(path: Path) -> list[list[Any]]:
    """Name, size and time of change of a file, or of those in a folder."""
    files = sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
    return [[str(each), each.stat().st_size, each.stat().st_mtime_ns] for each in files]
