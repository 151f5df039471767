"""Small calls of frozen layers, bound by the first of their shape."""

from __future__ import annotations

import threading

import pytest
import torch

import cellwright
from agreement import assert_agree, double
from cellwright.nn import ready


def layer_of(cell: str = "lstm", **options) -> cellwright.Recurrent:
    torch.manual_seed(0)
    return cellwright.Recurrent(cell, 12, 20, **options).eval()


def inputs(*shape: int) -> list[torch.Tensor]:
    """Several of a shape."""
    random = torch.Generator().manual_seed(1)
    return [torch.randn(*shape, 12, generator=random) for _ in range(3)]


@pytest.fixture
def bindings(monkeypatch) -> list[object]:
    """What calls were bound to."""
    found: list[object] = []
    original = ready._bind
    monkeypatch.setattr(ready, "_bind", lambda *a: (found.append(original(*a)), found[-1])[1])
    return found


OPTIONS = [
    {},
    {"num_layers": 2, "bidirectional": True},
    {"proj_size": 6, "num_layers": 2},
    {"batch_first": True},
    {"learn_initial_state": True},
]


@pytest.mark.parametrize("given", [False, True], ids=["no hx", "hx"])
@pytest.mark.parametrize("shape", [(7, 5), (1, 1), (7,)], ids=str)
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("cell", ["lstm", "gru", "peephole"])
def test_each_call_gives_the_bits_of_the_long_way_and_is_bound_once(bindings, cell, options, shape, given):
    if cell != "lstm" and "proj_size" in options:
        pytest.skip("only the LSTM is projected")
    layer, plain = layer_of(cell, **options), layer_of(cell, **options)
    if layer.learn_initial_state:
        for name in ("initial_h", "initial_c")[: len(layer.cell.states)]:
            for one in (layer, plain):
                torch.nn.init.ones_(getattr(one, name))
    layer.freeze()
    found = []
    with torch.inference_mode():
        for x in inputs(*shape):
            hx = None
            if given:
                sizes = layer(x)[1]
                every = (sizes,) if isinstance(sizes, torch.Tensor) else sizes
                state = tuple(torch.full_like(s, x.mean().item()) for s in every)
                hx = state if len(state) > 1 else state[0]
            with cellwright.use_backend("compiled"):
                wanted = plain(x, hx)
            found.append((layer(x, hx), wanted))
    for one, other in found:  # after all calls: a result is its own memory
        for a, b in zip(torch.utils._pytree.tree_leaves(one), torch.utils._pytree.tree_leaves(other), strict=True):
            assert torch.equal(a, b)
            assert a.is_contiguous() == b.is_contiguous()
    assert len(bindings) == 1 + given
    assert None not in bindings


def test_a_call_within_inference_mode_and_one_outside_are_bound_together(bindings):
    layer, (x, *_) = layer_of().freeze(), inputs(7, 5)
    with torch.inference_mode():
        inside = layer(x)[0]
    with torch.no_grad():
        outside = layer(x)[0]
    assert torch.equal(inside, outside)
    assert inside.is_inference()
    assert not outside.is_inference()
    assert len(bindings) == 1


def test_threads_of_python_share_a_layer():
    layer, xs = layer_of().freeze(), inputs(40, 5)
    with torch.inference_mode():
        wanted = [layer(x)[0] for x in xs]
    wrong: list[int] = []

    def work(k: int) -> None:
        for _ in range(50):
            with torch.inference_mode():
                if not torch.equal(layer(xs[k])[0], wanted[k]):
                    wrong.append(k)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_layer_keeps_so_many_shapes():
    layer = layer_of().freeze()
    with torch.inference_mode():
        for steps in range(1, 40):
            layer(torch.zeros(steps, 1, 12))
    assert len(layer._frozen.ready) == 16


@pytest.mark.parametrize("bad", [torch.zeros(3, 2, 11), torch.zeros(3, 2, 12, dtype=torch.float64), torch.zeros(3)])
def test_a_wrong_input_is_refused_as_ever(bad):
    layer, messages = layer_of(), []
    for one in (layer, layer_of().freeze()):
        with torch.no_grad(), pytest.raises((RuntimeError, ValueError)) as caught:
            one(bad)
        messages.append(str(caught.value))
    assert messages[0] == messages[1]


def test_a_wrong_state_is_refused_as_ever():
    layer = layer_of().freeze()
    with torch.no_grad(), pytest.raises((RuntimeError, ValueError), match="Recurrent"):
        layer(torch.zeros(3, 2, 12), (torch.zeros(1, 2, 20), torch.zeros(1, 2, 19)))


def test_gradients_precision_and_backends_are_asked_for_at_every_call(bindings):
    layer, (x, *_) = layer_of().freeze(), inputs(7, 5)
    with torch.no_grad():
        exact = layer(x)[0]
        with cellwright.use_backend("reference"):
            assert_agree(layer(x)[0], double(exact))
        with cellwright.use_matmul_precision("medium"), cellwright.use_backend("compiled"):
            assert torch.equal(layer(x)[0], layer_of()(x)[0])
    assert len(bindings) == 2
    with pytest.raises(RuntimeError, match="would want a gradient"):
        layer(x)
    with torch.no_grad():
        layer.weight_hh_l0.add_(1)
        with pytest.raises(RuntimeError, match="have changed"):
            layer(x)


@pytest.mark.usefixtures("backends_by_size")
def test_small_calls_of_a_frozen_layer_are_the_kernels_and_said_to_be():
    x = torch.randn(1, 1, 12)
    with torch.no_grad():
        assert layer_of().explain(x).name == "torch"
        assert layer_of().freeze().explain(x).name == "compiled"
        with cellwright.use_backend("torch"):
            assert layer_of().freeze().explain(x).name == "torch"
