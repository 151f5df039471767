"""Calls without a step, of several types, of NaN, under another default device."""

from dataclasses import replace

import pytest
import torch

from agreement import assert_agree
from calls import SMOOTH, alone, draw_call, of_sequence, on, outputs, same_bits
from cellwright.backends import dispatch
from cellwright.cells import CELLS

pytestmark = pytest.mark.usefixtures("one_thread")

LSTM, GRU = CELLS["lstm"], CELLS["gru"]


def test_steps_of_no_sequence_go_to_the_reference():
    assert dispatch.choose(draw_call(LSTM, (1, 0))).name == "compiled"
    empty = replace(draw_call(LSTM, (1, 0)), rows=torch.zeros(0, 2, dtype=torch.float64), batch_sizes=[])
    path = dispatch.choose(empty)
    assert path.name == "reference"
    assert "there is no step to compute" in path.reason
    rows, state, _ = dispatch.layer(empty)
    assert rows.shape == (0, 5)
    assert all(map(torch.equal, state, empty.state))


def test_tensors_of_several_types_are_not_given_to_kernels():
    call = draw_call(LSTM)
    mixed = replace(call, state=[s.float() for s in call.state])
    assert dispatch.choose(mixed).name != "compiled"
    with pytest.raises(RuntimeError, match="the tensors are of several"):
        on("compiled", mixed)


def test_nan_comes_out_where_the_reference_has_it():
    """maximum and minimum hand NaN on from either operand, as torch's do; comparisons with NaN are false.

    But of a spike: its step of NaN is 0, and NaN in the reference, by its gradient's smooth step.
    """
    for cell in SMOOTH:
        call = draw_call(cell, (4, 3, 1))
        given = call.rows if cell.multiplies_input else call.streams[0][f"x.{cell.inputs[-1]}"]
        given[0, 0] = float("nan")
        given[1, -1] = float("inf")
        found, wanted = outputs(call), outputs(call, "reference")
        for name, value in wanted.items():
            finite = value.isfinite()
            assert_agree(found[name][finite], value[finite], name=f"{cell.name}: {name}")
            assert_agree(found[name][~finite], value[~finite], share=0, name=f"{cell.name}: {name}")


def test_a_call_beside_others_is_the_call_alone():
    """Of sequences: gradients of rows and states too."""
    call = draw_call(LSTM, directions=2, resets=True, fresh=True)
    together = outputs(call)
    for b in range(4):
        assert same_bits(outputs(alone(call, b)), of_sequence(call, together, b)) == []


def test_a_default_device_is_not_that_of_the_kernels():
    """torch.set_default_device("cuda") leaves tensors on the CPU where they are: what kernels read beside them too."""
    call = draw_call(GRU, (6, 6, 3, 2), hidden=7, directions=2)  # a shape of its own: nothing is made yet
    d_rows, d_state = torch.ones(17, 14, dtype=call.rows.dtype), [torch.ones_like(s) for s in call.state]
    with torch.device("meta"):
        found = dispatch.gradients(call, d_rows, d_state, wants_rows=True)
    wanted = dispatch.gradients(call, d_rows, d_state, wants_rows=True)
    assert all(torch.equal(a, b) for a, b in zip(found, wanted, strict=True))
