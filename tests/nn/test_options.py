"""Options beyond torch.nn's, and cells beyond torch's."""

import pytest
import torch

import cellwright
from agreement import assert_agree, error
from calls import OF_X, of_each_kind_fast
from cellwright.cells import CELLS

I, H = 3, 5


# --- forget_bias ---------------------------------------------------------------------------------------
def test_pytorch_20102_forget_bias_is_the_sum_of_both_biases():
    torch.manual_seed(0)
    layer = cellwright.LSTM(I, H, 2, bidirectional=True, forget_bias=1.5)
    torch.manual_seed(0)
    plain = torch.nn.LSTM(I, H, 2, bidirectional=True)
    for name, weight in plain.named_parameters():
        found = getattr(layer, name).detach().clone()
        if name.startswith("bias"):
            assert (found[H : 2 * H] == (1.5 if "ih" in name else 0.0)).all()
            found[H : 2 * H] = weight.detach()[H : 2 * H]
        assert torch.equal(found, weight)


def test_forget_bias_decides_what_the_first_step_keeps():
    """With every weight zero the forget gate is σ(forget_bias), so a cell state decays at that rate."""
    layer = cellwright.Recurrent("mgu", I, H, forget_bias=2.0)
    with torch.no_grad():
        layer.weight_ih_l0.zero_()
        layer.weight_hh_l0.zero_()
    _, _, (gates,) = layer(torch.zeros(1, 1, I), return_gates=True)
    assert_agree(gates["f"], torch.tensor(2.0, dtype=torch.float64).sigmoid().expand(1, 1, H))


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (
            lambda: cellwright.Recurrent("gru", I, H, forget_bias=1.0),
            "a gate f; the cell gru has the projections r z n",
        ),
        (lambda: cellwright.LSTM(I, H, bias=False, forget_bias=1.0), "needs biases, and this layer has none"),
        (lambda: cellwright.LSTM(I, H, layer_norm=True, forget_bias=1.0), "needs biases, and this layer has none"),
    ],
)
def test_forget_bias_where_there_is_none_is_refused_with_the_reason(make, text):
    with pytest.raises(ValueError, match=text):
        make()


# --- learn_initial_state -------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
def test_keras_9797_learned_initial_state_is_what_torch_gets_when_it_is_given_it(path, kind):
    layer = getattr(cellwright, kind)(I, H, 2, bidirectional=True, dtype=torch.float64, learn_initial_state=True)
    theirs = getattr(torch.nn, kind)(I, H, 2, bidirectional=True, dtype=torch.float64)
    learned = {name: p for name, p in layer.named_parameters() if name.startswith("initial_")}
    assert all(p.shape == (4, H) and not p.any() for p in learned.values())
    for p in learned.values():
        p.data.normal_()
    theirs.load_state_dict({name: p for name, p in layer.state_dict().items() if name not in learned})
    x = torch.randn(6, 2, I, dtype=torch.float64)
    states = tuple(p.detach()[:, None].repeat(1, 2, 1).requires_grad_() for p in learned.values())
    expected, _ = theirs(x, states if kind == "LSTM" else states[0])
    found, _ = layer(x)
    assert_agree(found, expected)
    wanted = torch.autograd.grad(expected.square().sum(), states)
    given = torch.autograd.grad(found.square().sum(), list(learned.values()))
    assert_agree(given, tuple(g.sum(1) for g in wanted))


def test_a_given_state_goes_before_the_learned_one():
    layer = cellwright.GRU(I, H, learn_initial_state=True)
    x, h = torch.randn(4, 2, I), torch.randn(1, 2, H)
    expected = layer(x, h)[0]
    layer.initial_h.data.normal_()
    assert torch.equal(layer(x, h)[0], expected)
    assert error(layer(x)[0], expected) > 0.01


# --- other cells ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("cell", of_each_kind_fast(name for name in OF_X if not CELLS[name].outputs))
def test_every_cell_makes_a_layer_that_trains_on_lengths(cell):
    torch.manual_seed(0)
    layer = cellwright.Recurrent(cell, I, H, 2, bidirectional=True, batch_first=True)
    kinds = ("weight", "bias") if CELLS[cell].bias else ("weight",)
    assert {n for n, _ in layer.named_parameters() if n.endswith("_l0")} == {
        *(f"{kind}_{of}_l0" for kind in kinds for of in ("ih", "hh") if of == "ih" or CELLS[cell].multiplies_state),
        *(f"{name}_l0" for name in CELLS[cell].parameters),
    }
    x, target = torch.randn(4, 7, I), torch.randn(4, 2 * H)
    optimiser = torch.optim.Adam(layer.parameters(), lr=0.01)
    losses = []
    for _ in range(20):
        last, _ = layer(x, lengths=[7, 0, 3, 5], return_sequences=False)
        loss = (last - target).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    # An oscillator's place moves by 0.042 of its speed a step, and that by 0.042.
    assert losses[-1] < (0.9995 if cell == "cornn" else 0.95) * losses[0]


def test_pytorch_6760_layer_norm_begins_as_the_definition_says():
    layer = cellwright.LSTM(I, H, layer_norm=True)
    assert layer.cell is CELLS["layer-norm-lstm"]
    assert (layer.gamma_x_l0 == 1).all()
    assert layer.gamma_x_l0.shape == (4 * H,)
    assert (layer.gamma_c_l0 == 1).all()
    assert layer.gamma_c_l0.shape == (H,)
    assert (layer.beta_l0 == 0).all()
    assert cellwright.GRU(I, H, layer_norm=True).cell is CELLS["layer-norm-gru"]


def test_pytorch_711_a_cell_of_ones_own():
    """Ten lines of equations: an exponential moving average of the input, in both directions, with lengths."""

    @cellwright.cell(projections="a v", gates="a", state="h")
    def average(x, u, s):
        a = (x.a + u.a).sigmoid()
        return cellwright.cells.language.State(h=a * s.h + (1 - a) * (x.v + u.v))

    layer = cellwright.Recurrent(average, 2, 2, bidirectional=True, bias=False)
    with torch.no_grad():
        for name, weight in layer.named_parameters():
            weight.copy_(torch.cat([torch.zeros(2, 2), torch.eye(2)]) if "ih" in name else torch.zeros(4, 2))
    x = torch.tensor([[1.0, 2.0], [3.0, 4.0], [9.0, 9.0]])[:, None]
    output, h = layer(x, lengths=[2])
    assert output[:, 0].tolist() == [[0.5, 1.0, 1.25, 2.0], [1.75, 2.5, 1.5, 2.0], [0.0] * 4]
    assert h[:, 0].tolist() == [[1.75, 2.5], [1.25, 2.0]]


def test_an_unknown_cell_names_the_cells():
    with pytest.raises(cellwright.InputError, match=r"there is no cell 'lstn'; the cells are .* did you mean lstm\?"):
        cellwright.Recurrent("lstn", I, H)


# --- projection ----------------------------------------------------------------------------------------
def test_projection_of_a_cell_that_torch_does_not_project():
    """Peephole cells of weight zero are plain ones, so torch's projected LSTM is the reference."""
    theirs = torch.nn.LSTM(I, H, 2, bidirectional=True, proj_size=2, dtype=torch.float64)
    layer = cellwright.Recurrent("peephole", I, H, 2, bidirectional=True, proj_size=2, dtype=torch.float64)
    missing, unexpected = layer.load_state_dict(theirs.state_dict(), strict=False)
    assert unexpected == []
    assert all(name.startswith("peephole_") for name in missing)
    x = torch.randn(6, 2, I, dtype=torch.float64)
    assert_agree(layer(x), theirs(x))


def test_projection_of_a_cell_that_mixes_h_unit_by_unit_is_refused():
    with pytest.raises(ValueError, match=r"the cell gru uses h_\{t−1\} unit by unit, so it cannot have fewer units"):
        cellwright.Recurrent("gru", I, H, proj_size=2)
