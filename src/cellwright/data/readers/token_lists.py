"""JSON lines with a list of tokens and a list of tags, or texts of them with white space between:

{"tokens": ["fly", "to", "boston"], "tags": ["O", "O", "B-city"], "intent": "flight"}
"""

from pathlib import Path

from cellwright.data.readers import jsonl
from cellwright.data.readers.columns import OPTIONS, Asked
from cellwright.data.readers.files import decoded
from cellwright.data.readers.values import as_label, shown, whole
from cellwright.data.sentences import Sentences
from cellwright.errors import InputError


def read(path: Path, asked: Asked, encoding: str) -> Sentences:
    """Read the keys "tokens" and "tags" of each line, unless others are asked for."""
    keys = (asked.tokens or "tokens", asked.tags or "tags")
    if keys[0] == keys[1]:
        raise InputError(f"{path}: key {keys[0]!r} for both the tokens and the tags; expected two keys")
    rows = jsonl.rows(path, decoded(path, encoding))
    tokens, tags = ([_list(path, row, key) for row in rows] for key in keys)
    for (line, _), left, right in zip(rows, tokens, tags, strict=True):
        if len(left) != len(right):
            raise InputError(
                f"{path}, line {line}: {len(left)} tokens in {keys[0]!r} and {len(right)} tags in {keys[1]!r}; "
                "expected a tag for each token"
            )
    return Sentences(
        tokens=tokens,
        tags=tags,
        labels=None if asked.label is None else [_label(path, row, asked.label) for row in rows],
        lines=[line for line, _ in rows],
        source=str(path),
    )


def _list(path: Path, row: jsonl.Row, key: str) -> list[str]:
    where = f"{path}, line {row[0]}"
    value = jsonl.value(row[1], key, where, OPTIONS)
    if isinstance(value, str):
        return whole(value, key, where).split()
    if not isinstance(value, list):
        raise InputError(f"{where}: {key!r} holds {shown(value)}; expected a list of strings, or a string")
    for place, item in enumerate(value, start=1):
        if item is None or (isinstance(item, str) and not item.strip()):
            raise InputError(f"{where}: item {place} of {key!r} is {item!r}; expected a string that is not blank")
    return [as_label(item, key, where) for item in value]


def _label(path: Path, row: jsonl.Row, key: str) -> str:
    where = f"{path}, line {row[0]}"
    return as_label(jsonl.value(row[1], key, where, "--also-classify"), key, where)
