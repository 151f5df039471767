"""The kernels against the reference: every cell, both precisions, every register width, lengths, resets, sizes."""

import functools
from dataclasses import replace
from itertools import product

import pytest
import torch

from agreement import assert_agree, errors
from calls import (
    DERIVED,
    EVERY,
    RAGGED,
    converted,
    draw_call,
    inputs,
    of_each_kind_fast,
    on,
    outputs,
    same_bits,
    spiking,
    with_gradients,
)
from cellwright.backends import dispatch
from cellwright.backends.kernels import batch, binding, partition
from cellwright.cells import CELLS
from cellwright.compiler.kernel import kernel

pytestmark = pytest.mark.usefixtures("one_thread")

OUTPUTS, GRADIENTS = 2e-6, 1e-5  # of single precision, relative to the largest; the targets
DOUBLE = 1e-12

LSTM, GRU, SLSTM, LAYER_NORM = (CELLS[name] for name in ("lstm", "gru", "slstm", "layer-norm-lstm"))


@pytest.fixture
def several_threads(monkeypatch):
    monkeypatch.setattr(partition, "SMALL", 0)
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(1)


def agree_in_double(call, tolerance=DOUBLE):
    found, wanted = with_gradients(call, "compiled"), with_gradients(call, "reference")
    for name, value in errors(found, wanted).items():
        assert value <= tolerance, name
    for name, value in outputs(call).items():  # the kernel that saves nothing
        assert torch.equal(value, found[name]), name


# --- double precision: the same mathematics ------------------------------------------------------------
@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize("cell", of_each_kind_fast(EVERY), ids=repr)
def test_every_cell(cell, directions):
    """Ragged with a sequence of no step; states not zero, and gradients into them; every weight different."""
    agree_in_double(draw_call(cell, directions=directions))


@pytest.mark.parametrize("directions", [1, 2])
def test_spikes(directions):
    """Their gradient is that of the reference, and no difference quotient, which the tests of every cell ask for."""
    call = draw_call(spiking, (9, 7, 4, 4, 1, 0), directions=directions, resets=True)
    agree_in_double(call)
    spikes = outputs(call)["rows"]
    assert set(spikes.unique().tolist()) == {0.0, 1.0}


@pytest.mark.parametrize("fresh", [False, True], ids=["to zero", "to fresh states"])
@pytest.mark.parametrize("cell", of_each_kind_fast(EVERY), ids=repr)
def test_every_cell_with_resets(cell, fresh):
    agree_in_double(draw_call(cell, (6, 5, 2, 1, 0), directions=2, resets=True, fresh=fresh))


@pytest.mark.parametrize("cell", of_each_kind_fast(EVERY), ids=repr)
def test_every_cell_on_several_threads(cell, several_threads):
    """Sequences and columns of weights are shared out; in one direction three ways, in two directions two ways each."""
    for directions in (1, 2):
        agree_in_double(draw_call(cell, (5, 4, 4, 3, 3, 1, 1, 0), directions=directions, resets=True, fresh=True))


SIZES = {
    "one of everything": {"lengths": (1,), "inputs": 1, "hidden": 1},
    "one step": {"lengths": (1, 1, 1, 1, 1, 1, 1), "inputs": 3, "hidden": 5},
    "one sequence": {"lengths": (9,), "inputs": 4, "hidden": 7},
    "one unit": {"lengths": RAGGED, "inputs": 5, "hidden": 1},
    "one input": {"lengths": RAGGED, "inputs": 1, "hidden": 6},
    "a register": {"lengths": (3, 3, 2), "inputs": 8, "hidden": 8},
    "registers": {"lengths": (5, 4, 4, 4, 1), "inputs": 16, "hidden": 32},
    "a register and one": {"lengths": (3, 2, 2), "inputs": 9, "hidden": 17},
    "more rows than tiles": {"lengths": (4,) * 13 + (2,) * 6, "inputs": 3, "hidden": 9},
    "mostly of no step": {"lengths": (2, 0, 0, 0, 0), "inputs": 3, "hidden": 4},
}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("cell", [LSTM, GRU, LAYER_NORM, SLSTM], ids=repr)
def test_sizes(cell, size):
    # Of one unit less its mean nothing is left, and 1 / √(0 + 10⁻⁵) = 316 multiplies what rounding leaves of it.
    one = cell is LAYER_NORM and SIZES[size]["hidden"] == 1
    agree_in_double(draw_call(cell, **SIZES[size], directions=2), tolerance=316 * DOUBLE if one else DOUBLE)


@pytest.mark.parametrize("rows", [1, 9, 40])
@pytest.mark.parametrize("cell", [LSTM, GRU], ids=repr)
def test_chunks(cell, rows, monkeypatch):
    """W x is multiplied some steps ahead: one, two of the shortest batch, or more than there are."""
    call = draw_call(cell, (8, 7, 5, 5, 2, 1), directions=2, resets=True)
    columns = binding.LayerBinding(call).sizes.padded * len(cell.projections)
    monkeypatch.setattr(batch, "CHUNK_BYTES", rows * columns * 8)
    batch._batch.cache_clear()
    agree_in_double(call)
    batch._batch.cache_clear()


PROJECTED = [CELLS[name] for name in ("lstm", "coupled", "peephole", "slstm", "relu-lstm")]


@pytest.mark.parametrize("outputs", [1, 3, 5])
@pytest.mark.parametrize("cell", PROJECTED, ids=repr)
def test_projection(cell, outputs):
    """As in Sak, Senior and Beaufays 2014; of 5 units, as many outputs as units too."""
    agree_in_double(draw_call(cell, directions=2, projected=outputs))
    agree_in_double(draw_call(cell, (6, 5, 2, 1, 0), hidden=9, projected=outputs, resets=True, fresh=True))


@pytest.mark.parametrize("cell", [LSTM, GRU], ids=repr)
def test_without_biases(cell):
    call = draw_call(cell, directions=2)
    agree_in_double(replace(call, weights=[replace(w, input_bias=None, recurrent_bias=None) for w in call.weights]))


@pytest.mark.parametrize("cell", [LSTM, GRU, CELLS["peephole"], LAYER_NORM, *DERIVED[:3]], ids=repr)
def test_strided_arguments(cell):
    """Rows, states, weights and masks that do not lie in one piece."""

    def strided(t):
        spread = torch.full((*t.shape[:-1], 2 * t.shape[-1]), float("nan"), dtype=t.dtype)
        spread[..., ::2] = t
        return spread[..., ::2]

    call = draw_call(cell, directions=2, resets=True, fresh=True)
    spread = call.replaced([strided(t) for t in call.tensors])
    assert not spread.rows.is_contiguous()
    assert same_bits(outputs(spread), outputs(call)) == []
    leaves = [t.requires_grad_() for t in inputs(spread).values()]
    rows, *_ = dispatch.layer(spread)
    plain = [t.detach().clone().requires_grad_() for t in inputs(call).values()]
    wanted, *_ = dispatch.layer(call.replaced([*plain, *call.tensors[len(plain) :]]))
    for a, b in zip(
        torch.autograd.grad(rows.sum(), leaves, allow_unused=True),
        torch.autograd.grad(wanted.sum(), plain, allow_unused=True),
        strict=True,
    ):
        assert_agree(a, b, share=0)


# --- letters -------------------------------------------------------------------------------------------
@pytest.mark.parametrize("cell", of_each_kind_fast(EVERY), ids=repr)
def test_recorded_letters(cell):
    call = draw_call(cell, directions=2, resets=True, record=True)
    (rows, state, found), (_, _, wanted) = on("compiled", call), on("reference", call)
    assert len(found) == len(wanted) == 2
    for ours, expected in zip(found, wanted, strict=True):
        assert ours.keys() == expected.keys()
        for letter, value in expected.items():
            assert_agree(ours[letter], value, name=letter)
    quiet = on("compiled", replace(call, record=False))
    assert torch.equal(rows, quiet[0])
    assert all(map(torch.equal, state, quiet[1]))


def test_recording_in_training_changes_no_gradient():
    call = draw_call(LSTM, directions=2)
    assert same_bits(with_gradients(replace(call, record=True)), with_gradients(call)) == []


# --- single precision ----------------------------------------------------------------------------------
@pytest.mark.parametrize("cell", of_each_kind_fast(cell for cell in EVERY if cell.name != "hbv"), ids=repr)
def test_single_precision(cell, record_property):
    """Against the reference in double precision on the same numbers; weights as they are drawn for 40 units.

    Numbers at random are no catchment, whose thresholds then multiply errors: test_process_models.py has that of hbv.
    """
    call = converted(draw_call(cell, (30, 21, 13, 13, 5, 1, 0), 24, 40, directions=2, scale=40**-0.5), torch.float32)
    found = with_gradients(call)
    worst = errors(found, with_gradients(converted(call, torch.float64), "reference"))
    assert {value.dtype for value in found.values()} == {torch.float32}
    for name, value in worst.items():
        assert value <= (GRADIENTS if name.startswith("d ") else OUTPUTS), name
    record_property("outputs", max(v for n, v in worst.items() if not n.startswith("d ")))
    record_property("gradients", max(v for n, v in worst.items() if n.startswith("d ")))


# --- register widths -----------------------------------------------------------------------------------
# What a register's lanes change: loads and stores, which the LSTM has, and sums of a row, which LayerNorm has.
WIDTHS = [*product([LSTM, LAYER_NORM], [64, 32, 16, 8]), (GRU, 32), (EVERY[-1], 16)]


@pytest.mark.slow  # kernels that no other test compiles
@pytest.mark.parametrize(("cell", "register"), WIDTHS, ids=repr)
def test_every_register_width(cell, register, monkeypatch):
    monkeypatch.setattr(binding, "kernel", functools.partial(kernel, register_bytes=register))
    call = draw_call(cell, (5, 4, 2, 2, 1, 1, 1, 0), inputs=3, hidden=9, directions=2, resets=True, fresh=True)
    agree_in_double(call)
    single = converted(call, torch.float32)
    kernels = binding.LayerBinding(single).kernel
    assert kernels.tile.lanes.width * 4 == register
    wanted = with_gradients(converted(single, torch.float64), "reference")
    for name, value in errors(with_gradients(single), wanted).items():
        assert value <= 2e-5, name  # weights of this size amplify; what counts here is which lane went where
