"""Options of the files that a run learns from: how tables are written, and what of them is held out.

As options of `fit` they are mixed into a task's; a run keeps them, so that whatever reads a file later reads it alike.
"""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field

from cellwright.data import datasets
from cellwright.data.arrays import MEMORY
from cellwright.data.cache import Caching
from cellwright.data.readers import DELIMITED, FOLDER, FORMATS, Format, by_suffix, tagged
from cellwright.data.readers.options import ReadOptions, character_of
from cellwright.data.readers.several import named_by
from cellwright.data.sentences import SENTENCES
from cellwright.data.splits import SHARE, SplitOptions
from cellwright.errors import InputError
from cellwright.tasks.config import FIXED, FitConfig, Locations


class HeldOut(BaseModel):
    """What chooses the best epoch, and what gives the final score."""

    model_config = FIXED

    validation: str | None = None
    """File that chooses the best epoch, in place of a share of DATA."""
    test: str | None = None
    """File for the final score, in place of a share of DATA."""
    validation_share: float | None = Field(None, ge=0, lt=1)
    """Share of DATA that chooses the best epoch, a tenth unless --validation does; 0: none does, and the last is
    kept."""
    test_share: float | None = Field(None, ge=0, lt=1)
    """Share of DATA for the final score, a tenth unless a file is given with --test or --validation; 0: there is no
    score on a test."""


class Separated(BaseModel):
    """How rows are cut into fields."""

    model_config = FIXED

    separator: str | None = None
    """What stands between the fields of CSV and TSV: tab, comma, semicolon, pipe, space, or a character; by default
    the rows tell."""


class TableFiles(Separated, HeldOut):
    """How tables are written, and files beside DATA."""

    model_config = FIXED

    format: Literal["csv", "tsv", "jsonl", "parquet", "plain"] | None = None
    """Format of files whose suffix does not tell, or tells another."""
    header: bool = True
    """The first row of CSV and TSV names the columns; without, they are given by number."""
    quoting: bool = True
    """Double quotes may enclose a field of CSV and TSV; without, they are part of the text."""


class Cached(BaseModel):
    """Where data lie that are too large for memory."""

    model_config = FIXED

    cache: Path | None = None
    """Folder for the arrays of DATA, which are then read from there and not held in memory, and which later runs on the
    same data begin from; by default OUT.cache for files of 256 MB or more, and none for smaller ones."""


OF_FILES = {name: field.default for name, field in TableFiles.model_fields.items()}
"""What says nothing of a built-in set, each with what it is where nobody gives it."""
OF_CACHED_FILES = OF_FILES | {name: field.default for name, field in Cached.model_fields.items()}
TELLING: dict[str, Format[Any, Any, Any]] = tagged.FORMATS | {n: each for n, each in FORMATS.items() if n != "plain"}
"""What a suffix tells for sure: .txt may be anything."""
WRITTEN = ("separator", "header", "quoting")
"""How CSV and TSV are written."""


def check_files(options: HeldOut, usual: float = SHARE) -> None:
    """Raise InputError for options that do not go together or with DATA; usual: the share held out by default."""
    for split in ("validation", "test"):
        file, share = getattr(options, split), getattr(options, f"{split}_share")
        if file is not None and share is not None:
            raise InputError(
                f"--{split} is {file}, which is taken whole, and --{split}-share {share}; give one of them"
            )
    shares = SplitOptions.of(options.model_dump()).shares(usual)
    if sum(shares.values()) >= 1:
        raise InputError(
            f"--validation-share is {shares['validation']:g} and --test-share {shares['test']:g}; expected two that "
            "are together below 1, and leave something to train on"
        )
    if isinstance(options, TableFiles) and isinstance(options, Locations):
        check_written(options.model_dump(), options.data)
    if isinstance(options, Cached) and isinstance(options, Locations):
        _check_cache(options.cache, options.out)


def check_written(options: Mapping[str, Any], path: str) -> None:
    """Raise InputError where options say how CSV is written, and the file is none; or for what separates nothing."""
    if options.get("separator") is not None:
        character_of(options["separator"])
    for name in WRITTEN:
        value = options.get(name)
        if value in (None, OF_FILES[name]) or not named_by(path, FORMATS)[0].exists():
            continue
        if (found := _format(path, options.get("format"))) not in DELIMITED:
            flag = f"--{name} {value}" if name == "separator" else f"--no-{name}"
            raise InputError(
                f"{path}: is read as {found}, and {flag} is for CSV and TSV; leave it out, or give --format"
            )


def _format(path: str, format: str | None) -> str:
    file = named_by(path, FORMATS)[0]
    return FOLDER if file.is_dir() else format or by_suffix(file) or "plain"


def _check_cache(cache: Path | None, out: Path) -> None:
    """Raise InputError for a cache within the run's own folder, which is to be new or a run's."""
    if cache is not None and cache.resolve().is_relative_to(out.resolve()):
        raise InputError(f"--cache is {cache}, within the run's folder {out}; expected a folder beside it")


def caching(options: Mapping[str, Any]) -> Caching:
    """Where the arrays of a run's files lie, by its options and its folder, `out`."""
    if options.get("cache") is not None:
        return Caching(Path(options["cache"]), always=True)
    out = Path(options["out"])
    named = out if out.name not in ("", "..") else out.resolve()
    return Caching(named.parent / f"{named.name}.cache")


def shared_cache(config: type[FitConfig], data: str, others: Iterable[str], out: Path) -> dict[str, Path]:
    """The option by which runs on the same large files share their arrays, beside the folder `out` of all of them.

    config: that of the task. others: what is named beside DATA, for validation, say. Nothing is shared where one is a
    pipe.
    """
    if not issubclass(config, Cached) or not all(are_files(config, each) for each in (data, *others)):
        return {}
    beside = caching({"out": out})
    named = (named_by(each, _formats(config)) for each in (data, *others))
    return {} if all(beside.store(files) is MEMORY for files in named) else {"cache": beside.folder}


def are_files(config: type[FitConfig], data: str) -> bool:
    """Whether a task with these options finds files or a folder where DATA is named: no built-in set, and no pipe."""
    if data in datasets.names():
        return False
    return all(os.path.isfile(each) or os.path.isdir(each) for each in named_by(data, _formats(config)))


def _formats(config: type[FitConfig]) -> Mapping[str, Format[Any, Any, Any]]:
    return tagged.FORMATS if config.reads == SENTENCES else FORMATS


def read_options(options: Mapping[str, Any]) -> ReadOptions:
    """How a run's own files are written, by its options."""
    return ReadOptions(**{name: options[name] for name in ReadOptions._fields if name in options})


def as_the_run(options: Mapping[str, Any], given: Mapping[str, Any], path: str) -> dict[str, Any]:
    """The options of a run, by which another file is read, with those that are `given` and not None.

    The run's format is for files whose suffix tells none, and its separator for files of the format that it is of.
    """
    told = {name: value for name, value in given.items() if value is not None}
    found = {**options, **told}
    if "format" not in told and by_suffix(named_by(path, FORMATS)[0], TELLING):
        found["format"] = None
    if "separator" not in told and _format(path, found.get("format")) != _format(
        options["data"], options.get("format")
    ):
        found["separator"] = None
    return found
