"""Simple things about a text that a unit of a language model may keep track of, a number a character.

Karpathy, Johnson and Li 2015, "Visualizing and understanding recurrent networks", found such units by eye.
"""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
BRACKETS = {"(": ")", "[": "]", "{": "}", "（": "）", "【": "】", "《": "》"}
QUOTES = {"“": "”", "「": "」", "『": "』"}
SENTENCE_ENDS = frozenset(".!?。！？")


def features(text: str) -> dict[str, Values]:
    """Each feature's value after each character, (N,) for N characters; in the order of the table below."""
    return {name: np.fromiter(values(text), float, len(text)) for name, values in FEATURES.items()}


def _in_quotes(text: str) -> Iterator[float]:
    """1 between quotation marks; a straight one that a paragraph leaves open ends with it."""
    closing = ""
    for at, here in enumerate(text):
        if closing:
            ends = here == closing or (closing == '"' and text[at - 1 : at + 1] == "\n\n")
            closing = "" if ends else closing
        elif here == '"' or here in QUOTES:
            closing = QUOTES.get(here, '"')
        yield float(bool(closing))


def _depth(text: str) -> Iterator[float]:
    """How many brackets are open; a closing one without its opening one closes nothing."""
    opened: list[str] = []
    for here in text:
        if here in BRACKETS:
            opened.append(BRACKETS[here])
        elif opened and here == opened[-1]:
            opened.pop()
        yield float(len(opened))


def _since(begins: Callable[[str], bool]) -> Callable[[str], Iterator[float]]:
    """Characters since the last that `begins` is true of."""

    def values(text: str) -> Iterator[float]:
        count = 0
        for here in text:
            count = 0 if begins(here) else count + 1
            yield float(count)

    return values


def _where(holds: Callable[[str], bool]) -> Callable[[str], Iterator[float]]:
    """1 at the characters that `holds` is true of."""
    return lambda text: (float(holds(here)) for here in text)


FEATURES: dict[str, Callable[[str], Iterator[float]]] = {
    "in quotation marks": _in_quotes,
    "open brackets": _depth,
    "characters since the line began": _since(lambda here: here == "\n"),
    "characters since the word began": _since(str.isspace),
    "characters since the sentence ended": _since(SENTENCE_ENDS.__contains__),
    "at a capital letter": _where(str.isupper),
    "at a digit": _where(str.isdigit),
    "at white space": _where(str.isspace),
    "at the end of a line": _where("\n".__eq__),
}
