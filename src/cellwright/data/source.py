"""What a user names as DATA: a built-in set, a file, or several."""

from functools import partial

from cellwright.data import datasets
from cellwright.data.datasets.dataset import TEXTS
from cellwright.data.hash_split import split_table, unlearnable, with_text
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
) -> Splits[Table]:
    """Return "train", "validation" and "test" of a built-in set, of a file, or of several.

    A built-in name means the set, whatever lies in the working folder: a run folder called `reviews-zh` must
    not change what `fit reviews-zh` does. `./reviews-zh` means the file. The arguments after `data` say nothing
    about a built-in set; those before `splits` are those of `readers.read`. A file for validation or test is taken
    whole, but for rows without text, and for those without a label where `labels` says so.

    Raises:
        InputError: neither a set nor a file, or a file that is not as expected.

    """
    if data in datasets.names():
        built_in: Splits[Table] = datasets.load(data)
        return built_in
    labelled = [name for name in datasets.names(TEXTS) if datasets.describe(name).labels]
    files_of(data, FORMATS, labelled if label else datasets.names(TEXTS))
    options = splits or SplitOptions()
    found = open_splits(data, kind_of(text, label, how, labels), options)
    found.notes += unlearnable({split: found[split] for split in ("train", *options.files)})
    return found


def kind_of(text: str, label: str | None, how: ReadOptions | None, labels: LabelOptions | None = None) -> Kind[Table]:
    """Return how tables of these columns are read, split, and told apart, white space at the ends of texts aside."""
    options = labels or LabelOptions()

    def whole(path: str) -> tuple[Table, list[str]]:
        table = read(path, text=text, label=label, how=how)
        if label is None:
            return table, table.notes
        kept, notes = labelled(table, label, options)
        return kept, [*table.notes, *notes]

    share_out = partial(split_table, duplicates=options.duplicates)
    return Kind(whole, share_out, lambda table: [each.strip() for each in table.texts], "text", with_text)
