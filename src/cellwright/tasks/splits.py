"""What a run learns from and is scored on, by its options: each sentence on it once, whatever the rows are."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from cellwright.data import datasets
from cellwright.data.labels import LabelOptions
from cellwright.data.source import kind_of, open_source
from cellwright.data.splits import Split, SplitOptions, Splits, what_flatters
from cellwright.data.table import Table
from cellwright.errors import InputError
from cellwright.tasks.files import as_the_run, check_written, read_options
from cellwright.tasks.run import Run

Rows = TypeVar("Rows")


def usual_split(run: Run[Any, Any], data: str, built_in: Sequence[str]) -> Split:
    """The split for the final score of the run's own data, or of a built-in set; of another file, all."""
    if data in built_in:
        return "test"
    own = Path(run.config.options["data"]).resolve() == Path(data).resolve()
    if not own:
        return "all"
    # Series have no shares to be chosen: their test split is always there.
    return SplitOptions.of(run.config.options).scored if "test_share" in run.config.options else "test"


def options_for(run: Run[Any, Any], data: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The options by which a run reads this data: its own, and those that are `given` and not None.

    Raises InputError for options that do not fit the file.
    """
    check_written(given, data)
    options = as_the_run(run.config.options, given, data)
    if usual_split(run, data, datasets.names()) == "all":  # another file: the run's own splits are not this one's
        options |= dict.fromkeys(SplitOptions._fields)
    return options


def load_text_splits(data: str, options: Mapping[str, Any]) -> Splits[Table]:
    """The splits of texts, with the labels that the options name, if any. Raises InputError."""
    return open_source(
        data,
        text=options["text"],
        label=options.get("label"),
        how=read_options(options),
        splits=SplitOptions.of(options),
        labels=LabelOptions.of(options),
    )


def table_of(data: str, split: Split, options: Mapping[str, Any], say: Callable[[str], None]) -> Table:
    """The rows of one split of a file or built-in set, or all rows of a file. Raises InputError where there are none.

    options: as `options_for` finds them. say: is given sentences on the file where all of it is read.
    """
    check_split(data, split)
    if split == "all":
        kind = kind_of(options["text"], options.get("label"), read_options(options), LabelOptions.of(options))
        table, notes = kind.read(data)
        for note in notes:
            say(note)
    else:
        table = load_text_splits(data, options)[split]
    if not len(table):
        raise nothing_on(data, split, "text", "row")
    return table


def training_table(
    run: Run[Any, Any], scored: Table, split: Split, say: Callable[[str], None], wanted: bool
) -> Table | None:
    """What the run was trained on, for the baselines; says so where it is gone, or holds texts to be scored.

    wanted: as of `training_split`.
    """
    options = run.config.options
    train = training_split(lambda: load_text_splits(options["data"], options), "texts", say, wanted)
    if train is not None and split != "train":
        seen = {text.strip() for text in train.texts}  # as `split` tells texts apart
        say_all(what_flatters(sum(text.strip() in seen for text in scored.texts), len(scored), "texts"), say)
    return train


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
                f"{data} is a built-in set, and --{name.replace('_', '-')} is {given[name]}, which is for files; leave "
                "it out"
            )


def nothing_on(data: str, split: Split, one: str, row: str) -> InputError:
    """The error of a split without any; one: of what, as "text"; row: what of the file holds it."""
    return InputError(
        f"{data}: no {one} falls to the {split} split; expected at least one, --split all takes every {row}"
    )


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
