"""What a text of a pair consists of: characters, or tokens between white space."""

import unicodedata
from collections.abc import Sequence
from typing import Literal

Kind = Literal["characters", "tokens"]


def usual_kind(texts: Sequence[str]) -> Kind:
    """Tokens where most of the texts have white space inside, else characters."""
    spaced = sum(len(text.split()) > 1 for text in texts)
    return "tokens" if 2 * spaced > len(texts) else "characters"


def cut(text: str, kind: str) -> list[str]:
    """Return the symbols of a text, in Unicode's composed form as the tokenizer reads it."""
    composed = unicodedata.normalize("NFC", text)
    return composed.split() if kind == "tokens" else list(composed)


def joined(symbols: Sequence[str], kind: str) -> str:
    """Return the text of symbols."""
    return (" " if kind == "tokens" else "").join(symbols)
