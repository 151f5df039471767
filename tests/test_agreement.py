"""The measure of the suite tells what is near from what is not."""

import math

import numpy as np
import pytest
import torch

from agreement import assert_agree, error


def test_a_share_of_the_largest_number():
    wanted = torch.tensor([100.0, 1e-3])
    assert error(wanted + torch.tensor([0.0, 0.5]), wanted) == pytest.approx(0.005)
    assert error(torch.tensor([0.25]), torch.zeros(1)) == 0.25


def test_a_difference_in_any_part_is_noticed():
    wanted = {"output": [torch.ones(3), torch.full((2,), 4.0)], "loss": 2.0}
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
        assert_agree(torch.tensor([found, 1.0]), torch.ones(2))


def test_shapes_and_counts_are_compared():
    with pytest.raises(AssertionError, match=r"shape \(2,\); expected \(3,\)"):
        assert_agree(np.zeros(2), np.zeros(3))
    with pytest.raises(AssertionError, match="1 values; expected 2"):
        assert_agree([torch.zeros(1)], [torch.zeros(1), torch.zeros(1)])
