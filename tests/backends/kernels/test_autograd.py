"""What PyTorch's autograd asks of the kernels: some gradients, hooks, checkpoints, tensors of their own."""

import copy
import io
import pickle
from dataclasses import replace

import pytest
import torch

from agreement import assert_agree
from calls import SOME, converted, draw_call, inputs, on, outputs, same_bits, with_gradients
from cellwright.backends import dispatch
from cellwright.cells import CELLS

pytestmark = pytest.mark.usefixtures("one_thread")

LSTM, GRU = CELLS["lstm"], CELLS["gru"]


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


@pytest.mark.parametrize("cell", SOME, ids=repr)
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


@pytest.mark.parametrize(
    "change", [lambda t: t[:-64], lambda t: t.float(), lambda t: t.repeat(2)[::2]], ids=["shorter", "float", "strided"]
)
def test_hooks_that_give_back_another_tensor_are_refused(change):
    """Kernels read what was kept by addresses: they read beyond its end."""
    leaves, call = _leaves(draw_call(LSTM))
    with torch.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: change(t) if t.dtype == torch.uint8 else t):
        rows = on("compiled", call)[0]
        with pytest.raises(
            RuntimeError, match=r"came back to its backward pass as .*; expected torch.uint8 \(\d+,\) on"
        ):
            torch.autograd.grad(rows.sum(), leaves)


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


@pytest.mark.parametrize("cell", SOME, ids=repr)
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


def test_cotangents_may_lie_in_any_order():
    """Gradients of the states were written as if those of the final states lay one direction after the other."""
    call = draw_call(LSTM, directions=2)
    wanted = {}
    for turned in (False, True):
        leaves, again = _leaves(call)
        rows, state, _ = dispatch.layer(again)
        generator = torch.Generator().manual_seed(3)
        d = [torch.randn(t.shape, generator=generator, dtype=t.dtype) for t in (rows, *state)]
        if turned:
            d = [t.transpose(0, 1).contiguous().transpose(0, 1) for t in d]
        wanted[turned] = torch.autograd.grad((rows, *state), leaves, d)
    assert all(map(torch.equal, wanted[False], wanted[True]))


def test_states_may_lie_in_any_order():
    call = draw_call(LSTM, directions=2)
    turned = replace(call, state=[s.transpose(0, 1).contiguous().transpose(0, 1) for s in call.state])
    assert same_bits(outputs(turned), outputs(call)) == []
