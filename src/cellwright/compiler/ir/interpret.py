"""A program, interpreted in numpy: what its compiled form is tested against."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellwright.cells.operations import OPERATIONS
from cellwright.compiler.ir.program import Program

Array = NDArray[Any]

_EVALUATE: dict[str, Callable[..., Array]] = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
    "power": np.power,
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
    "sin": np.sin,
    "cos": np.cos,
    "atan": np.arctan,
    "absolute": np.abs,
    "floor": np.floor,
    "greater": np.greater,
    "select": np.where,
    "mean": lambda a: np.mean(a, -1, keepdims=True),
    "sum": lambda a: np.sum(a, -1, keepdims=True),
    "amax": lambda a: np.amax(a, -1, keepdims=True),
    "straight_through": lambda a, b: np.broadcast_arrays(a, b)[0],
}


def interpret(program: Program, inputs: Mapping[str, Array]) -> dict[str, Array]:
    """The outputs of a program for inputs (batch, hidden); what is one number a row has shape (batch, 1)."""
    values: list[Array] = []
    units = max((np.shape(value)[-1] for value in inputs.values()), default=1)
    for node in program.nodes:
        if node.op == "input":
            values.append(np.asarray(inputs[node.name]) if node.name in inputs else np.asarray(np.nan))
        elif node.op == "number":
            values.append(np.asarray(node.number))
        else:
            operands = [values[o] for o in node.operands]
            if OPERATIONS[node.op].reduces:
                operands = [np.broadcast_to(a, (*a.shape[:-1], units)) for a in operands]
            values.append(_EVALUATE[node.op](*operands))
    return {name: values[index] for name, index in program.outputs.items()}
