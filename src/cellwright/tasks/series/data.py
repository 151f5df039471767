"""The series of a run: a built-in set, a file, or three files, and whether they can be learned from."""

from cellwright.data import datasets
from cellwright.data.series import SERIES, SeriesTable, cut_series, split_series
from cellwright.data.splits import SPLITS, Given, SplitOptions, Splits
from cellwright.errors import InputError
from cellwright.tasks.series.config import Columns, FileOptions, SeriesConfig
from cellwright.tasks.series.covariates import arranged, until_targets
from cellwright.tasks.series.files import as_learned, one_file, read_file
from cellwright.tasks.series.objectives import spec_of
from cellwright.tasks.splits import refuse_for_a_set

OF_FILES = {
    name: SeriesConfig.model_fields[name].default
    for name in (*SplitOptions._fields, "format", *Columns.model_fields, *FileOptions.model_fields)
}
"""Options that say how files are read, and nothing of a built-in set; each with its default."""
FEW = 10
"""Series fewer than this are cut in time to find anomalies: no split could do with one or two of them."""


def load_splits(config: SeriesConfig, given: Given[SeriesTable] | None = None) -> Splits[SeriesTable]:
    """Return "train", "validation" and "test" without what has nothing to learn from.

    given: series in memory, in place of DATA; whose labels are known is not asked for more.

    Raises InputError for files that are not as expected, an empty split, labels or values that the objective cannot
    use.
    """
    splits = _open(config) if given is None else given.splits
    if given is None or not given.labels:
        spec_of(config).refine(config, splits)
    return splits


def _open(config: SeriesConfig) -> Splits[SeriesTable]:
    """Return "train", "validation" and "test". Raises InputError for files that are not as expected, an empty split."""
    if config.data in datasets.names():
        refuse_for_a_set(config.data, config.model_dump(), OF_FILES)
        found: Splits[SeriesTable] = datasets.load(config.data, SERIES)
        splits = Splits({split: arranged(table, config) for split, table in found.items()}, list(found.notes))
    else:
        splits = _cut(config, arranged(read_file(config, one_file(config.data, datasets.names(SERIES))), config))
    for split in SPLITS:
        if split not in splits.without:
            _check(config, splits, split)
        splits[split] = as_learned(splits[split], splits["train"].channels, splits["train"].roles, config.fill)
        splits.notes += [note for note in splits[split].notes if note not in splits.notes]
    return splits


def _cut(config: SeriesConfig, table: SeriesTable) -> Splits[SeriesTable]:
    """Take the splits that have no file of their own from the table."""
    options = SplitOptions.of(config.model_dump())
    shares = options.shares()
    in_time = config.objective in ("forecast", "simulate") or (config.objective == "anomaly" and len(table) < FEW)
    splits = (cut_series if in_time else split_series)(table, **shares)
    splits.without = options.without()
    if in_time and (held := [split for split in reversed(SPLITS) if shares.get(split)]):
        before = ", those before the validation" if len(held) > 1 else ""
        splits.notes.append(f"each series is cut in time: its last steps are the {held[0]} split{before}")
    for split, file in options.files.items():
        other = read_file(config, one_file(file), config.reading_like(table.channels))
        splits[split] = until_targets(as_learned(other, table.channels, table.roles, config.fill))
    return splits


def _check(config: SeriesConfig, splits: Splits[SeriesTable], split: str) -> None:
    table = splits[split]
    if not len(table):
        counts = ", ".join(f"{name} {len(each)}" for name, each in splits.items())
        raise InputError(
            f"{config.data}: no series falls to the {split} split ({counts}); each one's hash decides, or with "
            "forecast and simulate its length: give more, or files of their own with --validation and --test, or a "
            "share of 0 for none"
        )
