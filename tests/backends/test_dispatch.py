"""Derivatives of the kernels by finite differences, and the choice of a backend."""

import contextlib

import pytest
import torch
from torch.autograd import forward_ad, gradcheck, gradgradcheck

from agreement import assert_agree
from calls import EVERY, SMOOTH, SOME, converted, draw_call, function_of, of_each_kind_fast, on, with_gradients
from cellwright.backends import dispatch
from cellwright.cells import CELLS

LSTM, GRU = CELLS["lstm"], CELLS["gru"]
LENGTHS = (3, 2, 2, 0)

pytestmark = pytest.mark.usefixtures("one_thread")


@contextlib.contextmanager
def compiled():
    with dispatch.use_backend("compiled"):
        yield


# In each coordinate, and carried, some of each kind: kernels/test_against_reference.py holds all against the reference.
FIRST = [pytest.param(*case.values, True, marks=case.marks) for case in of_each_kind_fast(SMOOTH)]
FIRST += [pytest.param(cell, False, marks=pytest.mark.slow) for cell in SOME if cell in SMOOTH]


@pytest.mark.parametrize(("cell", "resets"), FIRST, ids=repr)
def test_first_derivatives(cell, resets):
    """Of rows, states, fresh states and every weight; both directions, ragged, a sequence of no step."""
    function, given = function_of(draw_call(cell, LENGTHS, hidden=3, directions=2, resets=resets, fresh=resets))
    with compiled():
        assert gradcheck(function, given, fast_mode=resets)


@pytest.mark.slow
@pytest.mark.parametrize("cell", [LSTM, CELLS["peephole"]], ids=repr)
def test_first_derivatives_with_a_projection(cell):
    function, given = function_of(draw_call(cell, LENGTHS, hidden=3, directions=2, projected=2))
    with compiled():
        assert gradcheck(function, given)


@pytest.mark.slow
@pytest.mark.parametrize("cell", [cell for cell in SOME if cell in SMOOTH], ids=repr)
def test_second_derivatives(cell):
    """They go by way of the reference, whatever backend the outputs took; test_reference.py has those of all cells."""
    call = draw_call(cell, (2, 1, 0), hidden=3, directions=2, resets=True, fresh=True)
    function, given = function_of(call)
    with compiled():
        assert gradgradcheck(function, given, fast_mode=True)


@pytest.mark.parametrize("cell", [LSTM, GRU], ids=repr)
def test_a_gradient_that_is_differentiated_is_the_gradient(cell):
    call = draw_call(cell, directions=2)
    function, given = function_of(call)
    rows = function(*given)[0]
    plain = torch.autograd.grad(rows.sum(), given, retain_graph=True)
    again = torch.autograd.grad(rows.sum(), given, create_graph=True)
    for ours, wanted in zip(again, plain, strict=True):
        assert ours.requires_grad
        assert_agree(ours.detach(), wanted)


@pytest.mark.parametrize("cell", SOME, ids=repr)
def test_batched_cotangents(cell):
    """Kernels cannot read them, so that they go by way of the reference; those that nothing depends on are zero."""
    function, given = function_of(draw_call(cell, (2, 1, 0), hidden=3, directions=2, resets=True, fresh=True))
    with compiled():
        outputs = function(*given)
    several = [torch.randn(3, *o.shape, dtype=o.dtype, generator=torch.Generator().manual_seed(1)) for o in outputs]
    found = torch.autograd.grad(outputs, given, several, is_grads_batched=True, retain_graph=True)
    for k in range(3):
        wanted = torch.autograd.grad(outputs, given, [s[k] for s in several], retain_graph=True)
        for ours, one in zip(found, wanted, strict=True):
            assert_agree(ours[k], one)


def test_negations_yet_to_be_carried_out():
    """What is a negation by a flag only, as torch makes of the imaginary part of a conjugate, is read with its sign."""
    call = draw_call(LSTM)
    call.rows.requires_grad_()
    minus = torch.complex(torch.zeros_like(call.rows), call.rows).conj().imag
    assert minus.is_neg()
    lazy, plain = call.replaced([minus, *call.tensors[1:]]), call.replaced([-call.rows, *call.tensors[1:]])
    assert "resolve_neg" in dispatch.choose(lazy).reason
    rows = dispatch.layer(plain)[0]
    assert_agree(dispatch.layer(lazy)[0], rows)
    ones = torch.ones_like(rows)
    (found,) = torch.autograd.grad(rows, call.rows, torch._neg_view(ones), retain_graph=True)
    assert_agree(found, -torch.autograd.grad(rows, call.rows, ones)[0])


def test_a_gradient_that_is_differentiated_within_autocast_is_in_full_precision():
    call = converted(draw_call(LSTM, directions=2), torch.float32)
    (function, given), (exact, wanted) = function_of(call), function_of(converted(call, torch.float64))
    with torch.autocast("cpu"):
        again = torch.autograd.grad(function(*given)[0].sum(), given, create_graph=True)
    assert_agree(again, torch.autograd.grad(exact(*wanted)[0].sum(), wanted))  # in bfloat16 they differ by 1e-2


# --- the choice ----------------------------------------------------------------------------------------
def test_kernels_are_chosen_and_say_so():
    path = dispatch.choose(draw_call(LSTM))
    assert (path.name, path.reason) == ("compiled", "the kernels of lstm run on this processor")
    assert str(path) == "compiled: the kernels of lstm run on this processor"


def test_a_forced_path_is_taken_within_the_block_only():
    call = draw_call(LSTM)
    for name in ("reference", "torch", "compiled"):
        with dispatch.use_backend(name):
            assert dispatch.choose(call).name == name
            assert dispatch.choose(call).reason == "asked for by use_backend"
    with dispatch.use_backend("reference"), dispatch.use_backend("torch"):
        assert dispatch.choose(call).name == "torch"
    assert dispatch.choose(call).reason != "asked for by use_backend"


def test_a_forced_path_that_cannot_run_raises_with_the_reason():
    message = "^the backend 'torch' was asked for and cannot run: torch has no kernel for the cell peephole$"
    with dispatch.use_backend("torch"), pytest.raises(RuntimeError, match=message):
        dispatch.layer(draw_call(CELLS["peephole"]))
    with dispatch.use_backend("cuda"), pytest.raises(RuntimeError, match=r"'cuda' .*: there is no such backend$"):
        dispatch.choose(draw_call(LSTM))


def test_a_block_left_by_an_error_is_left():
    with contextlib.suppress(KeyError), dispatch.use_backend("reference"):
        raise KeyError
    assert dispatch.choose(draw_call(LSTM)).name == "compiled"


@pytest.mark.parametrize("options", [{}, {"resets": True}, {"resets": True, "fresh": True, "directions": 1}], ids=str)
@pytest.mark.parametrize("name", ["lstm", "gru", "rnn", "rnn-relu"])
def test_all_three_paths_agree(name, options):
    call = draw_call(CELLS[name], **{"directions": 2} | options)
    wanted = with_gradients(call, "reference")
    for path in ("compiled", "torch"):
        assert_agree(with_gradients(call, path), wanted)


def _in_half(call):
    return call.replaced([t.half() for t in call.tensors])


def _with_a_mask_that_learns(call):
    call.streams[0]["m.keep_h"].requires_grad_()
    return call


OBSTACLES = {
    "kernels are compiled for float32, float64 and bfloat16 and the input is torch.float16": (LSTM, _in_half),
    "kernels give no gradient of a mask": (EVERY[len(CELLS)], _with_a_mask_that_learns),
}


@pytest.mark.parametrize("reason", OBSTACLES)
def test_obstacle(reason):
    cell, change = OBSTACLES[reason]
    call = change(draw_call(cell))
    assert dispatch.choose(call).name != "compiled"
    assert reason in dispatch.choose(call).reason
    with pytest.raises(RuntimeError, match=reason):
        on("compiled", call)


@pytest.mark.parametrize("cell", [LSTM, CELLS["peephole"]], ids=repr)
def test_forward_mode_goes_to_the_reference(cell):
    call = draw_call(cell, (3, 2))
    with forward_ad.dual_level():
        dual = call.replaced([forward_ad.make_dual(call.rows, torch.ones_like(call.rows)), *call.tensors[1:]])
        assert dispatch.choose(dual).name == "reference"
        slope = forward_ad.unpack_dual(dispatch.layer(dual)[0]).tangent
    h = 1e-6
    up, down = (dispatch.layer(call.replaced([call.rows + k * h, *call.tensors[1:]]))[0] for k in (1, -1))
    assert_agree(slope, (up - down) / (2 * h), share=1e-7)


@pytest.mark.parametrize("cell", [LSTM, CELLS["peephole"]], ids=repr)
def test_vmap_goes_to_the_reference(cell):
    call = draw_call(cell, (3, 2))

    def run(rows):
        again = call.replaced([rows, *call.tensors[1:]])
        assert dispatch.choose(again).name == "reference"
        return dispatch.layer(again)[0]

    several = torch.stack([call.rows, -call.rows])
    wanted = torch.stack([dispatch.layer(call.replaced([rows, *call.tensors[1:]]))[0] for rows in several])
    assert_agree(torch.vmap(run)(several), wanted)
