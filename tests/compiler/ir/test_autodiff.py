"""Derivatives: each rule alone against finite differences, kinks from both sides, every cell against autograd."""

import numpy as np
import pytest
import torch

from agreement import assert_agree
from calls import EVERY, REGULARISED
from cellwright.cells import CELLS
from cellwright.cells.expression import OPERATIONS
from cellwright.cells.language import maximum, minimum, relu
from cellwright.compiler.ir.autodiff import RULES, derivative
from cellwright.compiler.ir.interpret import interpret
from cellwright.compiler.ir.program import Program, forward
from numbers_of_a_step import Numbers

A, B = np.array([[-2.0, -0.4, 0.7, 3.0]]), np.array([[1.5, -0.9, 4.0, 2.0]])
POSITIVE = np.abs(A) + 0.1
# operation -> where its rule is tried: away from kinks, on both sides of each
POINTS = {
    "add": (A, B),
    "subtract": (A, B),
    "multiply": (A, B),
    "divide": (A, B),
    "power": (POSITIVE, B),
    "negate": (A,),
    "minimum": (A, B),
    "maximum": (A, B),
    "sigmoid": (A,),
    "tanh": (A,),
    "relu": (A,),
    "exp": (A,),
    "log": (POSITIVE,),
    "log1p": (A / 4,),
    "sqrt": (POSITIVE,),
    "sin": (A,),
    "cos": (A,),
    "atan": (A,),
    "absolute": (A,),
    "floor": (A + 0.1,),
    "greater": (A, B),
    "select": (A, B, A * B),
    "mean": (A,),
    "sum": (A,),
    "amax": (A,),
    "straight_through": (A, B),
}


def _apply(p: Program, op: str, names: str) -> tuple[list[int], int]:
    """The nodes of the operands, and the node of the operation; a select chooses where its operands 0 > 1."""
    operands = [p.input(name) for name in names]
    if op == "select":
        operands[0] = p.apply("greater", operands[0], operands[1])
    return operands, p.apply(op, *operands)


def _by_rule(op, values, cotangent):
    """The cotangents of the operands by the table's rule; None where it gives none."""
    p, names = Program(), "abc"[: len(values)]
    operands, y = _apply(p, op, names)
    given = RULES[op](p, operands, y, p.input("d"))
    p.outputs = {name: node for name, node in zip(names, given, strict=True) if node is not None}
    p.verify()
    found = interpret(p, {**dict(zip(names, values, strict=True)), "d": cotangent})
    return [np.broadcast_to(found[name], values[0].shape) if name in found else None for name in names]


def _by_differences(op, values, cotangent, h=1e-6):
    """Central differences of Σ cotangent · op(values), number by number."""
    p, names = Program(), "abc"[: len(values)]
    p.outputs["y"] = _apply(p, op, names)[1]

    def loss(values):
        return float(np.sum(cotangent * interpret(p, dict(zip(names, values, strict=True)))["y"]))

    def slope(k, i):
        up, down = ([v.copy() for v in values] for _ in range(2))
        up[k][0, i] += h
        down[k][0, i] -= h
        return (loss(up) - loss(down)) / (2 * h)

    return [np.array([[slope(k, i) for i in range(v.shape[1])]]) for k, v in enumerate(values)]


def test_every_operation_has_a_rule_and_every_rule_an_operation():
    assert set(RULES) == set(OPERATIONS)
    assert set(POINTS) == set(OPERATIONS)


REDUCED = [name for name, row in OPERATIONS.items() if row.reduces]


@pytest.mark.parametrize("op", sorted(set(POINTS) - {"greater", "straight_through", *REDUCED}))
def test_rule(op):
    cotangent = np.array([[0.7, -1.3, 2.1, 0.4]])
    found, wanted = (f(op, POINTS[op], cotangent) for f in (_by_rule, _by_differences))
    for k, (ours, expected) in enumerate(zip(found, wanted, strict=True)):
        if ours is None:
            assert not expected.any(), f"operand {k}"
        else:
            assert_agree(ours, expected, share=1e-8, name=f"operand {k}")
    assert [ours is None for ours in found] == [op == "floor" or (op == "select" and k == 0) for k in range(len(found))]


@pytest.mark.parametrize("op", REDUCED)
def test_the_rule_of_a_reduction(op):
    """The cotangent of one number a row is kept divided by the number of units: each unit's share of a mean."""
    d = 0.8
    (found,) = _by_rule(op, (A,), np.array([[d / A.size]]))
    assert_agree(found, _by_differences(op, (A,), d)[0], share=1e-8)


def test_of_equal_largest_units_each_has_its_share_as_of_torch_amax():
    rows = torch.tensor([[1.0, 3.0, 3.0, -2.0], [2.0, 2.0, 2.0, 2.0], [0.0, 1.0, 2.0, 5.0]], dtype=torch.float64)
    d = torch.tensor([[0.9], [-0.6], [0.3]], dtype=torch.float64)
    rows.requires_grad_().amax(-1, keepdim=True).backward(d)
    (found,) = _by_rule("amax", (rows.detach().numpy(),), d.numpy() / rows.shape[1])
    assert_agree(found, rows.grad, share=1e-15)


def test_straight_through_hands_everything_to_its_second_operand():
    d = np.array([[0.7, -1.3, 2.1, 0.4]])
    first, second = _by_rule("straight_through", (A, B), d)
    assert first is None
    np.testing.assert_array_equal(second, d)


EDGES = [(0, 2), (0, 1), (0, 0), (0, 0.5), (0, -1), (2, 0), (1, 3.5), (-2, 3), (-2, -2), (-2, 0), (-2, 0.5), (3, -0.5)]


def _torch_s_power(a, b, wanted):
    """torch's gradients of a^b with respect to the wanted ones."""
    leaves = [torch.tensor(value, dtype=torch.float64, requires_grad=True) for value in (a, b)]
    return torch.autograd.grad(torch.pow(*leaves), [leaves[k] for k in wanted])


def _assert_same_slope(found, wanted):
    """Infinities and NaN in the same places."""
    assert_agree(float(np.squeeze(found)), float(wanted), share=1e-14 if wanted.isfinite() else 0)


@pytest.mark.parametrize(("a", "b"), EDGES)
@np.errstate(all="ignore")
def test_the_rule_of_power_is_torch_s_where_one_side_is_no_number(a, b):
    """At 0, at exponent 0, and of negative numbers, with infinities and NaN where torch has them."""
    found = _by_rule("power", (np.array([[float(a)]]), np.array([[float(b)]])), np.ones((1, 1)))
    wanted = _torch_s_power(float(a), float(b), (0, 1))
    for ours, expected in zip(found, wanted, strict=True):
        _assert_same_slope(ours, expected)


@pytest.mark.parametrize(("a", "b"), EDGES)
@np.errstate(all="ignore")
def test_the_rule_of_power_with_a_number_is_torch_s(a, b):
    """A number as the exponent, and a positive one as the base."""
    for k, other in ((0, float(b)), (1, float(a))):
        p = Program()
        leaf, number = p.input("v"), p.number(other)
        operands = (leaf, number) if k == 0 else (number, leaf)
        y = p.apply("power", *operands)
        p.outputs["v"] = RULES["power"](p, operands, y, p.input("d"))[k]
        value = float(a if k == 0 else b)
        found = interpret(p, {"v": np.array([[value]]), "d": np.ones((1, 1))})["v"]
        _assert_same_slope(found, *_torch_s_power(float(a), float(b), (k,)))


def test_the_rule_of_power_chooses_nothing_where_the_base_is_above_zero():
    """A base that is limited from below has no 0 and no sign. Where y is infinite its slope may not be."""
    p = Program()
    v, b = p.input("v"), p.input("b")
    a = p.apply("maximum", v, p.number(0.1))
    y = p.apply("power", a, b)
    made = len(p.nodes)
    slopes = RULES["power"](p, (a, b), y, p.input("d"))
    p.outputs = dict(zip("ab", slopes, strict=True))
    assert not {node.op for node in p.nodes[made:]} & {"select", "greater"}
    bases, exponents = (np.append(*both)[None] for both in ((POSITIVE, [10.0, np.inf]), (B, [308.5, -0.5])))
    values = {"v": bases, "b": exponents, "d": np.ones((1, 1))}
    with np.errstate(all="ignore"):
        found = interpret(p, values)
    leaves = [torch.from_numpy(values[name].clip(min=0.1 if name == "v" else None)).requires_grad_() for name in "vb"]
    for ours, wanted in zip(found.values(), torch.autograd.grad(torch.pow(*leaves).sum(), leaves), strict=True):
        for one, other in zip(ours.flat, wanted.flatten(), strict=True):
            _assert_same_slope(one, other)


def test_the_rule_of_power_of_a_positive_number_takes_no_logarithm_in_the_program():
    p = Program()
    base, b = p.number(2.0), p.input("b")
    slopes = RULES["power"](p, (base, b), p.apply("power", base, b), p.input("d"))
    assert "log" not in {node.op for node in p.nodes}
    p.outputs = {"b": slopes[1]}
    found = interpret(p, {"b": B, "d": np.ones((1, 1))})["b"]
    assert_agree(found, np.log(2.0) * 2.0**B, share=1e-15)


def test_a_comparison_hands_nothing_on():
    assert _by_rule("greater", POINTS["greater"], np.ones((1, 4))) == [None, None]


# --- kinks ---------------------------------------------------------------------------------------------
KINKS = {"minimum": minimum, "maximum": maximum, "relu": relu, "absolute": abs}


@pytest.mark.parametrize("name", KINKS)
def test_at_a_kink_the_rule_is_torchs(name):
    """At the kink itself, and just beside it, where the slope is one side's or the other's."""
    points = np.array([[0.0, 1e-300, -1e-300, 5.0, -5.0]])
    arity = OPERATIONS[name].arity
    values = (points, np.zeros_like(points))[:arity]
    leaves = [torch.from_numpy(v).requires_grad_() for v in values]
    KINKS[name](*leaves).sum().backward()
    for ours, leaf in zip(_by_rule(name, values, np.ones_like(points)), leaves, strict=True):
        np.testing.assert_array_equal(ours, leaf.grad)


@pytest.mark.parametrize(("name", "wanted"), [("minimum", [1, 0]), ("maximum", [1, 0])])
def test_where_operands_are_equal_the_first_has_the_gradient(name, wanted):
    found = _by_rule(name, (np.ones((1, 1)), np.ones((1, 1))), np.ones((1, 1)))
    assert [float(f[0, 0]) for f in found] == wanted


# --- whole steps ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("cell", [*EVERY, *REGULARISED], ids=repr)
def test_derivative_is_autograds(cell):
    numbers = Numbers(cell)
    given = frozenset(name for name in cell.streams if not name.startswith("m."))
    found = interpret(derivative(cell, given), numbers.arrays() | numbers.cotangents())
    wanted = numbers.gradients()
    assert set(found) == {name for name in cell.reads if not name.startswith("m.")}
    for name, gradient in wanted.items():
        if name in found:
            assert_agree(_summed(found[name], gradient.shape), gradient)
        else:
            assert name.startswith("m.") or not gradient.any()


def _summed(cotangent, shape):
    """(ROWS, UNITS), or what a parameter of (1, UNITS) gathers over the rows."""
    whole = np.broadcast_to(cotangent, (len(cotangent) if np.ndim(cotangent) else 1, shape[1]))
    if shape[0] == 1:
        return whole.sum(0, keepdims=True)
    return np.broadcast_to(whole, shape)


def test_inputs_that_only_comparisons_read_have_the_cotangent_zero():
    cell = next(c for c in EVERY if c.name == "compared")
    program = derivative(cell)
    for name in ("x.a", "u.a", "p.threshold"):
        node = program.nodes[program.outputs[name]]
        assert (node.op, node.number) == ("number", 0.0)


def test_the_derivative_begins_with_the_step():
    for cell in CELLS.values():
        step = forward(cell).nodes
        assert derivative(cell).nodes[: len(step)] == step
