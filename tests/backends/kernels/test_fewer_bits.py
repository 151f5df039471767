"""Layers whose products have fewer bits: a row's bits are its own, in every mode and on every unit; what is kept."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
import torch
from torch import Tensor

import cellwright
from agreement import assert_agree
from calls import CELLS, converted, draw_call, with_gradients
from cellwright.backends.kernels import batch, binding
from cellwright.backends.kernels.sparse import EVERY
from cellwright.compiler.codegen.bfloat16_tile import Bfloat16Tile
from cellwright.compiler.codegen.tiles import tile_of
from cellwright.compiler.kernel import Kernel, kernel
from cellwright.compiler.target import no_tiles
from cellwright.compiler.units import MISSING
from cellwright.nn import stack

MODES = ("bf16", "bf16x3", "bf16x6")
LENGTHS = torch.tensor([7, 2, 5, 7, 1, 3] * 7)


def on(monkeypatch, unit: str) -> None:
    """Let kernels of fewer bits multiply by a unit, whatever the processor would take."""
    if missing := MISSING.get(unit, lambda: None)():
        pytest.skip(missing)

    made: dict[object, Kernel] = {}

    def forced(cell, dtype, arithmetic="float32", wanted=frozenset()):
        key = (cell, dtype, arithmetic)
        if key not in made:
            target = kernel(cell, dtype).target
            made[key] = Kernel(cell, dtype, tile_of(target, dtype, arithmetic, unit), target, wanted)
            assert arithmetic == "float32" or isinstance(made[key].tile, Bfloat16Tile)
        return made[key]

    monkeypatch.setattr(binding, "kernel", forced)


def layer_of(name: str = "LSTM", **options: object) -> torch.nn.Module:
    torch.manual_seed(0)
    return getattr(cellwright, name)(21, 40, **options)


def results(layer: torch.nn.Module, x: Tensor, lengths: Tensor | None) -> list[Tensor]:
    x = x.detach().requires_grad_()
    with cellwright.use_backend("compiled"):
        output = layer(x, lengths=lengths)[0]
        return [output.detach(), *torch.autograd.grad(output, [x, *layer.parameters()], torch.cos(output.detach()))]


X = torch.randn(7, len(LENGTHS), 21, generator=torch.Generator().manual_seed(0))


# Emulations are slow to compile: of them two do, since each gives the bits of its unit. Units know no cell.
@pytest.mark.parametrize(
    ("name", "unit", "mode"),
    [
        *product(["LSTM"], MISSING, MODES),
        ("GRU", "amx", "bf16"),
        ("GRU", "avx512_bf16", "bf16x3"),
        ("LSTM", "emulated amx", "bf16x3"),
        ("LSTM", "emulated bfmmla", "bf16x3"),
    ],
)
def test_a_sequence_has_the_same_bits_alone_in_any_batch_and_padded(monkeypatch, name, unit, mode):
    on(monkeypatch, unit)
    layer = layer_of(name, matmul_precision=mode, bidirectional=True)
    together, d_together, *_ = results(layer, X, LENGTHS)
    for b in (0, 1, 17, 41):
        length = int(LENGTHS[b])
        alone, d_alone, *_ = results(layer, X[:length, b : b + 1], None)
        assert torch.equal(alone[:, 0], together[:length, b])
        assert torch.equal(d_alone[:, 0], d_together[:length, b])
    some, d_some, *_ = results(layer, X[:, 3:20], LENGTHS[3:20])
    assert torch.equal(some, together[: len(some), 3:20])
    assert torch.equal(d_some, d_together[:, 3:20])


@pytest.mark.parametrize("mode", MODES)
def test_bits_do_not_depend_on_the_threads(monkeypatch, mode):
    on(monkeypatch, "amx" if no_tiles() is None else "emulated amx")
    monkeypatch.setattr("cellwright.backends.kernels.partition.SMALL", 0)
    layer = layer_of(matmul_precision=mode, num_layers=2)
    before = torch.get_num_threads()
    found = []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            found.append(results(layer, X, LENGTHS))
    finally:
        torch.set_num_threads(before)
    for other in found[1:]:
        assert all(torch.equal(a, b) for a, b in zip(found[0], other, strict=True))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "unit", "mode"), [*product(("LSTM",), MISSING, MODES), ("GRU", "amx", "bf16x3")])
def test_a_unit_gives_the_bits_of_its_emulation(monkeypatch, name, unit, mode):
    layer = layer_of(name, matmul_precision=mode)
    on(monkeypatch, unit)
    found = results(layer, X, LENGTHS)
    on(monkeypatch, f"emulated {unit}")
    assert all(torch.equal(a, b) for a, b in zip(found, results(layer, X, LENGTHS), strict=True))


# --- what is kept for the backward pass in 16 bits --------------------------------------------------------
@pytest.fixture
def by_tiles(monkeypatch):
    """Tile registers, or where there are none their emulation."""
    on(monkeypatch, "amx" if no_tiles() is None else "emulated amx")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("lstm", {"resets": True, "fresh": True}),
        ("lstm", {"projected": 5}),
        ("gru-2014", {"resets": True}),  # a product within the step
        ("slstm", {}),  # some of what it saves stays in 32 bits
        ("mingru", {}),  # no product of the state
    ],
)
def test_gradients_err_as_products_of_bfloat16_do(by_tiles, name, options):
    """Of ragged sequences in both directions."""
    call = converted(draw_call(CELLS[name], hidden=21, directions=2, **options), torch.float32)
    wanted = with_gradients(converted(call, torch.float64), "reference")
    found = with_gradients(replace(call, arithmetic="bf16"))
    for key in wanted:
        assert_agree(found[key], wanted[key], share=0.03, name=key)


def test_a_gate_near_1_hands_back_its_own_share(by_tiles):
    """Of 0.9975 the nearest bfloat16 is 0.996: over 400 steps it would hand back 0.21 in place of 0.37."""
    torch.manual_seed(0)
    layer = cellwright.LSTM(4, 16, forget_bias=6.0)
    torch.nn.init.zeros_(layer.weight_hh_l0)  # all that comes back to the first steps comes through f
    x = 0.1 * torch.randn(400, 2, 4, generator=torch.Generator().manual_seed(0))
    found = {}
    for word in ("medium", "highest"):
        layer.matmul_precision = word
        given = x.clone().requires_grad_()
        with cellwright.use_backend("compiled"):
            (found[word],) = torch.autograd.grad(layer(given)[1][1].sum(), given)
    assert_agree(found["medium"][:10], found["highest"][:10].double(), share=0.02)


LONG = torch.tensor([2 * EVERY + 5, 3, EVERY, 2 * EVERY + 1, EVERY + 1])


@pytest.mark.parametrize("options", [{}, {"bidirectional": True}, {"proj_size": 7}])
def test_a_memory_that_is_computed_again_has_the_bits_that_it_has_alone(by_tiles, monkeypatch, options):
    """The batch is cut into stretches, and a sequence alone is one: of gates in 16 bits steps go by their number."""
    monkeypatch.setattr(batch, "STRETCH_BYTES", 1)
    layer, x = layer_of(matmul_precision="bf16", **options), torch.randn(int(LONG.max()), len(LONG), 21)
    monkeypatch.setattr(batch, "STRETCH_ROWS", 1)
    together, d_together, *_ = results(layer, x, LONG)
    monkeypatch.setattr(batch, "STRETCH_ROWS", 256)
    for b, length in enumerate(LONG):
        alone, d_alone, *_ = results(layer, x[:length, b : b + 1], None)
        assert torch.equal(alone[:, 0], together[:length, b])
        assert torch.equal(d_alone[:, 0], d_together[:length, b])


@pytest.mark.parametrize("word", ["medium", "highest"])
def test_an_lstm_keeps_10_bytes_a_unit_and_step_in_place_of_20(by_tiles, word):
    """i f g o and h of 2 bytes, or of 4; c, of 4, before every 8th step or where a stretch begins, and two in turn."""
    layer, sizes = cellwright.LSTM(32, 64), []
    layer.matmul_precision, x = word, torch.randn(2000, 6, 32)
    with (
        cellwright.use_backend("compiled"),
        torch.autograd.graph.saved_tensors_hooks(lambda t: (sizes.append(t.nbytes), t)[1], lambda t: t),
    ):
        layer(x)
    steps, row = {"medium": (10, -(-2000 // EVERY)), "highest": (20, 6)}[word], 6 * 64
    assert max(sizes) == row * (2000 * steps[0] + 4 * (steps[1] + 2))


@pytest.mark.parametrize("heads", [1, 2])
def test_no_more_loops_are_compiled_than_run(monkeypatch, heads):
    """Inference compiled the loop of training for the layout of what it keeps; heads compiled two loops twice."""
    made = Kernel(CELLS["gru"], "float32", kernel(CELLS["gru"], "float32").tile, kernel(CELLS["gru"], "float32").target)
    monkeypatch.setattr(binding, "kernel", lambda *given, **wanted: made)
    layer, x = cellwright.Recurrent("gru", 3, 16, heads=heads), torch.randn(4, 2, 3)
    with cellwright.use_backend("compiled"):
        with torch.no_grad():
            layer(x)
        assert [loop.step.saves for loop in made._forward.values()] == [False]
        assert not made._backward
        layer(x)[0].sum().backward()
    assert [loop.step.saves for loop in made._forward.values()] == [False, True]
    assert len(made._backward) == 1


# Blocks of 32 terms that end with a panel's heads, within them, and within a letter of U's rows.
@pytest.mark.slow
@pytest.mark.parametrize(
    ("unit", "mode", "cell", "hidden", "heads"),
    [
        ("amx", "bf16", "gru", 128, 4),
        ("amx", "bf16x3", "gru-2014", 96, 6),
        ("amx", "bf16", "lstm", 60, 5),
        ("avx512_bf16", "bf16x3", "lstm", 60, 5),
    ],
)
def test_what_lies_between_heads_is_not_multiplied(unit, mode, cell, hidden, heads, monkeypatch):
    """Against kernels that multiply all of U: the same sums, those of a backward step's letters in another order."""
    on(monkeypatch, unit)
    torch.manual_seed(0)
    layer = cellwright.Recurrent(cell, 21, hidden, heads=heads, matmul_precision=mode)
    found = results(layer, X, LENGTHS)
    whole = stack.dispatch.layer
    monkeypatch.setattr(stack.dispatch, "layer", lambda call: whole(replace(call, heads=1)))
    output, *gradients = results(layer, X, LENGTHS)
    assert torch.equal(found[0], output)
    assert_agree(
        [g.double() for g in found[1:]], [g.double() for g in gradients], share=1e-2 if mode == "bf16" else 1e-5
    )
