"""Lists of tokens and of tags in JSON lines or Parquet, or texts of them with white space between:

{"tokens": ["fly", "to", "boston"], "tags": ["O", "O", "B-city"], "intent": "flight"}
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from cellwright.data.readers import jsonl, parquet
from cellwright.data.readers.columns import BLANK, FEATURES, OPTIONS, TokenColumns, parted
from cellwright.data.readers.files import in_pieces, lines
from cellwright.data.readers.values import Columns, as_label, is_missing, shown, whole
from cellwright.data.sentences import Features, Sentences
from cellwright.errors import InputError

LABEL = "--sentence-label"


class _Row(NamedTuple):
    """One sentence as it was written; `label` is None where nobody asks for it."""

    line: int
    tokens: object
    tags: object
    label: object
    features: Sequence[object] = ()


def read(path: Path, columns: TokenColumns, encoding: str) -> Iterator[Sentences]:
    """Read the keys "tokens" and "tags" of each line, unless others are asked for."""
    keys = _keys(path, columns)
    for some in in_pieces(jsonl.rows(path, lines(path, encoding))):
        rows = []
        for line, pairs in some:
            where = f"{path}, line {line}"
            label = None if columns.label is None else jsonl.value(pairs, columns.label, where, LABEL)
            tokens, tags = (jsonl.value(pairs, key, where, OPTIONS) for key in keys)
            features = [jsonl.value(pairs, key, where, FEATURES) for key in columns.features]
            rows.append(_Row(line, tokens, tags, label, features))
        yield _sentences(path, columns, rows, "line")


def read_parquet(path: Path, columns: TokenColumns, encoding: str) -> Iterator[Sentences]:
    """Read the columns "tokens" and "tags" of each row, likewise; Parquet is UTF-8 by itself."""
    tokens, tags = _keys(path, columns)
    label = [] if columns.label is None else [Columns(columns.label, None, LABEL)]
    features = [Columns(name, None, FEATURES) for name in columns.features]
    number = 1
    for found in parquet.values_of(path, Columns(tokens, tags, OPTIONS), *label, *features):
        count = len(found[tokens])
        labels = [None] * count if columns.label is None else found[columns.label]
        read = list(zip(*(found[name] for name in columns.features), strict=True)) or [()] * count
        rows = zip(range(number, number + count), found[tokens], found[tags], labels, read, strict=True)
        yield _sentences(path, columns, [_Row(*row) for row in rows], "row")
        number += count


def _keys(path: Path, columns: TokenColumns) -> tuple[str, str]:
    tokens = columns.tokens or "tokens"
    keys = (tokens, columns.tags or "tags" if columns.tagged else tokens)
    if columns.tagged and keys[1] in columns.features:
        raise InputError(
            f"{path}: {keys[1]!r} is the key of the tags, and {FEATURES} names it: what is to be learned would be "
            "told; leave it out"
        )
    if columns.tagged and keys[0] == keys[1]:
        raise InputError(f"{path}: key {keys[0]!r} for both the tokens and the tags; expected two keys")
    return keys


def _sentences(path: Path, columns: TokenColumns, rows: Sequence[_Row], unit: str) -> Sentences:
    keys, found = _keys(path, columns), list[tuple[list[str], list[str], str, list[Features]]]()
    for row in rows:
        where = f"{path}, {unit} {row.line}"
        tokens, tags = _list(row.tokens, keys[0], where, BLANK), _list(row.tags, keys[1], where, None)
        if len(tokens) != len(tags):
            raise InputError(
                f"{where}: {len(tokens)} tokens in {keys[0]!r} and {len(tags)} tags in {keys[1]!r}; expected a tag for "
                "each token"
            )
        features = features_of(columns.features, row.features, len(tokens), where) if columns.features else []
        label = "" if columns.label is None else as_label(row.label, columns.label, where)
        found.append((tokens, tags, label, features))
    return Sentences(
        tokens=[tokens for tokens, _, _, _ in found],
        tags=[tags for _, tags, _, _ in found],
        labels=None if columns.label is None else [label for _, _, label, _ in found],
        lines=[row.line for row in rows],
        source=str(path),
        unit=unit,
        features=[features for _, _, _, features in found] if columns.features else None,
    )


def features_of(keys: Sequence[str], lists: Sequence[object], count: int, where: str) -> list[Features]:
    """The features of `count` tokens: of each column a list of as many strings. Raises InputError, naming `where`."""
    read = [_list(value, key, where, None) for key, value in zip(keys, lists, strict=True)]
    for key, values in zip(keys, read, strict=True):
        if len(values) != count:
            raise InputError(
                f"{where}: {count} tokens and {len(values)} values in {key!r}; expected one for each token"
            )
    return list(zip(*read, strict=True))


def _list(value: object, key: str, where: str, blank: str | None) -> list[str]:
    """Return the strings of a list; `blank` are the characters of which none may consist, None: any white space."""
    if isinstance(value, str):
        return parted(whole(value, key, where))
    if not isinstance(value, list):
        raise InputError(f"{where}: {key!r} holds {shown(value)}; expected a list of strings, or a string")
    for place, item in enumerate(value, start=1):
        if is_missing(item) or (isinstance(item, str) and not item.strip(blank)):
            raise InputError(f"{where}: item {place} of {key!r} is {item!r}; expected a string that is not blank")
    return [whole(item, key, where) if isinstance(item, str) else as_label(item, key, where) for item in value]
