"""A program, interpreted, against the step it was traced from, run on tensors."""

import numpy as np
import pytest

from agreement import assert_agree
from calls import EVERY, REGULARISED
from cellwright.cells.expression import OPERATIONS
from cellwright.compiler.ir.interpret import interpret
from cellwright.compiler.ir.program import Program, forward
from cellwright.compiler.ir.remat import training
from numbers_of_a_step import Numbers


@pytest.mark.parametrize("cell", [*EVERY, *REGULARISED], ids=repr)
def test_the_program_computes_the_step(cell):
    numbers = Numbers(cell)
    found, wanted = interpret(forward(cell), numbers.arrays()), numbers.step()
    assert_agree(found, wanted, share=1e-13)


@pytest.mark.parametrize("cell", [*EVERY, *REGULARISED], ids=repr)
def test_the_forward_pass_of_training_computes_the_same_bits(cell):
    arrays = Numbers(cell).arrays()
    found, wanted = interpret(training(cell).forward, arrays), interpret(forward(cell), arrays)
    for name, value in wanted.items():
        np.testing.assert_array_equal(found[name], value, err_msg=name)


A, B = np.array([[-2.0, -0.5, 0.0, 3.0]]), np.array([[1.5, -0.5, 4.0, 2.0]])
POSITIVE = np.abs(A) + 0.5
# operation -> operands, result
VALUES = {
    "add": ((A, B), [-0.5, -1.0, 4.0, 5.0]),
    "subtract": ((A, B), [-3.5, 0.0, -4.0, 1.0]),
    "multiply": ((A, B), [-3.0, 0.25, 0.0, 6.0]),
    "divide": ((A, B), [-4 / 3, 1.0, 0.0, 1.5]),
    "power": ((POSITIVE, B), [3.952847075210474, 1.0, 0.0625, 12.25]),
    "negate": ((A,), [2.0, 0.5, 0.0, -3.0]),
    "minimum": ((A, B), [-2.0, -0.5, 0.0, 2.0]),
    "maximum": ((A, B), [1.5, -0.5, 4.0, 3.0]),
    "sigmoid": ((A,), [0.11920292202211755, 0.3775406687981454, 0.5, 0.9525741268224334]),
    "tanh": ((A,), [-0.9640275800758169, -0.46211715726000973, 0.0, 0.9950547536867305]),
    "relu": ((A,), [0.0, 0.0, 0.0, 3.0]),
    "exp": ((A,), [0.1353352832366127, 0.6065306597126334, 1.0, 20.085536923187668]),
    "log": ((POSITIVE,), [0.9162907318741551, 0.0, -0.6931471805599453, 1.252762968495368]),
    "log1p": ((POSITIVE,), [1.252762968495368, 0.6931471805599453, 0.4054651081081644, 1.504077396776274]),
    "sqrt": ((POSITIVE,), [1.5811388300841898, 1.0, 0.7071067811865476, 1.8708286933869707]),
    "sin": ((A,), [-0.9092974268256817, -0.479425538604203, 0.0, 0.1411200080598672]),
    "cos": ((A,), [-0.4161468365471424, 0.8775825618903728, 1.0, -0.9899924966004454]),
    "atan": ((A,), [-1.1071487177940904, -0.4636476090008061, 0.0, 1.2490457723982544]),
    "absolute": ((A,), [2.0, 0.5, 0.0, 3.0]),
    "floor": ((A,), [-2.0, -1.0, 0.0, 3.0]),
    "greater": ((A, B), [0.0, 0.0, 0.0, 1.0]),
    "select": ((A > B, A, B), [1.5, -0.5, 4.0, 3.0]),
    "mean": ((A,), [0.125]),
    "sum": ((A,), [0.5]),
    "amax": ((A,), [3.0]),
    "straight_through": ((A, B), [-2.0, -0.5, 0.0, 3.0]),
}


def test_every_operation_has_its_values():
    assert set(VALUES) == set(OPERATIONS)


@pytest.mark.parametrize("op", VALUES)
def test_operation(op):
    """Against values worked out by hand, or with bc -l."""
    operands, wanted = VALUES[op]
    p = Program()
    p.outputs["y"] = p.apply(op, *(p.input(name) for name in "abc"[: len(operands)]))
    found = interpret(p, dict(zip("abc", operands, strict=False)))["y"]
    assert_agree(np.asarray(found, float), np.array([wanted]), share=1e-14)


def test_inputs_that_no_output_needs_may_be_missing():
    p = Program()
    p.input("x.absent")
    p.outputs["y"] = p.apply("tanh", p.input("x.a"))
    np.testing.assert_array_equal(interpret(p, {"x.a": A})["y"], np.tanh(A))
