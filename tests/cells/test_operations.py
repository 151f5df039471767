"""One table of operations, and every other table that needs a row for each of them."""

import inspect

import pytest

from cellwright.backends import reference
from cellwright.cells import language
from cellwright.cells.advice import offer
from cellwright.cells.expression import Expression
from cellwright.cells.formulas import Latex
from cellwright.cells.operations import OPERATIONS
from cellwright.cells.trace import ordered
from cellwright.compiler.codegen import pointwise
from cellwright.compiler.ir import autodiff, interpret
from cellwright.compiler.ir.remat import COSTLY
from cellwright.onnx import operations as onnx_operations

A, B = Expression("input", name="x.a"), Expression("input", name="x.b")
WORDS = {name: word for name, word in vars(language).items() if inspect.isfunction(word) and name[0] != "_"}
WORDS = {name: word for name, word in WORDS.items() if word.__module__ == language.__name__}


def _of_words():
    """What the words and the signs of the language write down."""
    given = {"select": (A > B, A, B)} | dict.fromkeys(("maximum", "minimum", "power", "straight_through"), (A, B))
    written = [word(*given.get(name, (A,))) for name, word in WORDS.items() if name != "constant"]
    return {e.op for e in ordered([*written, A + B, A - B, A * B, A / B, -A, abs(A), A > B])} - {"input", "number"}


def _of_torch():
    """What torch's functions write down, those that the reference computes with: the methods of an expression."""
    operands = {1: (A,), 2: (A, B), 3: (A > B, A, B)}
    return {function(*operands[OPERATIONS[name].arity]).op for name, function in reference._EVALUATE.items()}


REDUCED = {name for name, row in OPERATIONS.items() if row.reduces}
TABLES = {
    "cells/language.py": _of_words(),
    "cells/expression.py": _of_torch(),
    "cells/formulas.py, in LaTeX": {name for name, row in Latex.operations.items() if row.written.isascii()},
    "backends/reference.py": set(reference._EVALUATE),
    "compiler/ir/autodiff.py": set(autodiff.RULES),
    "compiler/ir/interpret.py": set(interpret._EVALUATE),
    "compiler/codegen/pointwise.py, which has a pass for what reduces": set(pointwise.EMIT) | REDUCED,
    "onnx/operations.py": set(onnx_operations.OPERATIONS),
}


@pytest.mark.parametrize("table", TABLES)
def test_every_operation_stands_in(table):
    assert TABLES[table] == set(OPERATIONS)


@pytest.mark.parametrize("name", OPERATIONS)
def test_torch_s_function_writes_down_the_operation_that_it_computes(name):
    operands = {1: (A,), 2: (A, B), 3: (A > B, A, B)}[OPERATIONS[name].arity]
    written = reference._EVALUATE[name](*operands)
    assert (written.op, written.operands) == (name, operands)


def test_what_is_costly_is_an_operation():
    assert set(OPERATIONS) > COSTLY > REDUCED


def test_every_word_is_offered():
    offered = offer().replace(",", "").split()
    assert [word for word in WORDS if word not in offered] == []
