"""The words of the language mean what PyTorch's mean, and take numbers on either side."""

import numpy as np
import pytest
import torch

from agreement import assert_agree
from cellwright.backends import reference
from cellwright.cells import CELLS
from cellwright.cells.definition import cell
from cellwright.cells.language import State, maximum, minimum, select, standardise
from refused_cells import minimal


def test_numbers_may_stand_on_either_side():
    """A number in place of a value, Python's or numpy's; what the words then mean."""

    @cell(projections="i g", gates="", state="h c")
    def good(x, u, s):
        a = maximum(0, x.i + u.i) + minimum(1.5, x.g)
        b = select(x.g > 0, 1.0, s.c) * select(x.i > 0, 2, 3) + select(s.h < x.i, s.h, 0.25)
        return State(h=np.float32(2) * a, c=np.int64(1) - b / np.float64(4))

    x, u, s = (torch.randn(2, 5, 4, dtype=torch.float64) for _ in range(3))
    x_, u_, s_ = good.Projections(*x), good.Projections(*u), good.States(*s)
    a = (x[0] + u[0]).relu() + x[1].clamp(max=1.5)
    one, other = torch.where(x[1] > 0, torch.ones_like(a), s[1]), torch.where(x[0] > 0, 2.0, 3.0)
    b = one * other + torch.where(s[0] < x[0], s[0], torch.full_like(a, 0.25))
    assert_agree(good(x_, u_, s_), good.States(2 * a, 1 - b / 4))
    program = reference.evaluator(good.trace.states, a)
    named = {f"{root}.{k}": v for root, group in (("x", x_), ("u", u_), ("s", s_)) for k, v in group._asdict().items()}
    assert_agree(program(named, (5, 4)), {"h": 2 * a, "c": 1 - b / 4})


def test_torch_functions_of_the_language_are_allowed():
    """A step may be pasted from a module's forward."""

    @minimal
    def good(x, u, s):
        i = torch.sigmoid(torch.add(x.i, u.i))
        g = torch.clamp(torch.tanh(x.g + u.g), min=-0.5)
        return State(h=torch.where(s.h > 0, s.h, 0.5 * s.h) + torch.maximum(i * g, torch.neg(g)) / torch.exp(i))

    assert str(good.trace.letters["g"]) == "max(tanh(x.g + u.g), −0.5)"


@pytest.mark.parametrize("function", [standardise, lambda a: standardise(a[0])], ids=["tuple", "value"])
def test_standardise_is_torch_s_layer_norm(function):
    values = CELLS["gru"].Projections(*torch.randn(3, 4, 7, dtype=torch.float64))
    found = function(values)
    joined = torch.cat(found if isinstance(found, tuple) else [found], -1)
    given = torch.cat(values, -1) if isinstance(found, tuple) else values[0]
    assert_agree(joined, torch.nn.functional.layer_norm(given, given.shape[-1:]))
