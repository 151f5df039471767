"""Formulas of shipped, derived and users' own cells, as Unicode and LaTeX; sizes counted by torch."""

import pytest
from matplotlib.mathtext import MathTextParser
from torch.utils.flop_counter import FlopCounterMode

from cellwright.cells import CELLS
from cellwright.cells.definition import PER_PROJECTION, PER_UNIT, cell
from cellwright.cells.derived import recurrent_dropout, zoneout
from cellwright.cells.formulas import equations, expanded, latex, operations, parameters, where
from cellwright.cells.language import State, log1p, mean, minimum, relu, sigmoid, softplus, sqrt, standardise, tanh
from drawing import draw


@cell(
    projections="i cand",
    gates="i",
    state="h memory",
    parameters={"gamma": PER_PROJECTION, "phi_0": PER_UNIT},
)
def own(x, u, s, p):
    i = sigmoid(x.i + u.i)
    old = s.memory
    new_cand = tanh(p.gamma.cand * (u.cand + x.cand) - p.phi_0)
    same = new_cand
    memory = old + i * new_cand - minimum(softplus(x.i), 1e-3) / sqrt(mean(same * same) + 2.5e-7)
    return State(h=-relu(memory) * log1p(abs(x.i)), memory=memory)


def test_the_equations_of_a_user_s_cell():
    assert equations(own) == [
        "i_t = σ(x_i + u_i)",
        "old_t = memory_{t−1}",
        "new_{cand,t} = tanh(γ_{cand} · (u_{cand} + x_{cand}) − φ_0)",
        "same_t = new_{cand,t}",
        "memory_t = old_t + i_t · new_{cand,t} "
        "− min(softplus(x_i), 0.001) / √(mean(new_{cand,t} · new_{cand,t}) + 2.5e−07)",
        "h_t = (−relu(memory_t)) · log1p(|x_i|)",
    ]


def test_the_products_written_out():
    assert expanded(own)[:3] == [
        "i_t = σ(W_i x_t + U_i h_{t−1} + b_i)",
        "old_t = memory_{t−1}",
        "new_{cand,t} = tanh(γ_{cand} · (W_{cand} x_t + U_{cand} h_{t−1} + b_{cand}) − φ_0)",
    ]
    assert expanded(CELLS["gru"])[2] == "n_t = tanh(W_n x_t + b_n + r_t · (U_n h_{t−1} + b'_n))"
    normalised = "σ(γ_{x,i} · norm(W_i x_t | W x_t) + γ_{u,i} · norm(U_i h_{t−1} | U h_{t−1}) + β_i)"
    assert expanded(CELLS["layer-norm-lstm"])[0] == f"i_t = {normalised}"


def test_what_is_normalised_as_a_sum_is_among_the_whole_sum():
    assert equations(CELLS["block-gru"])[0] == "r_t = σ(γ_r · norm(x_r + u_r | x + u) + β_r)"
    normalised = "norm(W_r x_t + U_r h_{t−1} | W x_t + U h_{t−1})"
    assert expanded(CELLS["block-gru"])[0] == f"r_t = σ(γ_r · {normalised} + β_r)"


def test_a_function_of_one_value_is_among_nothing_where_there_is_no_projection():
    @cell(inputs="rain", state="store")
    def bounded(x, s):
        return State(store=softplus(s.store + x.rain))

    assert equations(bounded) == expanded(bounded) == ["store_t = softplus(store_{t−1} + rain_t)"]


def test_a_state_that_is_only_handed_on_is_called_what_it_was():
    @cell(inputs="rain", state="now before")
    def remembering(x, s):
        return State(now=x.rain + 0.5 * s.now * s.before, before=s.now)

    assert equations(remembering) == ["now_t = rain_t + 0.5 · now_{t−1} · before_{t−1}", "before_t = now_{t−1}"]


def test_a_product_in_front_of_a_product_has_brackets():
    @cell(projections="a", gates="", state="h")
    def scaled(x, u, s):
        return State(h=x.a * tanh(s.h) + (x.a + u.a) * 2)

    assert expanded(scaled) == ["h_t = (W_a x_t + b_a) · tanh(h_{t−1}) + (W_a x_t + U_a h_{t−1} + b_a) · 2"]


def test_what_is_made_of_parameters_alone_has_no_time():
    @cell(projections="a", gates="", state="h", parameters={"fade": PER_UNIT})
    def fading(x, u, s, p):
        k = sigmoid(p.fade)
        return State(h=k * s.h + x.a + u.a)

    assert equations(fading) == ["k = σ(fade)", "h_t = k · h_{t−1} + x_a + u_a"]
    assert r"  k &= \sigma(\mathrm{fade}) \\" in latex(fading).splitlines()


def test_latex():
    assert latex(CELLS["lstm"]).splitlines() == [
        r"\begin{aligned}",
        r"  i_{t} &= \sigma(W_{i} x_{t} + U_{i} h_{t-1} + b_{i}) \\",
        r"  f_{t} &= \sigma(W_{f} x_{t} + U_{f} h_{t-1} + b_{f}) \\",
        r"  g_{t} &= \tanh(W_{g} x_{t} + U_{g} h_{t-1} + b_{g}) \\",
        r"  o_{t} &= \sigma(W_{o} x_{t} + U_{o} h_{t-1} + b_{o}) \\",
        r"  c_{t} &= f_{t} \odot c_{t-1} + i_{t} \odot g_{t} \\",
        r"  h_{t} &= o_{t} \odot \tanh(c_{t})",
        r"\end{aligned}",
    ]
    lines = latex(own).splitlines()
    assert lines[3] == (
        r"  \mathrm{new}_{\mathrm{cand},t} &= \tanh(\gamma_{\mathrm{cand}} \odot (W_{\mathrm{cand}} x_{t} + "
        r"U_{\mathrm{cand}} h_{t-1} + b_{\mathrm{cand}}) - \phi_{0}) \\"
    )
    assert r"\frac{\min(\operatorname{softplus}(W_{i} x_{t} + b_{i}), 0.001)}{\sqrt{" in lines[5]
    assert r"+ 2.5 \cdot 10^{-7}}}" in lines[5]
    assert lines[6].startswith(r"  h_{t} &= (-\operatorname{relu}(\mathrm{memory}_{t})) \odot \log(1 + ")
    assert lines[6].endswith(r"\left| W_{i} x_{t} + b_{i} \right|)")


def test_latex_of_cases():
    line = latex(CELLS["slstm"]).splitlines()[2]
    assert line == (
        r"  b_{t} &= \begin{cases} \log \sigma(W_{f} x_{t} + U_{f} h_{t-1} + b_{f}) + m_{t-1} & \text{if } n_{t-1} > 0 "
        r"\\ a_{t} & \text{else} \end{cases} \\"
    )


EVERY = [*CELLS.values(), own, zoneout(recurrent_dropout(CELLS["peephole"]))]


@pytest.mark.parametrize("definition", EVERY, ids=repr)
def test_latex_is_latex(definition):
    """Matplotlib's parser, which knows neither cases nor alignment, reads every other line."""
    for line in latex(definition).splitlines()[1:-1]:
        if "cases" not in line:
            MathTextParser("path").parse("$" + line.strip().removesuffix(r"\\").replace("&", "") + "$")


def test_the_equations_of_derived_cells():
    assert equations(zoneout(recurrent_dropout(CELLS["lstm"])))[-5:] == [
        "c_{new,t} = f_t · c_{t−1} + i_t · g_t",
        "h_{new,t} = o_t · tanh(c_{new,t})",
        "h_t = k_{h,t} · h_{t−1} + (1 − k_{h,t}) · h_{new,t}",
        "c_t = k_{c,t} · c_{t−1} + (1 − k_{c,t}) · c_{new,t}",
        "v_t = mask · h_t",
    ]
    assert where(recurrent_dropout(CELLS["lstm"])) == "where x = W x_t + b, u = U v_{t−1} + b'."
    assert where(CELLS["layer-norm-gru"]) == "where x = W x_t, u = U h_{t−1}."


def test_normalisation_among_some_of_the_projections_names_them():
    @cell(projections="a b c", gates="", state="h")
    def part(x, u, s):
        pair = standardise((type("Pair", (tuple,), {"__new__": lambda cls, *v: tuple.__new__(cls, v)}))(x.a, x.b))
        return State(h=pair[0] * pair[1] + x.c * u.c)

    assert equations(part) == ["h_t = norm(x_a | x_a, x_b) · norm(x_b | x_a, x_b) + x_c · u_c"]


@pytest.mark.parametrize("definition", EVERY, ids=repr)
def test_parameters_are_those_of_a_layer(definition):
    case = draw(definition, inputs=3, hidden=7)
    assert parameters(definition, 3, 7) == sum(w.numel() for w in case.weights.flat)


@pytest.mark.parametrize("name", CELLS)
def test_operations_hold_torch_s_count_of_the_products(name):
    """FlopCounterMode counts the matrix products; what is left is a few operations a unit."""
    case = draw(CELLS[name], (1,), inputs=3, hidden=7)
    with FlopCounterMode(display=False) as counter:
        case.run()
    rest = operations(CELLS[name], 3, 7) - counter.get_total_flops()
    assert 0 < rest < 150 * 7


def test_operations_by_hand():
    """lstm: 2·4H(I + H) of the products, 8H biases, 4H sums of x and u, 5H functions, 3H products, H sum."""
    assert operations(CELLS["lstm"], 10, 20) == 2 * 80 * 30 + 8 * 20 + (4 + 5 + 3 + 1) * 20
    assert operations(CELLS["rnn"], 10, 20) == 2 * 20 * 30 + 2 * 20 + 2 * 20


def test_means_count_for_every_unit_and_what_is_made_of_them_once():
    @cell(projections="a", gates="", state="h", bias=False)
    def centred(x, u, s):
        return State(h=u.a - mean(x.a) * 2)  # H for the mean, 1 for its double, H for the difference

    assert operations(centred, 1, 50) == 2 * 50 * 51 + 50 + 1 + 50
