"""One call, one result: what every backend, the operator and the chunks of recomputation give."""

from dataclasses import replace
from typing import get_args

import pytest
import torch

from calls import draw_call, on
from cellwright.backends import custom_op, recompute
from cellwright.backends.call import Result
from cellwright.backends.dispatch import Name
from cellwright.cells import CELLS


@pytest.mark.parametrize("name", get_args(Name))
def test_every_backend_gives_a_result_of_the_call_s_shapes(name):
    call = draw_call(CELLS["lstm"], directions=2, record=name != "torch")
    found = on(name, call)
    assert type(found) is Result
    assert type(found.state) is tuple
    assert found.rows.shape == (sum(call.batch_sizes), 10)
    assert [s.shape for s in found.state] == [s.shape for s in call.state]
    assert [list(one) for one in found.letters] == [[] if name == "torch" else list("ifgoch")] * 2


def test_so_do_the_operator_and_recomputation():
    call = draw_call(CELLS["lstm"], (3, 3))
    assert type(custom_op.layer(replace(call, rows=call.rows.view(3, 2, -1)), None)) is Result
    assert type(recompute.layer(call.replaced([t.requires_grad_() for t in call.tensors]), 2)) is Result


def test_a_call_on_other_tensors_is_the_call():
    call = draw_call(CELLS["peephole"], directions=2, resets=True, fresh=True)
    again = call.replaced([t + 1 for t in call.tensors])
    assert all(torch.equal(new, old + 1) for new, old in zip(again.tensors, call.tensors, strict=True))
    assert [list(w.extra_parameters) for w in again.weights] == [list(w.extra_parameters) for w in call.weights]
