"""u.n(a): a product within the step. What every table holds (calls.py has such cells), these leave out."""

import pytest
import torch

from agreement import assert_agree
from cellwright import Recurrent, use_backend, use_matmul_precision
from cellwright.cells import CELLS as LIBRARY
from cellwright.cells import cell
from cellwright.cells.derived import recurrent_dropout
from cellwright.cells.language import State, mean, sigmoid, straight_through, tanh, total
from refused_cells import refused
from threads import on_threads

CELLS = ("gru-2014", "multiplicative-lstm", "lem", "cornn")


def within(letters="a n"):
    """Declares the cell of a step with two letters."""
    return cell(projections=letters, gates="", state="h")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (lambda x, u, s: u.n(2.0), "uses u.n(2); that is one number a row; a product is of one a unit"),
        (lambda x, u, s: u.n(mean(s.h)), "uses u.n(mean(s.h)); that is one number a row; …"),
        (
            lambda x, u, s: x.n(s.h),
            "uses x.n(…); only u's letters multiply a value of the step: u.n(a) is U_n a + b'_n",
        ),
        (lambda x, u, s: s.h(s.h), "uses s.h(…); only u's letters …"),
        (lambda x, u, s: u.n(s.h, x.n), "uses u.n(…) of 2 values; a product is of one: write u.n(a)"),
        (lambda x, u, s: u.n(), "uses u.n(…) of 0 values; …"),
        (lambda x, u, s: u.n("h"), "uses u.n on 'h'; a step works on x, u, s, its parameters, and numbers"),
        (lambda x, u, s: u.n(s.h > 0), "uses a comparison as a number; turn it into one: select(a > b, one, 0)"),
    ],
)
def test_what_cannot_be_multiplied_is_refused_with_the_nearest_way(value, message):
    def bad(x, u, s):
        a = tanh(x.a + u.a)
        return State(h=a * s.h + x.n + value(x, u, s))

    refused(f"cell bad: line … (`…`) {message}", bad, within())


def test_the_rows_of_a_projection_multiply_one_value():
    def twice(x, u, s):
        return State(h=tanh(x.a + u.a(s.h * s.h) + u.a(s.h + 1)))

    def also_before(x, u, s):
        return State(h=tanh(x.a + u.a + u.a(s.h * s.h)))

    refused(
        "cell twice: line …: u.a multiplies s.h + 1, and also s.h · s.h; …a further projection…", twice, within("a")
    )
    refused("cell also-before: line …: u.a multiplies s.h · s.h, and also the state before …", also_before, within("a"))


def test_what_reaches_no_state_is_refused():
    """Its gradient was memory that nobody wrote."""

    def half(x, u, s):
        m = tanh(x.a + u.a) * s.h
        k = sigmoid(u.k(m))  # noqa: F841
        return State(h=tanh(x.n + u.n(m)) + 0.5 * s.h)

    def looked_at(x, u, s):
        n = tanh(u.n)  # noqa: F841
        return State(h=tanh(x.a + u.a) + x.n)

    refused("cell half: line …: u.k is made and no new state or output depends on it, …", half, within("a n k"))
    refused("cell looked-at: line …: u.n is made and no new state or output …", looked_at, within())


def test_equal_values_are_one_product():
    """Written once or twice, and under a mask too."""

    @within("a b")
    def written_twice(x, u, s):
        return State(h=tanh(x.a + u.a(s.h * s.h)) + u.b(s.h * s.h))

    def products(cell):
        return [product.projections for product in cell.trace.products]

    assert products(written_twice) == products(recurrent_dropout(written_twice)) == [("a", "b")]
    assert products(recurrent_dropout(LIBRARY["multiplicative-lstm"])) == [("i", "f", "g", "o")]


@pytest.mark.parametrize("where", ["reference", "compiled"])
def test_recurrent_dropout_of_a_cell_that_multiplies_only_within(where):
    @within("a")
    def squared(x, u, s):
        return State(h=0.5 * s.h + tanh(x.a + u.a(s.h * abs(s.h))))

    layer, x = Recurrent(squared, 3, 4, recurrent_dropout=0.4), torch.randn(5, 2, 3)
    with use_backend(where):
        layer(x, lengths=[5, 3])[0].sum().backward()
    assert all(p.grad.isfinite().all() for p in layer.parameters())


def test_an_x_that_only_its_gradient_reads():
    @within()
    def through(x, u, s):
        a = tanh(x.a + u.a)
        return State(h=straight_through(tanh(u.n(a * s.h)), x.n + s.h))

    layer, x = Recurrent(through, 3, 8, dtype=torch.float64), torch.randn(5, 2, 3, dtype=torch.float64)
    found = {}
    for where in ("compiled", "reference"):
        layer.zero_grad()
        with use_backend(where):
            y = layer(x)[0]
            y.square().sum().backward()
        gradients = {n: torch.zeros_like(p) if p.grad is None else p.grad for n, p in layer.named_parameters()}
        found[where] = {"y": y.detach()} | gradients
    assert_agree(found["compiled"], found["reference"])


@pytest.mark.parametrize("where", ["reference", "compiled"])
def test_what_reduces_one_number_for_all_units_counts_every_unit(where):
    """total(x.rain) of (B, 1) is that of (B, H) with the number in each."""

    @cell(inputs="rain", state="h")
    def rained(x, s):
        return State(h=0.5 * s.h + tanh(total(x.rain)))

    layer = Recurrent(rained, 1, 4, dtype=torch.float64)
    with use_backend(where):
        given = (torch.full((3, 2, units), 0.1, dtype=torch.float64) for units in (1, 4))
        one, every = (layer({"rain": rain})[0] for rain in given)
    assert_agree(one, every)


def test_a_projected_output_is_refused():
    with pytest.raises(ValueError, match="proj_size is 4; the cell multiplicative-lstm multiplies values of the step"):
        Recurrent("multiplicative-lstm", 3, 8, proj_size=4)


def test_explain_says_that_the_step_is_cut():
    reason = str(Recurrent("gru-2014", 8, 64).explain(torch.randn(50, 8, 8)))
    assert reason.endswith("run on this processor, in parts: U's rows of n multiply within the step"), reason


@pytest.mark.parametrize("name", CELLS)
def test_threads_that_share_a_sequence_give_the_bits_of_one(name):
    """Products within the step are shared and met for like that before it."""
    layer, x = Recurrent(name, 16, 256).eval(), torch.randn(20, 1, 16)

    @torch.no_grad()
    def run():
        with use_backend("compiled"):
            return layer(x)[0]

    found = [on_threads(number, run) for number in (1, 2)]
    assert torch.equal(*found)
    with use_backend("reference"), torch.no_grad():
        assert_agree(found[0], layer.double()(x.double())[0], share=2e-6)


@pytest.mark.parametrize(
    ("name", "precision"), [*((name, "high") for name in CELLS), ("gru-2014", "bf16x6"), ("lem", "medium")]
)
def test_products_of_fewer_bits(name, precision):
    """The products within have the precision of the others, forward and backward, and a row its own bits."""
    torch.manual_seed(0)
    layer, x = Recurrent(name, 16, 64), torch.randn(9, 5, 16)
    share = {"high": 1e-4, "bf16x6": 1e-5, "medium": 3e-2}[precision]
    with use_backend("compiled"), use_matmul_precision(precision):
        y, _ = layer(x, lengths=[9, 7, 7, 2, 0])
        y.square().sum().backward()
        alone, _ = layer(x[:7, 1:2])
    assert torch.equal(alone[:, 0], y[:7, 1])
    found = {n: p.grad.double() for n, p in layer.named_parameters()}
    exact = Recurrent(name, 16, 64, dtype=torch.float64)
    exact.load_state_dict(layer.state_dict())
    with use_backend("reference"):
        wanted, _ = exact(x.double(), lengths=[9, 7, 7, 2, 0])
        wanted.square().sum().backward()
    assert_agree(y.detach().double(), wanted.detach(), share=share)
    assert_agree(found, {n: p.grad for n, p in exact.named_parameters()}, share=share)


@pytest.mark.parametrize("name", CELLS)
def test_streamed_frozen_and_by_heads(name):
    layer, x = Recurrent(name, 3, 8, heads=2).eval(), torch.randn(6, 4, 3)
    with use_backend("compiled"), torch.no_grad():
        whole, _ = layer(x)
        stream = layer.stream(batch=4)
        assert torch.equal(torch.stack([stream.step(step) for step in x]), whole)
        assert torch.equal(layer.freeze()(x)[0], whole)
        layer.unfreeze()
    with use_backend("reference"), torch.no_grad():
        assert_agree(whole, layer.double()(x.double())[0], share=2e-6)


def test_recurrent_dropout_masks_what_every_product_multiplies():
    """Gal and Ghahramani 2016: with one mask of zeros, U multiplies nothing at all."""
    layer = Recurrent("gru-2014", 3, 8, recurrent_dropout=1 - 1e-12, dtype=torch.float64)
    torch.manual_seed(0)
    x = torch.randn(5, 2, 3, dtype=torch.float64)
    found, _ = layer(x)
    without = Recurrent("gru-2014", 3, 8, dtype=torch.float64).eval()
    without.load_state_dict(layer.state_dict())
    torch.nn.init.zeros_(without.weight_hh_l0)
    assert_agree(found.detach(), without(x)[0].detach())


def test_a_step_on_tensors_takes_products_that_are_called():
    """The step is a function of numbers too: what multiplies is given with them."""

    @within()
    def good(x, u, s):
        return State(h=tanh(x.a + u.a) * sigmoid(x.n + u.n(s.h * s.h)))

    x, s, matrix = torch.randn(2, 5, 4), torch.randn(5, 4), torch.randn(4, 4)
    found = good(good.Projections(*x), good.Projections(s, lambda a: a @ matrix), good.States(s))
    assert torch.equal(found.h, torch.tanh(x[0] + s) * torch.sigmoid(x[1] + (s * s) @ matrix))
