"""What a run learns from and is scored on, by its options: each sentence on it once, whatever the rows are."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence, Sized
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from cellwright import tasks
from cellwright.data import datasets
from cellwright.data.readers.several import BETWEEN
from cellwright.data.splits import Kind, Split, SplitOptions, Splits, what_flatters
from cellwright.errors import InputError
from cellwright.options import flag
from cellwright.tasks.config import FitConfig
from cellwright.tasks.files import are_files, as_the_run, check_written
from cellwright.tasks.run import Run

Rows = TypeVar("Rows", bound=Sized)


def usual_split(run: Run[Any, Any], data: str, built_in: Sequence[str]) -> Split:
    """The split for the final score of the run's own data, or of a built-in set; of another file, all."""
    if data in built_in:
        return "test"
    if _places(run.config.options["data"]) != _places(data):
        return "all"
    # Of an older run of series, which knows no shares, the test split is always there.
    return SplitOptions.of(run.config.options).scored if "test_share" in run.config.options else "test"


def _places(data: str) -> list[Path]:
    """Where the files are that DATA names, however each is written."""
    return [Path(each).resolve() for each in data.split(BETWEEN)]


def options_for(run: Run[Any, Any], data: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The options by which a run reads this data: its own, and those that are `given` and not None.

    Raises InputError for options that do not fit the file, and for any that is given with a built-in set.
    """
    refuse_for_a_set(data, given, dict.fromkeys(given))
    check_written(given, data)
    options = as_the_run(own_options(run), given, data)
    if usual_split(run, data, datasets.names()) == "all":  # another file: the run's own splits are not this one's
        options |= dict.fromkeys(SplitOptions._fields)
        # The run asked for a cache of its own data, and what is read once has none.
        if options.get("cache") is not None and not are_files(tasks.config_of(run.config.task), data):
            options["cache"] = None
    return options


def own_options(run: Run[Any, Any]) -> dict[str, Any]:
    """The options of a run, and where it lies; its cache where that is still there, as it is not on another machine."""
    options = {**run.config.options, "out": run.path}
    if options.get("cache") is not None and not os.path.isdir(options["cache"]):  # False where one may not look
        options["cache"] = None
    return options


def check_split(data: str, split: Split) -> None:
    """Raise InputError where all of a built-in set is to be scored."""
    if split == "all" and data in datasets.names():
        raise InputError(f"{data} is scored one split at a time; expected --split train, validation or test, got all")


def refuse_for_a_set(data: str, given: Mapping[str, Any], usual: Mapping[str, Any]) -> None:
    """Raise InputError for an option of files that is given with a built-in set; usual: what each is else."""
    if data not in datasets.names():
        return
    for name, default in usual.items():
        if given[name] != default:
            raise InputError(
                f"{data} is a built-in set, and {flag(name)} is {given[name]}, which is for files; leave it out"
            )


def nothing_on(data: str, split: Split, one: str) -> InputError:
    """The error of a split without any; one: of what, as "text"."""
    return InputError(
        f"{data}: no {one} falls to the {split} split; expected at least one, --split all takes every {one}"
    )


@dataclass(frozen=True)
class Source(Generic[Rows]):
    """Where the rows of a task come from, by the options of a run: what its evaluation asks of its `data.py`."""

    kind_of: Callable[[Mapping[str, Any]], Kind[Rows]]
    """How a whole file is read, and which rows are the same."""
    open_data: Callable[[str, Mapping[str, Any]], Splits[Rows]]
    """The splits of a built-in set or of files. Raises InputError."""

    def for_training(self, config: FitConfig, usual: Mapping[str, Any]) -> Splits[Rows]:
        """The splits that a run is to learn from. Raises InputError, for what is no option of a built-in set too.

        usual: options of files, each with what it is where nobody gives it.
        """
        options = config.model_dump()
        refuse_for_a_set(config.data, options, usual)
        return self.open_data(config.data, options)

    def scored(self, data: str, split: Split, options: Mapping[str, Any], say: Callable[[str], None]) -> Rows:
        """The rows of one split of a file or built-in set, or all rows of a file.

        options: as `options_for` finds them. say: is given sentences on the file where all of it is read.

        Raises InputError where there are none.
        """
        check_split(data, split)
        kind = self.kind_of(options)
        if split == "all":
            rows, notes = kind.read(data)
            say_all(notes, say)
        else:
            rows = self.open_data(data, options)[split]
        if not len(rows):
            raise nothing_on(data, split, kind.one)
        return rows

    def trained(
        self, run: Run[Any, Any], scored: Rows, split: Split, say: Callable[[str], None], wanted: bool
    ) -> Rows | None:
        """What the run was trained on, for the baselines; says so where it is gone, or holds rows to be scored.

        wanted: as of `training_split`.
        """
        options = own_options(run)
        kind = self.kind_of(options)
        train = training_split(lambda: self.open_data(options["data"], options), f"{kind.one}s", say, wanted)
        if train is not None and split != "train":
            say_all(what_flatters(kind.among(scored, train), len(scored), f"{kind.one}s"), say)
        return train


def training_split(
    opened: Callable[[], Splits[Rows]], rows: str, say: Callable[[str], None], wanted: bool
) -> Rows | None:
    """What a run was trained on, for the baselines; says so where it is gone.

    rows: what it consists of, as "texts". wanted: whether there are to be baselines; else nothing is read.
    """
    if not wanted:
        say(f"without baselines fitted on the training {rows}, as asked, and without a look which of them are scored")
        return None
    try:
        return opened()["train"]
    except InputError as error:
        say(f"without baselines, since the run's training {rows} cannot be read: {error}")
        return None


def say_all(sentences: Iterable[str], say: Callable[[str], None]) -> None:
    """Say each."""
    for sentence in sentences:
        say(sentence)
