"""Lists of tokens and of tags in JSON lines or Parquet, or texts of them with white space between:

{"tokens": ["fly", "to", "boston"], "tags": ["O", "O", "B-city"], "intent": "flight"}
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from cellwright.data.readers import jsonl, parquet
from cellwright.data.readers.columns import BLANK, FEATURES, OPTIONS, TokenColumns, parted
from cellwright.data.readers.files import lines
from cellwright.data.readers.values import Columns, as_label, shown, whole
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


def read(path: Path, columns: TokenColumns, encoding: str) -> Sentences:
    """Read the keys "tokens" and "tags" of each line, unless others are asked for."""
    keys = _keys(path, columns)
    rows = []
    for line, pairs in jsonl.rows(path, lines(path, encoding)):
        where = f"{path}, line {line}"
        label = None if columns.label is None else jsonl.value(pairs, columns.label, where, LABEL)
        tokens, tags = (jsonl.value(pairs, key, where, OPTIONS) for key in keys)
        features = [jsonl.value(pairs, key, where, FEATURES) for key in columns.features]
        rows.append(_Row(line, tokens, tags, label, features))
    return _sentences(path, columns, rows, "line")


def read_parquet(path: Path, columns: TokenColumns, encoding: str) -> Sentences:
    """Read the columns "tokens" and "tags" of each row, likewise; Parquet is UTF-8 by itself."""
    tokens, tags = _keys(path, columns)
    found = parquet.values_of(path, Columns(tokens, tags, OPTIONS))
    labels: Sequence[object] = [None] * len(found[tokens])
    if columns.label is not None:
        labels = parquet.values_of(path, Columns(columns.label, None, LABEL))[columns.label]
    read = [parquet.values_of(path, Columns(name, None, FEATURES))[name] for name in columns.features]
    features: Sequence[Sequence[object]] = list(zip(*read, strict=True)) or [()] * len(found[tokens])
    rows = zip(found[tokens], found[tags], labels, features, strict=True)
    numbered = [_Row(number, *row) for number, row in enumerate(rows, start=1)]
    return _sentences(path, columns, numbered, "row")


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
    keys = _keys(path, columns)
    lines: list[int | str] = []
    sentences = Sentences(
        [], [], None if columns.label is None else [], lines, str(path), unit, [] if columns.features else None
    )
    for row in rows:
        where = f"{path}, {unit} {row.line}"
        tokens, tags = _list(row.tokens, keys[0], where, BLANK), _list(row.tags, keys[1], where, None)
        if len(tokens) != len(tags):
            raise InputError(
                f"{where}: {len(tokens)} tokens in {keys[0]!r} and {len(tags)} tags in {keys[1]!r}; expected a tag for "
                "each token"
            )
        if sentences.features is not None:
            sentences.features.append(features_of(columns.features, row.features, len(tokens), where))
        sentences.tokens.append(tokens)
        sentences.tags.append(tags)
        lines.append(row.line)
        if columns.label is not None and sentences.labels is not None:
            sentences.labels.append(as_label(row.label, columns.label, where))
    return sentences


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
        if item is None or (isinstance(item, str) and not item.strip(blank)):
            raise InputError(f"{where}: item {place} of {key!r} is {item!r}; expected a string that is not blank")
    return [whole(item, key, where) if isinstance(item, str) else as_label(item, key, where) for item in value]
