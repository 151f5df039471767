"""What scikit-learn's users call X and y where words have tags, as the sentences that models learn from."""

from collections.abc import Mapping, Sequence, Set
from typing import Any

import numpy as np

from cellwright.data.readers.token_lists import features_of
from cellwright.data.readers.values import shown
from cellwright.data.sentences import Featured, Words
from cellwright.sklearn.classes import check_count, check_y

TOKENS = "tokens"
"""Column of a DataFrame where nobody names another, as in JSON lines."""


def sentences_of(X: Any, tokens: str | None, features: Sequence[str]) -> list[Words]:
    """Each sentence as its words, with their features where there are some.

    Args:
        X: a list of lists of words, of (word, feature, …) where there are features; or a DataFrame whose cells hold
            such lists, of words and of each feature by itself.
        tokens: the column of the words; None: TOKENS.
        features: names of the features, in the order in which they stand behind a word; columns of a DataFrame.

    Raises ValueError or InputError for what is none, and for a sentence without any word.

    """
    if isinstance(X, str) or not hasattr(X, "__len__"):
        raise ValueError(f"X is {type(X).__name__}; expected a list of lists of words")
    framed = hasattr(X, "columns") and hasattr(X, "iloc")
    rows = _framed(X, tokens or TOKENS, features) if framed else _listed(X, features)
    read = [_words(words, f"X, row {row}") for row, (words, _) in enumerate(rows)]
    if not features:
        return list(read)
    each = enumerate(zip(read, rows, strict=True))
    return [Featured(w, features_of(features, told, len(w), f"X, row {row}")) for row, (w, (_, told)) in each]


def _items(sentence: Any, where: str) -> list[Any]:
    """What a sentence holds, one thing at least. Raises ValueError for what is no list, nor like one."""
    if (
        isinstance(sentence, (str, Mapping, Set))
        or not hasattr(sentence, "__iter__")
        or getattr(sentence, "ndim", 1) == 0
    ):
        cut = ": cut it first" if isinstance(sentence, str) else ""
        raise ValueError(f"{where}: is {shown(sentence)}; expected a list of words{cut}")
    found = _as_list(sentence)
    if not found:
        raise ValueError(f"{where}: has no word; expected a list of one at least")
    return list(found)


def _words(sentence: Any, where: str) -> list[str]:
    """A sentence's words. Raises ValueError."""
    words = _items(sentence, where)
    for place, word in enumerate(words):
        if not isinstance(word, str):
            raise ValueError(f"{where}, word {place}: is {shown(word)}; expected a string")
    return [str(word) for word in words]


def check_tags(tokens: Sequence[Words], y: Any) -> None:
    """Raise ValueError where y has not a tag for each word."""
    check_y(y)
    check_count(y, len(tokens))
    for row, (words, tags) in enumerate(zip(tokens, y, strict=True)):
        if isinstance(tags, str) or not hasattr(tags, "__len__"):
            raise ValueError(f"y, row {row}: is {type(tags).__name__} {str(tags)[:40]!r}; expected a list of tags")
        if len(words) != len(tags):
            raise ValueError(f"X, row {row}: {len(words)} words, and y has {len(tags)} tags; expected as many")


def _framed(X: Any, tokens: str, features: Sequence[str]) -> list[tuple[Any, list[object]]]:
    """The words of each row of a DataFrame, and of each feature a list."""
    for name in (tokens, *features):
        if (count := list(X.columns).count(name)) != 1:
            raise ValueError(
                f"X has {count} columns {name!r}; expected one: the columns are {list(X.columns)}, and tokens= and "
                "feature_columns= name those that are read"
            )
    cells = [[_as_list(cell) for cell in X[name]] for name in (tokens, *features)]
    rows = [(words, told) for words, *told in zip(*cells, strict=True)]
    for row, (_, told) in enumerate(rows):
        for name, cell in zip(features, told, strict=True):
            if not isinstance(cell, list):
                raise ValueError(f"X, row {row}: {name!r} holds {shown(cell)}; expected a list, an item for each word")
    return rows


def _listed(X: Any, features: Sequence[str]) -> list[tuple[Any, list[object]]]:
    """The same of a list of sentences, of which each is a list."""
    rows = list(X)
    if not features:
        return [(each, []) for each in rows]
    found = list[tuple[Any, list[object]]]()
    for row, each in enumerate(rows):
        words = _items(each, f"X, row {row}")
        for place, word in enumerate(words):
            if not isinstance(word, (list, tuple)) or len(word) != 1 + len(features):
                raise ValueError(
                    f"X, row {row}, word {place}: is {str(word)[:60]!r}; expected the word and {len(features)} of its "
                    f"features behind it, {', '.join(features)}, as feature_columns names them"
                )
        columns = [list(column) for column in zip(*words, strict=True)]
        found.append((columns[0], list(columns[1:])))
    return found


def _as_list(cell: Any) -> Any:
    """Items of an array, a column or a tuple as a list, numbers as Python's; anything else as it is."""
    if hasattr(cell, "__array__"):
        return np.asarray(cell).tolist()
    return list(cell) if isinstance(cell, tuple) else cell
