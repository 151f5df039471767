"""Embedded Reber strings: the last symbol but one repeats the second, whatever stands in between."""

from functools import cache

import numpy as np
import torch
from torch import Tensor

SYMBOLS = "BTPSXVE"
"""A token is a place in this list."""
GRAMMAR = {
    0: (("B", 1),),
    1: (("T", 2), ("P", 3)),
    2: (("S", 2), ("X", 4)),
    3: (("T", 3), ("V", 5)),
    4: (("X", 3), ("S", 6)),
    5: (("P", 4), ("V", 6)),
    6: (("E", 7),),
}
"""Reber's automaton: at each node the symbols that may follow and where they lead, each as likely as the other."""
_END = 7


def embedded_reber(count: int, inner: int, seed: int) -> Tensor:
    """Draw strings B a … a E, where a is T or P and … is a string of Reber's grammar of `inner` symbols.

    Fahlman 1991, "The recurrent cascade-correlation architecture"; Hochreiter and Schmidhuber 1997, experiment 1. There
    the inner string ends by chance; here its length is given, and strings are as likely as among those of that length.

    Args:
        count: B, strings.
        inner: symbols between the two that agree, at least 5.
        seed: from 0 on.

    Returns:
        Tokens (B, inner + 4) int64.

    Raises:
        ValueError: no string is as short as that.

    """
    if _likelihood(0, inner) == 0:
        raise ValueError(f"embedded_reber: {inner} inner symbols; a string of Reber's grammar has at least 5")
    random = np.random.default_rng(seed)
    strings = []
    for _ in range(count):
        outer = "TP"[random.integers(2)]
        strings.append(["B", outer, *_string(inner, random), outer, "E"])
    return torch.tensor([[SYMBOLS.index(symbol) for symbol in string] for string in strings]).reshape(count, inner + 4)


def _string(length: int, random: np.random.Generator) -> list[str]:
    """One string of Reber's grammar of that length."""
    node, symbols = 0, []
    for left, draw in zip(range(length - 1, -1, -1), random.random(length).tolist(), strict=True):
        first, *others = (_likelihood(target, left) for _, target in GRAMMAR[node])
        symbol, node = GRAMMAR[node][int(draw * (first + sum(others)) >= first)]
        symbols.append(symbol)
    return symbols


@cache
def _likelihood(node: int, left: int) -> float:
    """The chance to come from `node` to the end in exactly `left` symbols."""
    if node == _END or left == 0:
        return float(node == _END and left == 0)
    return sum(_likelihood(target, left - 1) for _, target in GRAMMAR[node]) / len(GRAMMAR[node])
