"""The kernels against the reference: every cell, both precisions, every register width, lengths, resets, sizes."""

import copy
import functools
import io
import pickle
from dataclasses import replace

import pytest
import torch

from agreement import assert_agree, errors
from calls import (
    DERIVED,
    EVERY,
    RAGGED,
    alone,
    converted,
    draw_call,
    inputs,
    of_sequence,
    on,
    outputs,
    same_bits,
    with_gradients,
)
from cellwright.backends import dispatch
from cellwright.backends.kernels import binding, partition
from cellwright.cells import CELLS
from cellwright.compiler.kernel import kernel

OUTPUTS, GRADIENTS = 2e-6, 1e-5  # of single precision, relative to the largest; the targets
DOUBLE = 1e-12

LSTM, GRU, SLSTM, LAYER_NORM = (CELLS[name] for name in ("lstm", "gru", "slstm", "layer-norm-lstm"))


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Threads that wait for each other make small tests slow on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


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
@pytest.mark.parametrize("cell", EVERY, ids=repr)
def test_every_cell(cell, directions):
    """Ragged with a sequence of no step; states not zero, and gradients into them; every weight different."""
    agree_in_double(draw_call(cell, directions=directions))


@pytest.mark.parametrize("fresh", [False, True], ids=["to zero", "to fresh states"])
@pytest.mark.parametrize("cell", EVERY, ids=repr)
def test_every_cell_with_resets(cell, fresh):
    agree_in_double(draw_call(cell, (6, 5, 2, 1, 0), directions=2, resets=True, fresh=fresh))


@pytest.mark.parametrize("cell", EVERY, ids=repr)
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
    columns = binding.LayerBinding(call).padded * len(cell.projections)
    monkeypatch.setattr(binding, "CHUNK_BYTES", rows * columns * 8)
    agree_in_double(call)


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
@pytest.mark.parametrize("cell", EVERY, ids=repr)
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
@pytest.mark.parametrize("cell", EVERY, ids=repr)
def test_single_precision(cell, record_property):
    """Against the reference in double precision on the same numbers; weights as they are drawn for 40 units."""
    call = converted(draw_call(cell, (30, 21, 13, 13, 5, 1, 0), 24, 40, directions=2, scale=40**-0.5), torch.float32)
    found = with_gradients(call)
    worst = errors(found, with_gradients(converted(call, torch.float64), "reference"))
    assert {value.dtype for value in found.values()} == {torch.float32}
    for name, value in worst.items():
        assert value <= (GRADIENTS if name.startswith("d ") else OUTPUTS), name
    record_property("outputs", max(v for n, v in worst.items() if not n.startswith("d ")))
    record_property("gradients", max(v for n, v in worst.items() if n.startswith("d ")))


# --- register widths -----------------------------------------------------------------------------------
@pytest.fixture(params=[64, 32, 16, 8], ids=lambda size: f"{size} bytes")
def register(request, monkeypatch):
    monkeypatch.setattr(binding, "kernel", functools.partial(kernel, register_bytes=request.param))
    return request.param


@pytest.mark.parametrize("cell", [LSTM, GRU, LAYER_NORM, EVERY[-1]], ids=repr)
def test_every_register_width(cell, register):
    call = draw_call(cell, (5, 4, 2, 2, 1, 1, 1, 0), inputs=3, hidden=9, directions=2, resets=True, fresh=True)
    agree_in_double(call)
    single = converted(call, torch.float32)
    kernels = binding.LayerBinding(single).kernel
    assert kernels.tile.lanes.width * 4 == register
    wanted = with_gradients(converted(single, torch.float64), "reference")
    for name, value in errors(with_gradients(single), wanted).items():
        assert value <= 2e-5, name  # weights of this size amplify; what counts here is which lane went where


# --- autograd ------------------------------------------------------------------------------------------
def _leaves(call):
    leaves = [t.detach().clone().requires_grad_() for t in inputs(call).values()]
    return leaves, call.replaced([*leaves, *call.tensors[len(leaves) :]])


def test_backward_twice_gives_the_gradient_twice():
    leaves, call = _leaves(draw_call(LSTM, directions=2))
    loss = dispatch.layer(call)[0].sum()
    loss.backward(retain_graph=True)
    once = [leaf.grad.clone() for leaf in leaves]
    loss.backward()
    for leaf, grad in zip(leaves, once, strict=True):
        assert torch.equal(leaf.grad, 2 * grad)
    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        loss.backward()


@pytest.mark.parametrize("cell", [LSTM, GRU, CELLS["peephole"]], ids=repr)
def test_gradients_of_some_inputs_only(cell):
    """One input at a time: its gradient is what it is when all are asked for; the others get none."""
    call = draw_call(cell, directions=2, resets=True, fresh=True)
    wanted = with_gradients(call)
    generator = torch.Generator().manual_seed(7)
    shapes = [wanted["rows"].shape, *(wanted[f"final {s}"].shape for s in cell.states)]
    factors = [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes]
    for k, name in enumerate(inputs(call)):
        tensors = [t.detach().clone().requires_grad_(i == k) for i, t in enumerate(call.tensors)]
        rows, state, _ = dispatch.layer(call.replaced(tensors))
        sum((a * b).sum() for a, b in zip((rows, *state), factors, strict=True)).backward()
        assert [t.grad is not None for t in tensors] == [i == k for i in range(len(tensors))]
        assert torch.equal(tensors[k].grad, wanted[f"d {name}"]), name


def test_a_gradient_of_one_output_only():
    """What the loss does not use counts as zero: final states alone, and one direction of the rows alone."""
    for pick in (lambda rows, state: state[1].sum(), lambda rows, state: rows[:, :5].sum()):
        gradients = {}
        for path in ("compiled", "reference"):
            leaves, call = _leaves(draw_call(LSTM, directions=2))
            rows, state, _ = on(path, call)
            gradients[path] = torch.autograd.grad(pick(rows, state), leaves, materialize_grads=True)
        for ours, wanted in zip(*gradients.values(), strict=True):
            assert_agree(ours, wanted)


def test_no_gradient_is_recorded_when_none_is_asked_for():
    leaves, call = _leaves(draw_call(LSTM))
    with torch.no_grad():
        assert not dispatch.layer(call)[0].requires_grad
    with torch.inference_mode():
        quiet = dispatch.layer(call)[0]
        assert quiet.is_inference()
    frozen = call.replaced([t.detach() for t in call.tensors])
    assert dispatch.layer(frozen)[0].grad_fn is None
    assert torch.equal(dispatch.layer(call)[0], quiet)
    assert leaves[0].grad is None


@pytest.mark.parametrize("cell", EVERY, ids=repr)
def test_inputs_are_never_written(cell):
    call = draw_call(cell, directions=2, resets=True, fresh=True, record=True)
    before = [t.clone() for t in [*call.tensors, *call.resets]]
    with_gradients(call)
    outputs(call)
    leaves, again = _leaves(call)
    rows, state, _ = dispatch.layer(again)
    d_rows = torch.ones_like(rows)
    torch.autograd.backward([rows, *state], [d_rows, *(torch.ones_like(s) for s in state)])
    assert (d_rows == 1).all()
    for t, old in zip([*call.tensors, *call.resets], before, strict=True):
        assert torch.equal(t, old)
    for leaf, old in zip(leaves, before, strict=False):
        assert torch.equal(leaf, old)


def test_an_input_changed_before_backward_is_an_error():
    leaves, call = _leaves(draw_call(LSTM))
    rows = dispatch.layer(call)[0]
    with torch.no_grad():
        leaves[0].mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        rows.sum().backward()


def test_outputs_may_be_changed_before_backward():
    """The backward pass reads none of them."""
    gradients = []
    for change in (False, True):
        leaves, call = _leaves(draw_call(LSTM, directions=2))
        rows, state, _ = dispatch.layer(call)
        loss = rows.sum() + state[1].sum()
        if change:
            with torch.no_grad():
                rows.zero_()
                state[0].fill_(7)
        gradients.append(torch.autograd.grad(loss, leaves))
    assert all(map(torch.equal, *gradients))


def test_saved_tensors_go_through_hooks():
    """As activation offloading does it: everything that backward reads passes through bytes."""
    packed = []

    def pack(tensor):
        packed.append(tensor.numel())
        return pickle.dumps(tensor.detach().numpy())

    def unpack(data):
        return torch.from_numpy(pickle.loads(data))

    wanted = with_gradients(draw_call(LSTM, directions=2))
    with torch.autograd.graph.saved_tensors_hooks(pack, unpack):
        found = with_gradients(draw_call(LSTM, directions=2))
    assert same_bits(found, wanted) == []
    assert sum(packed) > 0


def test_checkpointing_recomputes_the_same_bits():
    call = draw_call(GRU, directions=2)
    results = []
    for checkpointed in (False, True):
        leaves, again = _leaves(call)

        def run(again=again):
            return dispatch.layer(again)[0]

        rows = torch.utils.checkpoint.checkpoint(run, use_reentrant=False) if checkpointed else run()
        results.append(torch.autograd.grad(rows.square().sum(), leaves))
    assert all(map(torch.equal, *results))


def test_outputs_are_tensors_like_any_other():
    call = draw_call(LSTM, directions=2)
    rows, state, _ = dispatch.layer(call)
    for value in (rows, *state):
        assert torch.equal(copy.deepcopy(value), value)
        assert torch.equal(pickle.loads(pickle.dumps(value)), value)
        file = io.BytesIO()
        torch.save(value, file)
        assert file.tell() < 2000 + value.numel() * 8  # no larger buffer comes with it
        file.seek(0)
        assert torch.equal(torch.load(file), value)


@pytest.mark.parametrize("cell", CELLS.values(), ids=repr)
@pytest.mark.parametrize("sizes", [(3, 16), (1, 1), (64, 64)], ids=str)
def test_gradients_and_letters_keep_no_more_than_their_own_bytes(cell, sizes):
    """Kernels write whole registers: a gradient of 3 features kept 21 times its bytes, and had no view(-1)."""
    for projected in (0, sizes[1] // 2) if cell.name == "lstm" else (0,):
        call = draw_call(
            cell, inputs=sizes[0], hidden=sizes[1], directions=2, projected=projected, record=not projected
        )
        leaves, again = _leaves(converted(call, torch.float32))
        rows, state, letters = dispatch.layer(again)
        gradients = torch.autograd.grad(rows.sum() + sum(s.sum() for s in state), leaves)
        for values in (rows, *state, *gradients, *(v for one in letters for v in one.values())):
            assert values.view(-1).numel() == values.numel()
            assert values.untyped_storage().nbytes() == values.nbytes


def test_a_tensor_given_twice_has_one_gradient_the_sum():
    """Tied directions, under backward and under create_graph."""
    call = draw_call(CELLS["rnn"], directions=2)
    w = call.weights[0].input.clone().requires_grad_()
    tied = replace(call, weights=[one.replaced([w, *one.flat[1:]]) for one in call.weights])
    first, second = {}, {}
    for path in ("compiled", "reference"):
        for create_graph in (False, True):
            rows = on(path, tied)[0]
            (g,) = torch.autograd.grad(rows.sin().sum(), w, create_graph=create_graph)
            first[path, create_graph] = g.detach()
        (second[path],) = torch.autograd.grad(g.sin().sum(), w)
    for found in first.values():
        assert_agree(found, first["reference", False])
    assert_agree(second["compiled"], second["reference"])


# --- what a call may hold that numbers should not ------------------------------------------------------
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
    """maximum and minimum hand NaN on from either operand, as torch's do; comparisons with NaN are false."""
    for cell in EVERY:
        call = draw_call(cell, (4, 3, 1))
        call.rows[0, 0] = float("nan")
        call.rows[1, 1] = float("inf")
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
