"""How exactly kernels multiply: the four arithmetics of float32 calls, and who decides between them.

    arithmetic  a product a b is                                                 it errs by
    float32     one of float32                                                   1e-6
    bf16x6      of a and b in three parts of bfloat16 each: the six largest      4e-7
    bf16x3      of a and b in two parts: the three largest                       4e-6
    bf16        one, of a and b rounded to bfloat16                              2e-3

Every sum of products is in float32, and so is all that is not a product: the cell's equations, its states, biases and
gradients of weights. What a matrix product errs by is a share of its largest number, at 512 terms; what becomes of it
in a layer's results, docs/precision.md says (both `python benchmarks/precision.py`, of AMX's tiles). Calls of
float64 are computed in float64, whatever is asked for. An arithmetic is a permission, as torch's own switch is: where
the processor has no faster unit for bfloat16, kernels multiply in float32, and `explain` says so.

A fifth, int8, is nobody's to ask for but a frozen layer's: `freeze(weights="int8")`.

Of torch's words for `torch.set_float32_matmul_precision`, highest is float32, high is bf16x3 and medium is bf16.

Only the kernels read it. torch's own kernels and the reference multiply as torch does, by torch's switch alone.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal, NamedTuple

import torch

from cellwright.backends.programs import constant_in_programs

Arithmetic = Literal["float32", "bf16", "bf16x3", "bf16x6", "int8"]

_ARITHMETICS: dict[str, Arithmetic] = {
    "highest": "float32",
    "high": "bf16x3",
    "medium": "bf16",
    "float32": "float32",
    "bf16": "bf16",
    "bf16x3": "bf16x3",
    "bf16x6": "bf16x6",
}
# torch's newer switch, one an operation and library, in the words of the older one, which raises where both were used.
_TORCH = {"ieee": "highest", "tf32": "high", "bf16": "medium"}
_switch: Any = getattr(torch._C, "_get_fp32_precision_getter", None)  # since torch 2.9


def arithmetic_of(who: str, word: Any) -> Arithmetic:
    """The arithmetic of one of torch's three words or of its own name; `who` asks in the error.

    Raises ValueError for another word.
    """
    found = _ARITHMETICS.get(word) if isinstance(word, str) else None
    if found is None:
        raise ValueError(f"{who}: the matmul precision is {word!r}; expected one of {', '.join(_ARITHMETICS)}")
    return found


class Decision(NamedTuple):
    """The arithmetic of a call, and what asked for it; None where nothing did."""

    arithmetic: Arithmetic
    asked: str | None


class _Asked(threading.local):
    """The word of `use_matmul_precision` on this thread.

    torch.compile cannot read a ContextVar. It guards this attribute, but not one that is the class's (torch 2.13).
    """

    def __init__(self) -> None:
        self.word: str | None = None


_asked = _Asked()


@contextmanager
def use_matmul_precision(word: str) -> Iterator[None]:
    """Within the block, on this thread, kernels multiply so, those of layers with a `matmul_precision` aside.

    The backward pass of what is computed in the block multiplies so too, wherever it runs.

    Args:
        word: highest, high or medium, as in `torch.set_float32_matmul_precision`; or an arithmetic by its name:
            float32, bf16x6, bf16x3 or bf16. docs/precision.md says what each errs by.

    Raises:
        ValueError: It is no such word.

    Examples:
        >>> import cellwright, torch
        >>> layer, x = cellwright.LSTM(64, 128), torch.randn(100, 32, 64)
        >>> with use_matmul_precision("high"):
        ...     output, (h, c) = layer(x)

    """
    arithmetic_of("use_matmul_precision", word)
    before, _asked.word = _asked.word, word
    try:
        yield
    finally:
        _asked.word = before


def decide(own: str | None, dtype: torch.dtype) -> Decision:
    """The arithmetic of a layer with the `matmul_precision` `own` and parameters of a type.

    In this order: the layer's own; `use_matmul_precision`; autocast; bfloat16 parameters; torch's switch.
    """
    if dtype not in (torch.float32, torch.bfloat16):
        return Decision("float32", None)
    if own is not None:
        return Decision(_ARITHMETICS[own], f"matmul_precision={own!r}")
    if _asked.word is not None:
        return Decision(_ARITHMETICS[_asked.word], f"use_matmul_precision({_asked.word!r})")
    if autocast_to_bfloat16():
        return Decision("bf16", "torch.autocast")
    if dtype == torch.bfloat16:
        return Decision("bf16", "parameters of torch.bfloat16")
    return _of_torch()


def autocast_to_bfloat16() -> bool:
    """Whether torch.autocast is on for the CPU, to bfloat16."""
    return torch.is_autocast_enabled("cpu") and torch.get_autocast_dtype("cpu") == torch.bfloat16


def surrounding(own: str | None) -> tuple[str | None, ...]:
    """All that `decide` goes by beside the type and autocast: where it is the same, the decision is too."""
    return own, _asked.word, *_words_of_torch()


def _words_of_torch() -> tuple[str, str]:
    """What torch's switches say for oneDNN's recurrent layers and for matrix products, in whose words they are set."""
    if _switch:
        return _switch("mkldnn", "rnn"), _switch("mkldnn", "matmul")
    return "", torch.get_float32_matmul_precision()


# A program of torch.compile has what the switch said when it was traced: dynamo can read none of its functions. Of the
# older switch it notices a change from or to highest, and traces anew.
@constant_in_programs
def _of_torch() -> Decision:
    """What torch's own switch says: oneDNN's for recurrent layers where it is set, else the one for matrix products."""
    word = _TORCH.get(_words_of_torch()[0])
    if word is not None:
        return _said_by_torch(word, f"torch.backends' fp32_precision of oneDNN's layers says {word!r}")
    word = _of_products()
    return _said_by_torch(word, f"torch's switch for float32 products says {word!r}")


def _of_products() -> str:
    """What torch's switch says of the products of matrices on the CPU."""
    word = _words_of_torch()[1]
    return _TORCH.get(word, "highest") if _switch else word


@constant_in_programs
def rounds_matrices() -> bool:
    """Whether torch may multiply matrices of float32 on the CPU in fewer bits than they have."""
    return _of_products() != "highest"


def _said_by_torch(word: str, switch: str) -> Decision:
    return Decision(_ARITHMETICS[word], None if word == "highest" else switch)
