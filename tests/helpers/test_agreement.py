"""The measure of the suite tells what is near from what is not."""

import math
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from agreement import SINGLE, assert_agree, double, error

# Beside helpers/agreement.py, what may compare element by element, and why.
ELSEWHERE = {
    "cells/test_expression.py": "any expression in Python's floats, but for the digits that cancel",
    "nn/test_torch_module_db.py": "PyTorch's own samples of its modules, held as PyTorch's suite holds them",
}
BY_ELEMENT = re.compile(r"\b(assert_close|isclose|\w*allclose|\w*almost_equal\w*)\b")


def test_floating_point_numbers_are_compared_here_alone():
    """What holds element by element in float32 holds by luck of one processor."""
    folder = Path(__file__).parents[1]
    files = {str(path.relative_to(folder)): path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*.py"))}
    found = {name for name, text in files.items() if BY_ELEMENT.search(text)}
    assert found - {"helpers/agreement.py", "helpers/test_agreement.py"} == set(ELSEWHERE), (
        "compare by agreement.assert_agree"
    )


def test_a_share_of_the_largest_number():
    wanted = torch.tensor([64.0, 0.25])
    assert error(wanted + torch.tensor([0.0, 0.5]), wanted) == 0.5 / 64
    assert error(torch.tensor([0.25]), torch.zeros(1)) == 0.25


def test_a_difference_in_any_part_is_noticed():
    wanted = {"output": double([torch.ones(3), torch.full((2,), 4.0)]), "loss": 2.0}
    assert_agree({"output": [torch.ones(3), torch.full((2,), 4.0 + 2e-5)], "loss": 2.0}, wanted)
    with pytest.raises(
        AssertionError, match=r"\['output'\]\[1\] differs by 2.5e-05 of its largest number; at most 1e-05"
    ):
        assert_agree({"output": [torch.ones(3), torch.full((2,), 4.0001)], "loss": 2.0}, wanted)
    with pytest.raises(AssertionError, match=r"\['loss'\] differs by 0.5"):
        assert_agree({"output": wanted["output"], "loss": 3.0}, wanted)


def test_types_of_the_found_set_the_bound():
    assert_agree(torch.ones(1) + 5e-6, torch.ones(1).double())
    with pytest.raises(AssertionError, match="at most 1e-12"):
        assert_agree(torch.ones(1).double() + 5e-6, torch.ones(1).double())


@pytest.mark.parametrize("found", [math.nan, math.inf])
def test_what_is_no_number_never_agrees(found):
    with pytest.raises(AssertionError, match="differs by inf"):
        assert_agree(torch.tensor([found, 1.0]), torch.ones(2).double())


def test_shapes_and_counts_are_compared():
    with pytest.raises(AssertionError, match=r"shape \(2,\); expected \(3,\)"):
        assert_agree(np.zeros(2), np.zeros(3))
    with pytest.raises(AssertionError, match="1 values; expected 2"):
        assert_agree([torch.zeros(1)], [torch.zeros(1), torch.zeros(1)])
    with pytest.raises(AssertionError, match=r"\['a'\]; expected \['b'\]"):
        assert_agree({"a": 1.0}, {"b": 1.0})


def test_what_is_wanted_is_in_float64():
    with pytest.raises(AssertionError, match=r"held against torch.float32; compute what is wanted in float64"):
        assert_agree(torch.ones(1), torch.ones(1))


def test_numbers_side_by_side_are_one_tensor():
    assert_agree({"often": 0.9, "seldom": 1e-9}, {"often": 0.9, "seldom": 2e-9}, SINGLE)
    assert_agree([0.9, 1e-9], [0.9, 2e-9], SINGLE)
    with pytest.raises(AssertionError, match=r"\['seldom'\] differs by 0.5"):
        assert_agree(
            {"often": torch.ones(1), "seldom": 1e-9}, {"often": torch.ones(1).double(), "seldom": 2e-9}, SINGLE
        )


def test_a_share_of_0_is_the_same_bits_and_type():
    assert_agree([torch.ones(1), torch.tensor(math.nan)], [torch.ones(1), torch.tensor(math.nan)], share=0)
    for other in (torch.ones(1) + 1e-6, torch.ones(1).double()):
        with pytest.raises(AssertionError, match=r"^\[0\]: "):
            assert_agree([other], [torch.ones(1)], share=0)


def test_whole_numbers_are_equal():
    assert_agree(torch.tensor([1, 2]), torch.tensor([1, 2]))
    with pytest.raises(AssertionError, match="the result"):
        assert_agree(torch.tensor([1_000_000_000]), torch.tensor([1_000_000_001]), SINGLE)


def test_double_leaves_the_original_and_what_is_no_float():
    layer = nn.Linear(2, 1).eval()
    assert double(layer).weight.dtype == torch.float64
    assert layer.weight.dtype == torch.float32
    assert not double(layer).training
    x, (lengths, (none,)) = double((torch.ones(1), [torch.tensor([1]), (None,)]))
    assert (x.dtype, lengths.dtype, none) == (torch.float64, torch.int64, None)
