"""The operator: padded rows and lengths in, the numbers of the packed call out, and all that torch asks of operators.

Every padded tensor is NaN where no sequence reaches, so that a step beyond a length that is read shows.
"""

from dataclasses import replace
from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor

from agreement import assert_agree
from calls import EVERY, RAGGED, converted, draw_call, inputs, of_each_kind_fast, with_gradients
from cellwright.backends import custom_op, dispatch
from cellwright.backends.call import Call, Weights
from cellwright.cells import CELLS
from cellwright.cells.definition import PER_SEQUENCE, PER_STEP
from cellwright.cells.derived import recurrent_dropout, zoneout
from cellwright.errors import DefinitionError

ORDER = [2, 4, 0, 3, 1]  # the operator's k-th sequence is the ORDER[k]-th of the packed call
PLACE = torch.tensor([ORDER.index(b) for b in range(len(ORDER))])
LENGTHS = torch.tensor(RAGGED)[ORDER]
T, B = max(RAGGED) + 1, len(RAGGED)  # with room for a step that no sequence has


def spread(call: Call, values: Tensor, beyond: float = torch.nan) -> Tensor:
    """Packed rows (S, ·) as (T, B, ·) in the operator's order."""
    padded = torch.full((T, B, *values.shape[1:]), beyond, dtype=values.dtype)
    rows = iter(values)
    for t, alive in enumerate(call.batch_sizes):
        for b in range(alive):
            padded[t, PLACE[b]] = next(rows)
    return padded


def with_cuts(call: Call) -> tuple[Call, Tensor]:
    """The call with resets, and the mask (T, B) that they come from, True beyond every length as well."""
    mask = torch.rand(T, B, generator=torch.Generator().manual_seed(3)) < 0.4
    mask |= torch.arange(T)[:, None] >= LENGTHS
    forward, reverse = [], []
    for t, alive in enumerate(call.batch_sizes):
        for b in range(alive):
            forward.append(mask[t, PLACE[b]])
            reverse.append(mask[t + 1, PLACE[b]] & (t + 1 < RAGGED[b]))
    both = [torch.stack(forward), torch.stack(reverse)]
    return replace(call, resets=both[: len(call.weights)]), mask


def padded(call: Call, mask: Tensor | None = None) -> Call:
    """The call as the operator takes it."""

    def stream(name: str, value: Tensor) -> Tensor:
        return spread(call, value) if call.cell.streams[name] == PER_STEP else value[ORDER]

    return replace(
        call,
        rows=spread(call, call.rows),
        batch_sizes=(),
        state=[s[:, ORDER] for s in call.state],
        resets=None if mask is None else [mask],
        fresh=[f[:, ORDER] for f in call.fresh] if call.fresh else None,
        streams=[{n: stream(n, v) for n, v in one.items()} for one in call.streams] if call.streams else None,
    )


def computed(call: Call, given: Call) -> dict[str, Tensor]:
    """Outputs and gradients of the operator, of the loss of `calls.with_gradients`, in the order of the packed call."""
    count = len(inputs(call))
    leaves = [t.detach().clone().requires_grad_() for t in given.tensors[:count]]
    rows, state, _ = custom_op.layer(given.replaced([*leaves, *given.tensors[count:]]), LENGTHS)
    assert not rows[torch.arange(T)[:, None] >= LENGTHS].any()
    packed = torch.cat([rows[t, PLACE[:alive]] for t, alive in enumerate(call.batch_sizes)])
    values = {"rows": packed} | {f"final {n}": s[:, PLACE] for n, s in zip(call.cell.states, state, strict=True)}
    generator = torch.Generator().manual_seed(7)
    loss = sum((v * torch.randn(v.shape, generator=generator, dtype=torch.float64)).sum() for v in values.values())
    found = iter(torch.autograd.grad(loss, leaves))
    d_rows = next(found)
    assert not d_rows[torch.arange(T)[:, None] >= LENGTHS].any()
    values["d rows"] = torch.cat([d_rows[t, PLACE[:alive]] for t, alive in enumerate(call.batch_sizes)])
    values |= {f"d state.{name}": next(found)[:, PLACE] for name in call.cell.states}
    for d, w in enumerate(call.weights):
        given_ones = [
            n for n in ("input", "recurrent", "input_bias", "recurrent_bias", "projection") if getattr(w, n) is not None
        ]
        values |= {f"d {name}[{d}]": next(found) for name in (*given_ones, *w.extra_parameters)}
    values |= {f"d fresh.{name}": next(found)[:, PLACE] for name in call.cell.states if call.fresh}
    for d, one in enumerate(call.streams or () if not call.cell.masks else ()):
        values |= {f"d {name}[{d}]": _packed(call, name, next(found)) for name in one}
    return {name: value.detach() for name, value in values.items()}


def _packed(call: Call, name: str, gradient: Tensor) -> Tensor:
    """That of a padded stream, as it is of the packed one."""
    if call.cell.streams[name] == PER_SEQUENCE:
        return gradient[PLACE]
    return torch.cat([gradient[t, PLACE[:alive]] for t, alive in enumerate(call.batch_sizes)])


def compare(found: dict[str, Tensor], wanted: dict[str, Tensor]) -> None:
    assert_agree(found, wanted)


@pytest.mark.parametrize("cell", of_each_kind_fast(EVERY), ids=lambda cell: cell.name)
def test_the_operator_is_the_packed_call(cell):
    call = draw_call(cell, directions=2)
    compare(computed(call, padded(call)), with_gradients(call, "reference"))


@pytest.mark.parametrize(("directions", "fresh"), list(product((1, 2), (False, True))))
def test_with_resets(directions, fresh):
    call, mask = with_cuts(draw_call(CELLS["lstm"], directions=directions, fresh=fresh))
    compare(computed(call, padded(call, mask)), with_gradients(call, "reference"))


@pytest.mark.parametrize("path", ["compiled", "torch", "reference"])
def test_on_each_path(path):
    call = draw_call(CELLS["gru"], directions=2)
    with dispatch.use_backend(path):
        found = computed(call, padded(call))
    compare(found, with_gradients(call, "reference"))


def test_without_lengths_every_step_counts():
    call = draw_call(CELLS["lstm"], (3, 3), directions=2)
    rows, state, _ = custom_op.layer(replace(call, rows=call.rows.view(3, 2, -1)), None)
    expected = dispatch.layer(call)
    assert_agree((rows.flatten(0, 1), state), expected[:2])


def test_empty_lists_are_none():
    """AOTInductor makes None of them, and programs that were exported before have them."""
    call = padded(draw_call(CELLS["lstm"], directions=2))
    given = arguments(call.replaced([t.nan_to_num().requires_grad_() for t in call.tensors]))
    results = []
    for nothing in ([None] * 3, [[], [], []]):
        output, *_ = torch.ops.cellwright.layer(*given[:5], *nothing, "float32", False)
        results.append([output, *torch.autograd.grad(output.sum(), given[4])])
    for found, expected in zip(*results, strict=True):
        assert torch.equal(found, expected)


def test_where_no_sequence_has_a_step():
    call = padded(draw_call(CELLS["lstm"], directions=2))
    rows, state, _ = custom_op.layer(call, torch.zeros(B, dtype=torch.int64))
    assert not rows.any()
    assert_agree(list(state), list(call.state), share=0)


@pytest.mark.parametrize("path", ["compiled", "reference"])
def test_letters_without_a_gradient(path):
    call = draw_call(CELLS["lstm"], directions=2, record=True)
    given = padded(call)
    with dispatch.use_backend(path):
        _, _, expected = dispatch.layer(call)
        _, _, found = custom_op.layer(given.replaced([t.requires_grad_() for t in given.tensors]), LENGTHS)
    for one, wanted in zip(found, expected, strict=True):
        assert one.keys() == wanted.keys()
        for letter, values in one.items():
            assert not values.requires_grad
            assert_agree(values, spread(call, wanted[letter], beyond=0.0))


def test_of_a_projected_state():
    call = draw_call(CELLS["lstm"], inputs=3, hidden=4, directions=2, record=True)
    generator = torch.Generator().manual_seed(0)
    weights = [
        Weights(
            w.input, w.recurrent[:, :2], w.input_bias, w.recurrent_bias, torch.rand(2, 4, generator=generator).double()
        )
        for w in call.weights
    ]
    call = replace(call, weights=weights, state=[call.state[0][..., :2], call.state[1]])
    rows, state, expected = dispatch.layer(call)
    found_rows, found_state, letters = custom_op.layer(padded(call), LENGTHS)
    assert_agree(found_rows, spread(call, rows, beyond=0.0))
    assert_agree([s[:, PLACE] for s in found_state], list(state))
    assert {n: v.shape[-1] for n, v in letters[0].items()} == {n: v.shape[-1] for n, v in expected[0].items()}


def test_16_bits_have_gradients():
    given = converted(padded(draw_call(CELLS["lstm"])), torch.bfloat16)
    leaves = [t.requires_grad_() for t in given.tensors]
    rows, state, _ = custom_op.layer(given.replaced(leaves), LENGTHS)
    found = torch.autograd.grad(rows.sum() + sum(s.sum() for s in state), leaves)
    assert all(g.dtype == torch.bfloat16 and g[g.isfinite()].any() for g in found)


# --- what torch asks of an operator --------------------------------------------------------------------
def arguments(call: Call, lengths: Tensor | None = LENGTHS) -> tuple[Any, ...]:
    streams = [one[name] for one in call.streams or () for name in call.cell.streams]
    weights = [w for one in call.weights for w in one.flat]
    lists = [
        list(call.state),
        weights,
        call.resets and list(call.resets),
        call.fresh and list(call.fresh),
        streams or None,
    ]
    return call.cell.key, call.rows, lengths, *lists, call.arithmetic, call.record


def finite(call: Call) -> Call:
    return call.replaced([t.nan_to_num().requires_grad_() for t in call.tensors])


CHECKED = {
    "one direction": (padded(draw_call(CELLS["gru"])), LENGTHS),
    "two directions": (padded(draw_call(CELLS["slstm"], directions=2)), LENGTHS),
    "dense": (replace(padded(draw_call(CELLS["lstm"])), rows=torch.rand(T, B, 2).double()), None),
    "resets": (padded(*with_cuts(draw_call(CELLS["peephole"], directions=2, fresh=True))), LENGTHS),
    "letters": (padded(draw_call(CELLS["lstm"], directions=2, record=True)), LENGTHS),
    "masks": (padded(draw_call(recurrent_dropout(zoneout(CELLS["lstm"])))), LENGTHS),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CHECKED)
def test_opcheck(name):
    call, lengths = CHECKED[name]
    masks = sum(len(one) for one in call.streams or ())
    call = finite(call)
    call = call.replaced([t.detach().requires_grad_(k < len(call.tensors) - masks) for k, t in enumerate(call.tensors)])
    torch.library.opcheck(custom_op._layer, arguments(call, lengths))


@pytest.mark.slow
def test_opcheck_of_the_gradient():
    call = finite(padded(*with_cuts(draw_call(CELLS["lstm"], directions=2, fresh=True))))
    call = call.replaced([t.detach() for t in call.tensors])
    rows, *state = custom_op._layer(*arguments(call))
    for wants_input in (False, True):
        given = (*arguments(call)[:-1], torch.rand_like(rows), [torch.rand_like(s) for s in state], wants_input)
        torch.library.opcheck(custom_op._layer_backward, given)


def test_gradcheck_and_no_second_derivative():
    call = finite(padded(draw_call(CELLS["mgu"], hidden=2)))

    def rows_and_state(*tensors: Tensor) -> tuple[Tensor, ...]:
        rows, state, _ = custom_op.layer(call.replaced(tensors), LENGTHS)
        return rows, *state

    assert torch.autograd.gradcheck(rows_and_state, tuple(call.tensors))
    loss = sum(v.pow(2).sum() for v in rows_and_state(*call.tensors))
    gradient = torch.autograd.grad(loss, call.tensors, create_graph=True)[0]
    with pytest.raises(RuntimeError, match="layer_backward"):
        torch.autograd.grad(gradient.pow(2).sum(), call.tensors)


# --- errors --------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("length", "text"), [(-1, "-1"), (T + 1, str(T + 1))])
def test_a_length_out_of_range(length, text):
    lengths = LENGTHS.clone()
    lengths[2] = length
    with pytest.raises(
        ValueError, match=rf"^gru: lengths\[2\] is {text}; expected 0 … {T}, the steps that input has room"
    ):
        custom_op.layer(padded(draw_call(CELLS["gru"])), lengths)


def test_a_cell_that_is_not_defined_here():
    key, *others = arguments(padded(draw_call(CELLS["gru"])))
    assert key == "gru"
    with pytest.raises(DefinitionError, match="with a cell unheard#0, which is not defined here; import the module"):
        custom_op._layer("unheard#0", *others)


def test_an_asked_path_that_cannot_run_raises():
    with dispatch.use_backend("torch"), pytest.raises(RuntimeError, match="'torch' was asked for and cannot run"):
        custom_op.layer(padded(draw_call(CELLS["mgu"])), LENGTHS)
