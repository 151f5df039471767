"""A sentence a line, each token with its tag behind a slash: 充满/v 希望/n 的/u 世纪/n.

The last slash of a token parts them, so that 1/2/CD is the token 1/2. A blank line is a sentence of no token.
"""

from collections.abc import Iterator
from pathlib import Path

from cellwright.data.readers.columns import FEATURES, TokenColumns, parted
from cellwright.data.readers.files import in_pieces, lines
from cellwright.data.sentences import Sentences
from cellwright.errors import InputError


def read(path: Path, columns: TokenColumns, encoding: str) -> Iterator[Sentences]:
    """Read a sentence from each line; there are no columns to ask for."""
    asked = {
        "--tokens": columns.tokens,
        "--tags": columns.tags,
        "--sentence-label": columns.label,
        FEATURES: ",".join(columns.features) or None,
    }
    for option, value in asked.items():
        if value is not None:
            raise InputError(f"{path}: lines of token/tag have no columns, and {option} is {value}; leave it out")
    for some in in_pieces(enumerate(lines(path, encoding), start=1)):
        pairs = [[_pair(path, number, word) for word in parted(line)] for number, line in some]
        yield Sentences(
            tokens=[[token for token, _ in sentence] for sentence in pairs],
            tags=[[tag for _, tag in sentence] for sentence in pairs],
            labels=None,
            lines=[number for number, _ in some],
            source=str(path),
        )


def _pair(path: Path, number: int, word: str) -> tuple[str, str]:
    token, _, tag = word.rpartition("/")
    if not token or not tag.strip():
        raise InputError(f"{path}, line {number}: {word!r} is no token with its tag; expected token/tag")
    return token, tag
