"""The run folder before training: refused, made, or cleared."""

from pathlib import Path

from cellwright import tasks
from cellwright.errors import InputError
from cellwright.tasks.config import FIRST, FitConfig
from cellwright.tasks.run import CONFIG, MODEL

METRICS, LOG, CURVE = "metrics.json", "log.csv", "curve.png"
CHECKPOINT = Path("checkpoints", "last.safetensors")


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
    if not out.exists() or not any(out.iterdir()):
        return
    if not (out / CONFIG).is_file():
        raise InputError(f"{out}: holds files but no run; expected a new or empty folder, even with --overwrite")
    if not config.overwrite:
        raise InputError(
            f"{out}: holds a run already; give another --out, --resume to continue it or --overwrite to replace it"
        )


def make_folder(config: FitConfig) -> None:
    """Make `out` and its `checkpoints`; with overwrite, remove the files of the run before and of the one inside it.

    Removes by name, so that notes the user put beside them stay. Raises InputError where the disk refuses.
    """
    names: tuple[str | Path, ...] = (CONFIG, MODEL, *_own_files(), METRICS, LOG, CURVE, CHECKPOINT)
    try:
        (config.out / CHECKPOINT).parent.mkdir(parents=True, exist_ok=True)
        for folder in (config.out, config.out / FIRST) if config.overwrite else ():
            for name in names:
                (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise InputError(
            f"{config.out}: cannot be written ({error.strerror}); expected a place for the run folder that you may "
            "write to: give another --out"
        ) from error


def _own_files() -> set[str]:
    """The names of every task's own files: a damaged description would not say whose the run was."""
    return {name for task in tasks.NAMES for name in tasks.get(task).files}
