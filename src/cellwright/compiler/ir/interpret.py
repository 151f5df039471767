"""A program, interpreted in numpy: what its compiled form is tested against."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellwright.compiler.ir.program import Program

Array = NDArray[Any]

_EVALUATE: dict[str, Callable[..., Array]] = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
    "negate": np.negative,
    "minimum": np.minimum,
    "maximum": np.maximum,
    "sigmoid": lambda a: 1 / (1 + np.exp(-a)),
    "tanh": np.tanh,
    "relu": lambda a: np.maximum(a, 0),
    "exp": np.exp,
    "log": np.log,
    "log1p": np.log1p,
    "sqrt": np.sqrt,
    "absolute": np.abs,
    "greater": np.greater,
    "select": np.where,
    "mean": lambda a: np.mean(a, -1, keepdims=True),
}


def interpret(program: Program, inputs: Mapping[str, Array]) -> dict[str, Array]:
    """The outputs of a program for inputs (batch, hidden); what is one number a row has shape (batch, 1)."""
    values: list[Array] = []
    for node in program.nodes:
        if node.op == "input":
            values.append(np.asarray(inputs[node.name]) if node.name in inputs else np.asarray(np.nan))
        elif node.op == "number":
            values.append(np.asarray(node.number))
        else:
            values.append(_EVALUATE[node.op](*(values[o] for o in node.operands)))
    return {name: values[index] for name, index in program.outputs.items()}
