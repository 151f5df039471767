"""What a user names as DATA of pairs: a built-in set or a file with two columns.

sides = open_pairs("words.csv", source="word", target="pronunciation")
sides["train"].sources[0], sides["train"].targets[0]    # "read", ("R EH D", "R IY D")
"""

from cellwright.data import datasets
from cellwright.data.pairs import PAIRS, Pairs, gather, split_pairs
from cellwright.data.readers import format_of, read_columns
from cellwright.data.readers.files import existing
from cellwright.data.readers.values import Columns
from cellwright.data.split import Parted
from cellwright.errors import InputError


def open_pairs(
    data: str, *, source: str, target: str, encoding: str = "utf-8", format: str | None = None
) -> Parted[Pairs]:
    """Return "train", "validation" and "test" of a built-in set of pairs or of a file, as `data.source` does for texts.

    Raises:
        InputError: neither a set nor a file, a set of something else, or a file that is not as expected.

    """
    if data in datasets.names():
        sides: Parted[Pairs] = datasets.load(data, PAIRS)
        return sides
    existing(data, built_in=datasets.names(PAIRS))
    pairs, notes = read_pairs(data, source=source, target=target, encoding=encoding, format=format)
    return split_pairs(pairs, notes)


def read_pairs(
    path: str, *, source: str, target: str, encoding: str = "utf-8", format: str | None = None
) -> tuple[Pairs, list[str]]:
    """Read the pairs of a file, and say in sentences which rows were left out; see `gather`.

    Raises:
        InputError: the file, a row or a value is not as expected, or no pair is left.

    """
    columns = Columns(source, target, "--source and --target", optional=True)
    if format_of(existing(path), format) == "plain":
        raise InputError(
            f"{path}: plain text has no two columns; expected CSV, TSV, JSONL or Parquet with {source!r} and {target!r}"
        )
    return gather(read_columns(path, columns, encoding=encoding, format=format))
