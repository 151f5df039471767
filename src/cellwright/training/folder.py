"""The run folder before training and after: refused, made, the run before it put aside, and removed or put back."""

import shutil
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from cellwright import tasks
from cellwright.errors import InputError
from cellwright.evaluation.series_reports import MODEL as MODEL_OF_SERIES
from cellwright.files import read_json, write_json
from cellwright.tasks.config import FIRST, FitConfig
from cellwright.tasks.own_cell import CODE
from cellwright.tasks.run import CONFIG, MODEL

METRICS, LOG, CURVE = "metrics.json", "log.csv", "curve.png"
SCORES = {"test": "test.json", "validation": "validation.json"}
"""Of the split for the final score, which `cellwright fit` writes with the pictures of the task."""
LOGS = "logs"
"""Folder of what trackers write, with a folder each."""
CHECKPOINT = Path("checkpoints", "last.safetensors")
LAUNCHERS = Path("checkpoints", "launchers.json")
"""Which launchers of processes have begun a run, that those which they start anew go on with it."""
_BEGINNINGS: Counter[Path] = Counter()
"""How many runs this process has begun in a folder: one that is started anew counts from none, as the first one did."""
REPLACED = "replaced"
"""Where the files of a run wait that --overwrite replaces, until the new one has something to keep."""


def check_folder(config: FitConfig) -> None:
    """Refuse before any work is done what `make_folder` would refuse after the data is read.

    Raises InputError when `out` holds something and neither resume nor overwrite is set, when there is nothing
    to resume, and when overwrite would remove what is no run.
    """
    out = config.out
    if config.resume and config.overwrite:
        raise InputError("--resume continues the run and --overwrite removes it; give one of them")
    if config.resume:
        if not out.exists():
            raise InputError(f"{out}: no run to resume; leave --resume out to start one")
        return
    if out.exists() and not out.is_dir():
        raise InputError(f"{out}: is a file; expected a folder to make, or a run folder")
    if not out.exists() or all(path == (out / CHECKPOINT).parent and not any(path.iterdir()) for path in out.iterdir()):
        return  # empty, but for what a run that failed at once may have left
    if not any((folder / CONFIG).is_file() for folder in (out, out / REPLACED)):
        raise InputError(f"{out}: holds files but no run; expected a new or empty folder, even with --overwrite")
    if not config.overwrite:
        raise InputError(
            f"{out}: holds a run already; give another --out, --resume to continue it or --overwrite to replace it"
        )


def make_folder(config: FitConfig) -> None:
    """Make `out` and its `checkpoints`; with overwrite, put the files of the run before aside, for `settle_folder`.

    By name, so that notes the user put beside them stay. Raises InputError where the disk refuses.
    """
    try:
        (config.out / CHECKPOINT).parent.mkdir(parents=True, exist_ok=True)
        if config.overwrite:
            settle_folder(config.out, failed=True)  # where a run was killed before it could
        for file, aside in _files(config.out):
            if config.overwrite and file.exists():
                aside.parent.mkdir(parents=True, exist_ok=True)
                file.replace(aside)
    except OSError as error:
        raise InputError(
            f"{config.out}: cannot be written ({error.strerror}); expected a place for the run folder that you may "
            "write to: give another --out"
        ) from error


def count_beginning(out: Path) -> None:
    """Count a run that this process is to begin in the folder, before `begun_by` is asked whether it was begun."""
    _BEGINNINGS[out.resolve()] += 1


def begun_by(out: Path, launchers: Collection[str]) -> bool:
    """Whether a process that one of these launchers has started before began the run in the folder, by the same call.

    launchers: as `processes.launchers` names them. A script that trains into the folder twice makes the same calls when
    it is started anew, so the run that is there is of this call if it was begun by as many calls.
    """
    path = out / LAUNCHERS
    if not (launchers and path.exists() and (out / CONFIG).exists()):
        return False
    noted = read_json(path)
    # Files of a version before hold no number; those of this launcher do.
    return not set(launchers).isdisjoint(noted["launchers"]) and noted["number"] == _BEGINNINGS[out.resolve()]


def note_launchers(out: Path, launchers: Sequence[str]) -> None:
    """Write who begins the run, before it has a description, or goes on with it; nothing where nobody does."""
    if launchers:
        write_json(out / LAUNCHERS, {"launchers": list(launchers), "number": _BEGINNINGS[out.resolve()]})


def settle_folder(out: Path, *, failed: bool) -> bool:
    """Remove the run that was put aside; where the new one failed with nothing kept, put it back in its place.

    Returns whether there was one to put back.
    """
    kept = any((folder / name).exists() for folder in (out, out / FIRST) for name in (MODEL, CHECKPOINT))
    # A run begins with its description: where there is none, what is kept is of the run before, put aside in part.
    put_back = failed and not (kept and (out / CONFIG).exists())
    waiting = [(file, aside) for file, aside in _files(out) if aside.exists()]
    for file, aside in waiting:
        if put_back:
            _remove(file)
            aside.replace(file)
        else:
            _remove(aside)
    for folder in sorted({aside.parent for _, aside in _files(out)} | {out / REPLACED}, reverse=True):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
    return put_back and bool(waiting)


def _remove(path: Path) -> None:
    """Remove a file, or the folder of logs, if it is there."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def model_scores(content: Mapping[str, Any]) -> dict[str, float]:
    """The numbers that a file of SCORES holds of the model itself, by name, without those of its baselines."""
    own = content.get("model") or content.get("models", {}).get(MODEL_OF_SERIES) or content
    found: dict[str, float] = {}
    for name, value in own.items():
        inner = {f"{name}_{part}": each for part, each in value.items()} if isinstance(value, dict) else {name: value}
        found |= {key: each for key, each in inner.items() if type(each) in (int, float)}
    return found


def _files(out: Path) -> Iterator[tuple[Path, Path]]:
    """Each file, and folder of logs, of a run and of the one inside it, and where it waits when another replaces it."""
    scores = SCORES.values()
    names: tuple[str | Path, ...] = (CONFIG, MODEL, CODE, *_own_files(), METRICS, LOG, CURVE, *scores, CHECKPOINT, LOGS)
    for folder in ("", FIRST):
        for name in names:
            yield out / folder / name, out / REPLACED / folder / name


def _own_files() -> set[str]:
    """The names of every task's own files and pictures: a damaged description would not say whose the run was."""
    every = [tasks.get(name) for name in tasks.NAMES]
    return {name for task in every for name in (*task.files, *task.pictures)}
