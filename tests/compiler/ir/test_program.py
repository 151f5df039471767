"""Programs: what a step becomes, how it is printed, and what the verifier refuses."""

import re

import pytest

from cellwright.cells import CELLS
from cellwright.cells.expression import OPERATIONS, Expression
from cellwright.compiler.codegen.pointwise import EMIT
from cellwright.compiler.ir.program import Node, Program, forward

# The nodes without a line of their own are the leaves: x.o 0, u.o 1, x.f 4, u.f 5, …
LSTM = """\
t2 = x.o + u.o
t3 = σ(t2)
t6 = x.f + u.f
t7 = σ(t6)
t9 = t7 · s.c
t12 = x.i + u.i
t13 = σ(t12)
t16 = x.g + u.g
t17 = tanh(t16)
t18 = t13 · t17
t19 = t9 + t18
t20 = tanh(t19)
t21 = t3 · t20
state.h ← t21
state.c ← t19"""

GRU = """\
t3 = x.z + u.z
t4 = σ(t3)
t5 = 1 − t4
t9 = x.r + u.r
t10 = σ(t9)
t12 = t10 · u.n
t13 = x.n + t12
t14 = tanh(t13)
t15 = t5 · t14
t17 = t4 · s.h
t18 = t15 + t17
state.h ← t18"""


def test_the_lstm_reads_as_mathematics():
    assert str(forward(CELLS["lstm"])) == LSTM


def test_the_gru_reads_as_mathematics():
    assert str(forward(CELLS["gru"])) == GRU


def test_a_choice_and_numbers_read_as_mathematics():
    p = Program()
    a, b = p.input("x.a"), p.input("s.h")
    p.outputs["state.h"] = p.apply("select", p.apply("greater", a, b), p.apply("absolute", a), p.number(-0.5))
    assert str(p).splitlines() == ["t2 = x.a > s.h", "t3 = |x.a|", "t5 = t3 if t2 else -0.5", "state.h ← t5"]


def test_an_output_may_be_an_input():
    p = Program()
    p.outputs["state.h"] = p.input("s.c")
    p.verify()
    assert str(p) == "state.h ← s.c"


def test_equal_operations_are_one_node():
    p = Program()
    a, b = p.input("x.a"), p.input("u.a")
    assert p.input("x.a") == a
    first = p.apply("add", a, b, line=3)
    assert p.apply("add", a, b, line=9) == first  # wherever they were written
    assert p.apply("add", b, a) != first  # floating addition of NaN tells its operands apart
    assert p.number(1.0) == p.number(1)
    assert len(p.nodes) == 5


def test_what_two_states_share_is_computed_once():
    """slstm: i and f serve c and n; the third exponential is that of log_sigmoid."""
    assert [node.op for node in forward(CELLS["slstm"]).nodes].count("exp") == 3


def test_small_whole_powers_are_products():
    a = Expression("input", name="x.a")
    for exponent, lines in {
        2: ["t2 = x.a · x.a"],
        3: ["t2 = x.a · x.a", "t3 = t2 · x.a"],
        4: ["t2 = x.a · x.a", "t3 = t2 · t2"],
        5: ["t2 = x.a^5"],
        0.5: ["t2 = x.a^0.5"],
    }.items():
        p = Program()
        p.outputs["state.h"] = p.add(a**exponent, {})
        assert str(p).splitlines() == [*lines, f"state.h ← {lines[-1][:2]}"]


def test_what_only_a_gradient_reads_is_not_needed():
    p = Program()
    y = p.apply("straight_through", p.input("x.a"), p.apply("tanh", p.input("x.b")))
    p.outputs["state.h"] = y
    p.verify()
    assert p.inputs() == ["x.a"]


def test_copies_grow_apart():
    p = Program()
    p.input("x.a")
    q = p.copy()
    q.outputs["state.h"] = q.apply("tanh", q.input("x.a"))
    assert len(p.nodes) == 1
    assert not p.outputs


def test_the_inputs_are_those_that_outputs_need():
    p = Program()
    p.input("x.unused")
    p.outputs["state.h"] = p.apply("add", p.input("u.a"), p.apply("mean", p.input("x.a")))
    assert p.inputs() == ["u.a", "x.a"]
    assert p.needed([p.input("u.a")]) == {p.input("u.a")}


def test_numbers_means_and_what_is_made_of_them_are_one_a_row():
    p = Program()
    unit, row, number = p.input("x.a"), p.input("row.0"), p.number(2.0)
    mean = p.apply("mean", unit)
    of_rows = p.apply("add", p.apply("multiply", mean, number), row)
    mixed = p.apply("add", of_rows, unit)
    found = p.per_row()
    assert [found[i] for i in (unit, row, number, mean, of_rows, mixed)] == [False, True, True, True, True, False]


# --- the verifier --------------------------------------------------------------------------------------
def _program(*nodes: Node, **outputs: int) -> Program:
    return Program([Node("input", name="x.a"), Node("input", name="u.a"), *nodes], outputs)


MALFORMED = {
    "node 2 (cosine): no such operation": _program(Node("cosine", (0,))),
    "node 2 (add): uses a later node": _program(Node("add", (0, 3)), Node("tanh", (0,))),
    "node 2 (tanh): uses a later node": _program(Node("tanh", (2,))),
    "node 2 (negate): uses a later node": _program(Node("negate", (-1,))),
    "node 2 (add): 1 operands, not 2": _program(Node("add", (0,))),
    "node 2 (input): 1 operands, not 0": _program(Node("input", (0,), name="s.h")),
    "node 2 (tanh): 2 operands, not 1": _program(Node("tanh", (0, 1))),
    "node 3 (mean): of one number a row": _program(Node("mean", (0,)), Node("mean", (2,))),
    "node 3 (amax): of one number a row": _program(Node("sum", (0,)), Node("amax", (2,))),
    "node 3 (add): operand 1 is a comparison": _program(Node("greater", (0, 1)), Node("add", (0, 2))),
    "node 2 (select): operand 0 is no comparison": _program(Node("select", (0, 0, 1))),
    "node 3 (select): operand 1 is a comparison": _program(Node("greater", (0, 1)), Node("select", (2, 2, 1))),
    "output state.h: there is no node 7": _program(**{"state.h": 7}),
    "output state.h: there is no node -1": _program(**{"state.h": -1}),
    "output state.h: a truth value": _program(Node("greater", (0, 1)), **{"state.h": 2}),
}


@pytest.mark.parametrize("message", MALFORMED)
def test_the_verifier_refuses(message):
    with pytest.raises(AssertionError, match=re.escape(message)):
        MALFORMED[message].verify()


@pytest.mark.parametrize("name", CELLS)
def test_the_verifier_passes_every_cell(name):
    program = forward(CELLS[name])
    program.verify()
    beside = set(CELLS[name].outputs) - set(CELLS[name].states)
    results = {f"state.{s}" for s in CELLS[name].states} | {f"out.{o}" for o in beside}
    assert set(program.outputs) == results | {f"operand.{k}" for k in range(len(CELLS[name].trace.products))}
    assert set(program.inputs()) == CELLS[name].reads


def test_every_operation_has_vector_code():
    assert set(EMIT) == {name for name, row in OPERATIONS.items() if not row.reduces}
