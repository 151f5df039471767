"""What a user names as DATA: a built-in set, a file, or several."""

from functools import partial

from cellwright.data import datasets
from cellwright.data.arrays import MEMORY
from cellwright.data.cache import Caching
from cellwright.data.datasets.dataset import TEXTS
from cellwright.data.hash_split import among, split_table, unlearnable, with_text
from cellwright.data.labels import LabelOptions, labelled
from cellwright.data.readers import FORMATS, read
from cellwright.data.readers.options import ReadOptions
from cellwright.data.readers.several import files_of
from cellwright.data.splits import Kind, SplitOptions, Splits, open_splits
from cellwright.data.table import LABEL, TEXT, Table


def open_source(
    data: str,
    *,
    text: str = TEXT,
    label: str | None = LABEL,
    how: ReadOptions | None = None,
    splits: SplitOptions | None = None,
    labels: LabelOptions | None = None,
    cache: Caching | None = None,
) -> Splits[Table]:
    """Return "train", "validation" and "test" of a built-in set, of a file, or of several.

    A built-in name means the set, whatever lies in the working folder: a run folder called `reviews-zh` must
    not change what `fit reviews-zh` does. `./reviews-zh` means the file. The arguments after `data` say nothing
    about a built-in set; those before `splits` are those of `readers.read`. A file for validation or test is taken
    whole, but for rows without text, and for those without a label where `labels` says so. `cache` as of `kind_of`.

    Raises:
        InputError: neither a set nor a file, or a file that is not as expected.

    Many arguments: what a user says of files.

    """
    if data in datasets.names():
        built_in: Splits[Table] = datasets.load(data)
        return built_in
    labelled = [name for name in datasets.names(TEXTS) if datasets.describe(name).labels]
    files_of(data, FORMATS, labelled if label else datasets.names(TEXTS))
    options = splits or SplitOptions()
    found = open_splits(data, kind_of(text, label, how, labels, cache), options)
    found.notes += unlearnable({split: found[split] for split in ("train", *options.files)})
    return found


def kind_of(
    text: str,
    label: str | None,
    how: ReadOptions | None,
    labels: LabelOptions | None = None,
    cache: Caching | None = None,
) -> Kind[Table]:
    """Return how tables of these columns are read, split, and told apart, white space at the ends of texts aside.

    cache: which of them do not lie in memory; None: none.
    """
    options = labels or LabelOptions()

    def whole(path: str) -> tuple[Table, list[str]]:
        store = cache.store(files_of(path, FORMATS)) if cache else MEMORY
        table = read(path, text=text, label=label, how=how, store=store)
        if label is None:
            return table, table.notes
        kept, notes = labelled(table, label, options)
        return kept, [*table.notes, *notes]

    return Kind(whole, partial(split_table, duplicates=options.duplicates), among, "text", with_text)
