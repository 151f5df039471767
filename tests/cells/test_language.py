"""The words of the language mean what PyTorch's mean, and take numbers on either side."""

import math

import numpy as np
import pytest
import torch

import cellwright
from agreement import assert_agree
from cellwright import Recurrent, use_backend
from cellwright.backends import reference
from cellwright.cells import CELLS
from cellwright.cells.definition import PER_UNIT, cell
from cellwright.cells.derived import zoneout
from cellwright.cells.formulas import equations, latex
from cellwright.cells.language import (
    State,
    amax,
    atan,
    constant,
    cos,
    detach,
    maximum,
    minimum,
    power,
    select,
    sigmoid,
    sin,
    softmax,
    spike,
    standardise,
    straight_through,
    tanh,
    total,
)
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
    assert_agree(program(named, (5, 4), lambda name, operand: operand), {"h": 2 * a, "c": 1 - b / 4})


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


# --- functions, and what reduces the units of a row ----------------------------------------------------
def _leaf(*shape):
    return torch.randn(*shape, dtype=torch.float64, requires_grad=True)


def _same_value_and_gradient(found, wanted, leaf):
    d = torch.randn_like(wanted)
    assert_agree(found.detach(), wanted.detach())
    assert_agree(*(torch.autograd.grad(y, leaf, d, retain_graph=True)[0] for y in (found, wanted)))


FUNCTIONS = {
    "sin": (sin, torch.sin),
    "cos": (cos, torch.cos),
    "atan": (atan, torch.atan),
    "power of numbers": (
        lambda a: power(a, 3) + power(2.5, a) + abs(a) ** -0.5,
        lambda a: a**3 + 2.5**a + abs(a) ** -0.5,
    ),
    "power of values": (lambda a: power(abs(a), a), lambda a: torch.pow(a.abs(), a)),
    "total": (total, lambda a: a.sum(-1, keepdim=True)),
    "amax": (amax, lambda a: a.max(-1, keepdim=True).values),
    "softmax": (softmax, lambda a: torch.softmax(a, -1)),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_word_is_the_function_of_torch(name):
    ours, torch_s = FUNCTIONS[name]
    leaf = _leaf(3, 7)
    _same_value_and_gradient(ours(leaf), torch_s(leaf), leaf)


@pytest.mark.parametrize("where", ["reference", "compiled"])
def test_a_phase_goes_round_as_torch_s_remainder(where):
    @cell(inputs="dt", state="phase", parameters={"period": PER_UNIT})
    def turning(x, s, p):
        return State(phase=(s.phase + x.dt) % p.period)

    layer = Recurrent(turning, 1, 5, dtype=torch.float64)
    with torch.no_grad():
        layer.period_l0.copy_(torch.tensor([0.3, 0.7, 1.1, -0.9, 2.3]))
    dt, period = torch.randn(9, 4, 1, dtype=torch.float64, requires_grad=True), layer.period_l0
    phases = [torch.zeros(4, 5, dtype=torch.float64)]
    for step in dt:
        phases.append(torch.remainder(phases[-1] + step, period))
    with use_backend(where):
        found = layer(dt)[0]
    wanted, d = torch.stack(phases[1:]), torch.randn(9, 4, 5, dtype=torch.float64)
    assert_agree(found.detach(), wanted.detach())
    assert_agree(*(torch.autograd.grad(y, [dt, period], d) for y in (found, wanted)))


@pytest.mark.parametrize("where", ["reference", "compiled"])
def test_a_rest_that_is_no_number_has_the_gradients_of_one_that_is(where):
    """The reference had NaN of 0 / 0, the gradient of a whole quotient through the quotient; kernels had not."""

    @cell(inputs="a b", state="rest")
    def parted(x, s):
        return State(rest=x.a % x.b)

    a = [1.0, -1.0, math.inf, math.nan, 1.0, 0.0, 5.5]
    b = [0.0, math.inf, 1.0, 1.0, math.nan, 0.0, 2.0]
    a, b = (torch.tensor(values, dtype=torch.float64).view(1, -1, 1).requires_grad_() for values in (a, b))
    with use_backend(where):
        rest = Recurrent(parted, 2, 1, dtype=torch.float64)({"a": a, "b": b})[0]
    d_a, d_b = torch.autograd.grad(rest.sum(), [a, b])
    assert torch.equal(d_a, torch.ones_like(a))
    assert torch.equal(d_b.nan_to_num(7.0), -(a / b).detach().floor().nan_to_num(-7.0))


@pytest.mark.parametrize("where", ["reference", "compiled"])
def test_what_comparisons_alone_make_has_gradients_of_zero(where):
    """The reference gave an output without a gradient, and a training step ended in torch's RuntimeError."""

    @cell(inputs="a", state="h")
    def above(x, s):
        return State(h=select(x.a > s.h, 1, 0))

    a = torch.randn(3, 2, 1, requires_grad=True)
    with use_backend(where):
        output, last = Recurrent(above, 1, 2)(a)
    assert not torch.cat(torch.autograd.grad(output.sum() + last.sum(), [a])).any()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("where", ["reference", "compiled"])
def test_what_is_left_of_one_is_never_below_zero(where, dtype):
    @cell(inputs="a", state="h")
    def left(x, s):
        return State(h=x.a % 1)

    least = torch.finfo(dtype).tiny
    values = [-least, least, -1.0, -0.3, 2.5, -2.5, 1e10, -1e10, 1e-9, -1e-9, -1 / 3, 0.0]
    layer = Recurrent(left, 1, 5, dtype=dtype)
    with use_backend(where):
        found = layer(torch.tensor(values, dtype=dtype).view(-1, 1, 1))[0]
    assert (found >= 0).all()
    assert (found <= 1).all()


def test_softmax_does_not_overflow():
    leaf = torch.tensor([[1e4, 1e4 - 1, -1e4], [-1e5, -1e5, -1e5]], dtype=torch.float64, requires_grad=True)
    _same_value_and_gradient(softmax(leaf), torch.softmax(leaf, -1), leaf)


def test_softmax_may_be_a_gate():
    @minimal
    def good(x, u, s):
        i = softmax(x.i + u.i)
        return State(h=s.h + i * tanh(x.g + u.g))

    assert str(good.trace.letters["i"]) == "softmax(x.i + u.i)"


# --- gradients of something else -----------------------------------------------------------------------
SURROGATES = {
    ("atan", None): lambda v: 1 / (1 + (math.pi * v) ** 2),
    ("atan", 3.0): lambda v: 1.5 / (1 + (math.pi / 2 * 3.0 * v) ** 2),
    ("fast_sigmoid", None): lambda v: 1 / (1 + 25 * v.abs()) ** 2,
    ("fast_sigmoid", 4.0): lambda v: 1 / (1 + 4 * v.abs()) ** 2,
    ("sigmoid", None): lambda v: 25 * torch.exp(-25 * v) / (torch.exp(-25 * v) + 1) ** 2,
    ("sigmoid", 2.0): lambda v: 2 * torch.exp(-2 * v) / (torch.exp(-2 * v) + 1) ** 2,
    ("triangle", None): lambda v: (1 - v.abs()).clamp(min=0),
    ("triangle", 2.0): lambda v: 2 * (1 - 2 * v.abs()).clamp(min=0),
}


@pytest.mark.parametrize(("surrogate", "scale"), SURROGATES, ids=str)
def test_a_spike_has_the_gradient_that_its_surrogate_is_published_with(surrogate, scale):
    """The derivatives as snnTorch 1.0 and the papers write them; differentiable once more."""
    derivative = SURROGATES[surrogate, scale]
    v = torch.tensor([-1.3, -0.7, -0.2, -1e-9, 0.0, 1e-9, 0.05, 0.3, 0.9, 4.0], dtype=torch.float64, requires_grad=True)
    z = spike(v, surrogate, scale)
    assert torch.equal(z.detach(), (v > 0).double())
    (first,) = torch.autograd.grad(z.sum(), v, create_graph=True)
    assert_agree(first.detach(), derivative(v).detach(), share=1e-14)
    smooth = v.detach() != 0
    (second,) = torch.autograd.grad(first.sum(), v)
    (wanted,) = torch.autograd.grad(derivative(v).sum(), v)
    assert_agree(second[smooth], wanted[smooth], share=1e-12)


def test_straight_through_has_the_value_of_one_and_the_gradient_of_the_other():
    a, b = _leaf(3, 4), _leaf(3, 4)
    _same_value_and_gradient(straight_through(torch.round(a), a), a.round() + a - a.detach(), a)
    y = straight_through(a * a, torch.sin(b))
    assert torch.equal(y.detach(), (a * a).detach())
    ours = torch.autograd.grad(y.sum(), [a, b], materialize_grads=True)
    assert_agree(ours, (torch.zeros_like(a), torch.cos(b).detach()))
    assert torch.equal(straight_through(0.5, b).detach(), torch.full_like(b, 0.5))
    assert not straight_through(a, 0.0).requires_grad
    assert not detach(a).requires_grad


def test_gradients_of_something_else_hold_under_vmap_and_func():
    v = torch.linspace(-2, 2, 12, dtype=torch.float64).view(3, 4)
    found = torch.vmap(torch.func.grad(lambda v: (spike(v) * v.detach()).sum()))(v)
    assert_agree(found, v / (1 + (math.pi * v) ** 2))


# --- constants -----------------------------------------------------------------------------------------
@minimal
def leaky(x, u, s):
    """Numbers with letters."""
    keep, half = constant(0.9), constant(0.5)
    i = sigmoid(x.i + u.i)
    return State(h=keep * s.h + (1 - keep) * i * tanh(x.g + u.g) + half)


def test_a_constant_is_shown_by_its_letter():
    assert equations(leaky) == [
        "k = 0.9",
        "half = 0.5",
        "i_t = σ(x_i + u_i)",
        "h_t = k · h_{t−1} + (1 − k) · i_t · tanh(x_g + u_g) + half",
    ]
    assert latex(leaky).splitlines()[1:3] == [r"  k &= 0.9 \\", r"  \mathrm{half} &= 0.5 \\"]
    assert "k · h_{t−1} + (1 − k) · i_t" in " ".join(equations(zoneout(leaky)))


def test_a_constant_is_a_number_and_nothing_to_record():
    assert list(leaky.trace.letters) == ["i"]
    assert [e.number for e in leaky.trace.order if e.op == "number"] == [0.9, 1 - 0.9, 0.5]
    k = constant(0.25)
    assert [k + 1, 1 + k, k - 1, 1 - k, 2 * k, k / 2, 2 / k, k**2, 2**k, -k] == (
        [1.25, 1.25, -0.75, 0.75, 0.5, 0.125, 8, 0.0625, 2**0.25, -0.25]
    )
    x, u, s = (torch.randn(2, 5, 4, dtype=torch.float64) for _ in range(3))
    found = leaky(leaky.Projections(*x), leaky.Projections(*u), leaky.States(s[0]))
    wanted = 0.9 * s[0] + (1 - 0.9) * torch.sigmoid(x[0] + u[0]) * torch.tanh(x[1] + u[1]) + 0.5
    assert_agree(found.h, wanted)


# --- a division that the step guards -------------------------------------------------------------------
@pytest.mark.parametrize("path", ["compiled", "reference"])
def test_a_guarded_division_has_a_gradient_where_its_divisor_is_limited(path):
    """A choice between a quotient and a number multiplies the quotient's gradient by 0, and 0 · ∞ is no number."""

    def gradient(guarded):
        @cell(projections="a b", gates="", state="h")
        def divided(x, u, s):
            b = (x.b + u.b).relu()
            return State(h=guarded(x.a + u.a + 1, b))

        layer = cellwright.Recurrent(divided, 3, 8, dtype=torch.float64)
        with torch.no_grad():
            for weight in layer.parameters():
                weight.uniform_(-1, 1, generator=torch.Generator().manual_seed(0))
        with cellwright.use_backend(path):
            output = layer(torch.randn(5, 2, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1)))[0]
            assert output.isfinite().all()
            return torch.cat([g.ravel() for g in torch.autograd.grad(output.sum(), list(layer.parameters()))])

    assert gradient(lambda a, b: select(b > 0, a / b, 0)).isnan().any()
    assert gradient(lambda a, b: select(b > 0, a / maximum(b, 1e-6), 0)).isfinite().all()
