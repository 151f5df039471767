"""torch.func, forward mode, second derivatives and tools that watch operations: the layer goes where it has rules."""

import pytest
import torch
from torch._subclasses import FakeTensorMode
from torch.autograd import forward_ad
from torch.func import functional_call, grad, jacfwd, jacrev, jvp, vmap
from torch.utils.flop_counter import FlopCounterMode

import cellwright
from agreement import assert_agree

# One with kernels of torch's own, one without, one that normalises over the units.
CELLS = ["lstm", "slstm", "layer-norm-gru"]
X = torch.linspace(-2, 2, 5 * 4 * 3, dtype=torch.float64).view(5, 4, 3).sin()


def layer_of(cell):
    torch.manual_seed(0)
    return cellwright.Recurrent(cell, 3, 2, 2, bidirectional=True, dtype=torch.float64)


@pytest.mark.parametrize("lengths", [None, [3]], ids=["whole", "lengths"])
@pytest.mark.parametrize("cell", CELLS)
def test_pytorch_134606_112459_gradients_of_each_sample(cell, lengths):
    """vmap over grad, against one backward pass a sample on the kernels."""
    layer = layer_of(cell)
    weights = {name: p.detach() for name, p in layer.named_parameters()}

    def loss(weights, sample):
        return functional_call(layer, weights, (sample[:, None],), {"lengths": lengths})[0].square().sum()

    found = vmap(grad(loss), (None, 1))(weights, X)
    for k in range(X.shape[1]):
        layer.zero_grad()
        assert layer.explain(X[:, k : k + 1], lengths=lengths).name == "compiled"
        layer(X[:, k : k + 1], lengths=lengths)[0].square().sum().backward()
        for name, weight in layer.named_parameters():
            assert_agree(found[name][k], weight.grad)


@pytest.mark.parametrize("cell", CELLS)
def test_forward_mode_agrees_with_differences(cell):
    layer = layer_of(cell)
    tangent = X.cos()
    _, found = jvp(lambda x: layer(x, lengths=[5, 0, 2, 3])[0], (X,), (tangent,))
    step = 1e-6
    ahead, behind = (layer(X + s * tangent, lengths=[5, 0, 2, 3])[0] for s in (step, -step))
    assert_agree(found, (ahead - behind) / (2 * step), share=1e-7)


@pytest.mark.parametrize("cell", CELLS)
def test_forward_and_reverse_mode_agree(cell):
    layer = layer_of(cell)

    def last(x):
        return layer(x, return_sequences=False)[0]

    assert_agree(jacfwd(last)(X[:, :2]), jacrev(last)(X[:, :2]))


@pytest.mark.slow
@pytest.mark.parametrize("cell", CELLS)
def test_pytorch_5261_second_derivatives(cell):
    layer, x = layer_of(cell), X[:2, :2].clone().requires_grad_()
    assert layer.explain(x, lengths=[2, 1]).name == "compiled"
    assert torch.autograd.gradgradcheck(lambda x: layer(x, lengths=[2, 1])[0], [x])


@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, {"checkpoint_every": 1}], ids=str)
@pytest.mark.parametrize("lengths", [None, [2, 1], [0, 0]], ids=str)
@pytest.mark.parametrize("cell", CELLS)
def test_gradcheck_as_torch_calls_it(cell, lengths, options):
    """Batched gradients, undefined ones and forward mode; the kernels stay the choice."""
    torch.manual_seed(0)
    layer, x = cellwright.Recurrent(cell, 3, 2, dtype=torch.float64, **options), X[:2, :2].clone().requires_grad_()
    assert layer.explain(x, lengths=[2, 1]).name == "compiled"

    def function(x):
        output, state = layer(x, lengths=lengths)
        return output, *state

    checks = {"check_batched_grad": True, "check_undefined_grad": True, "check_forward_ad": True}
    assert torch.autograd.gradcheck(function, [x], check_batched_forward_grad=True, fast_mode=True, **checks)
    assert torch.autograd.gradgradcheck(
        function, [x], check_batched_grad=True, check_fwd_over_rev=True, check_rev_over_rev=True, fast_mode=True
    )


@pytest.mark.parametrize("options", [{}, {"checkpoint_every": 2}], ids=str)
def test_vectorised_jacobians_and_hessians(options):
    """Of torch.autograd.functional, against torch.nn one row at a time."""
    theirs = torch.nn.LSTM(3, 2, 2, bidirectional=True, dtype=torch.float64)
    ours = cellwright.LSTM(3, 2, 2, bidirectional=True, dtype=torch.float64, **options)
    ours.load_state_dict(theirs.state_dict())
    x = X[:, :2]
    of = torch.autograd.functional
    expected = of.jacobian(lambda x: theirs(x)[0], x)
    for strategy in ("reverse-mode", "forward-mode"):
        found = of.jacobian(lambda x: ours(x)[0], x, vectorize=True, strategy=strategy)
        assert_agree(found, expected)
    expected = of.hessian(lambda x: theirs(x)[0].pow(3).sum(), x)
    assert_agree(of.hessian(lambda x: ours(x)[0].pow(3).sum(), x, vectorize=True), expected)


@pytest.mark.parametrize("options", [{}, {"checkpoint_every": 2}], ids=str)
def test_vmap_over_a_backward_pass(options):
    layer, x = cellwright.GRU(3, 2, dtype=torch.float64, **options), X.clone().requires_grad_()
    output, _ = layer(x)
    several = torch.randn(3, *output.shape, dtype=torch.float64)

    def gradient(cotangent):
        return torch.autograd.grad(output, x, cotangent, retain_graph=True)[0]

    assert_agree(vmap(gradient)(several), torch.stack([gradient(one) for one in several]))


@pytest.mark.parametrize(("cell", "other"), [("slstm", "; torch has no kernel for the cell slstm"), ("lstm", "")])
def test_explain_says_so(cell, other):
    layer = layer_of(cell)

    def reason(x):
        said.append(str(layer.explain(x)))
        return x.sum()

    said = []
    vmap(reason, 1)(X[:, :, None])
    grad(reason)(X)
    with forward_ad.dual_level():
        reason(X)
    assert said == [
        f"reference: {why}{other}"
        for why in (
            "kernels do not know torch.func's transformations",
            "kernels do not know torch.func's transformations",
            "kernels have no forward-mode derivative, and the call is within a dual_level",
        )
    ]
    with FlopCounterMode(display=False):
        assert "a torch dispatch mode is on" in layer.explain(X).reason


@pytest.mark.parametrize("cell", CELLS)
def test_tools_that_watch_operations_see_them(cell):
    layer = layer_of(cell)
    with FlopCounterMode(display=False) as counter:
        layer(X)
    products = sum(w.numel() for one in layer.all_weights for w in one if w.dim() == 2)
    assert counter.get_total_flops() == 2 * X.shape[0] * X.shape[1] * products


@pytest.mark.parametrize("cell", CELLS)
def test_shapes_without_numbers(cell):
    layer = layer_of(cell)
    with FakeTensorMode(allow_non_fake_inputs=True) as mode:
        assert layer(mode.from_tensor(X))[0].shape == (5, 4, 4)
    output, _ = layer.to("meta")(X.to("meta"), lengths=[5, 0, 2, 3])
    assert output.shape == (5, 4, 4)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning", "ignore::DeprecationWarning")
def test_a_program_traced_by_torch_jit_computes_anew(cell):
    layer = layer_of(cell)
    traced = torch.jit.trace(layer, (X,), check_trace=False)
    assert_agree(traced(2 * X), layer(2 * X))


def test_a_subclass_of_tensor_keeps_its_ways():
    class Logged(torch.Tensor):
        """A tensor that is asked before each operation."""

    layer = layer_of("lstm")
    output, _ = layer(X.as_subclass(Logged))
    assert isinstance(output, Logged)
    assert_agree(output.as_subclass(torch.Tensor), layer(X)[0])
