"""What a text of a pair consists of: characters, or tokens between white space; behind a source, features.

walk +V +PST    the characters of walk, and two features: what is asked of the target
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal

Kind = Literal["characters", "tokens"]
_FEATURES = re.compile(r"(\s+\+\S+)+\s*$")
_BETWEEN_FEATURES = re.compile(r"[;|,+\s]+")


def usual_kind(texts: Iterable[str]) -> Kind:
    """Tokens where most of the texts have white space inside, else characters."""
    return "tokens" if _most(len(text.split()) > 1 for text in texts) else "characters"


def tokenize(text: str, kind: str) -> list[str]:
    """Return the symbols of a text, in Unicode's composed form as the tokenizer reads it."""
    composed = unicodedata.normalize("NFC", text)
    return composed.split() if kind == "tokens" else list(composed)


def joined(symbols: Sequence[str], kind: str) -> str:
    """Return the text of symbols."""
    return (" " if kind == "tokens" else "").join(symbols)


def with_features(source: str, features: str) -> str:
    """Return a source with the features of a cell behind it: V;PST, V|PST, V,PST, V PST and +V+PST are all +V +PST."""
    return source + behind(features)


def behind(features: str) -> str:
    """Return what the features of a cell put behind their source."""
    return "".join(f" +{each}" for each in _BETWEEN_FEATURES.split(features) if each)


def without_features(source: str) -> str:
    """Return a source without the features behind it."""
    return _FEATURES.sub("", source)


def have_features(sources: Iterable[str]) -> bool:
    """Whether most of the sources have a feature behind them."""
    return _most(without_features(source) != source.rstrip() for source in sources)


def _most(holds: Iterable[bool]) -> bool:
    """Whether it holds more often than not."""
    counts = Counter(holds)
    return counts[True] > counts[False]
