"""What must be true of a layer of any cell, on every backend: rows see neither each other, nor padding, nor a cut."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import cellwright
from agreement import assert_agree
from calls import OF_X, SOME
from cellwright.backends import dispatch

I, H, T = 3, 5, 6
LAYERS = st.fixed_dictionaries({"num_layers": st.integers(1, 2), "bidirectional": st.booleans()})
LENGTHS = st.lists(st.integers(0, T), min_size=1, max_size=5).filter(any)
SEEDS = st.integers(0, 2**31)


def pairs(**arguments):
    """Each cell on each backend that computes such a call; on the reference, one loop for all cells, SOME of them."""
    some = {cell.name for cell in SOME}
    for name in OF_X:
        for backend in ("reference", "torch", "compiled") if name in some else ("torch", "compiled"):
            with dispatch.use_backend(backend):
                try:
                    cellwright.Recurrent(name, I, H).explain(torch.zeros(1, 1, I), **arguments)
                except RuntimeError:
                    continue
            yield pytest.param(name, backend, id=f"{name}-{backend}")


everywhere = pytest.mark.parametrize(("cell", "where"), list(pairs()))
where_there_are_resets = pytest.mark.parametrize(
    ("cell", "where"), list(pairs(reset=torch.zeros(1, 1, dtype=torch.bool)))
)
few = settings(max_examples=6)


def drawn(seed, cell, options, batch):
    """A layer whose weights differ everywhere, its input (T, B, I) and its states (L·D, B, H), none of them zero."""
    torch.manual_seed(seed)
    layer = cellwright.Recurrent(cell, I, H, dtype=torch.float64, **options)
    for weight in layer.parameters():
        weight.data.normal_(std=0.4)
    stack = layer.num_layers * layer.directions
    # sLSTM's normaliser and stabiliser are states too: positive ones are states that it can be in.
    states = [torch.rand(stack, batch, H, dtype=torch.float64) for _ in layer.cell.states]
    return layer, torch.randn(T, batch, I, dtype=torch.float64), states


def run(layer, x, states, **options):
    """The output, and the states as a list."""
    output, after = layer(x, states[0] if len(states) == 1 else tuple(states), **options)
    return output, list(after) if isinstance(after, tuple) else [after]


@pytest.mark.slow
@everywhere
@few
@given(options=LAYERS, lengths=LENGTHS, seed=SEEDS)
def test_a_row_alone_equals_the_row_in_a_batch(cell, where, options, lengths, seed):
    layer, x, states = drawn(seed, cell, options, len(lengths))
    with dispatch.use_backend(where):
        output, after = run(layer, x, states, lengths=lengths)
        for b, length in enumerate(lengths):
            if length == 0:  # nothing to compute alone
                assert not output[:, b].any()
                assert_agree([s[:, b] for s in after], [s[:, b] for s in states])
                continue
            x[length:, b] = torch.nan
            alone, end = run(layer, x[:, b : b + 1], [s[:, b : b + 1] for s in states], lengths=[length])
            assert_agree(alone, output[:, b : b + 1])
            assert_agree(end, [s[:, b : b + 1] for s in after])


@everywhere
@few
@given(options=LAYERS, lengths=LENGTHS, seed=SEEDS, data=st.data())
def test_rows_in_another_order_give_results_in_that_order(cell, where, options, lengths, seed, data):
    layer, x, states = drawn(seed, cell, options, len(lengths))
    order = data.draw(st.permutations(range(len(lengths))))
    with dispatch.use_backend(where):
        output, after = run(layer, x, states, lengths=lengths)
        turned, turned_after = run(
            layer, x[:, order], [s[:, order] for s in states], lengths=[lengths[b] for b in order]
        )
    assert_agree(turned, output[:, order])
    assert_agree(turned_after, [s[:, order] for s in after])


@everywhere
@few
@given(seed=SEEDS, cut=st.integers(1, T - 1), layers=st.integers(1, 2))
def test_a_sequence_in_two_parts_equals_the_whole(cell, where, seed, cut, layers):
    """Truncated back-propagation carries the state over like this."""
    layer, x, states = drawn(seed, cell, {"num_layers": layers}, 3)
    with dispatch.use_backend(where):
        output, after = run(layer, x, states)
        first, middle = run(layer, x[:cut], states)
        second, end = run(layer, x[cut:], middle)
    assert_agree(torch.cat([first, second]), output)
    assert_agree(end, after)


@where_there_are_resets
@few
@given(options=LAYERS, seed=SEEDS, cut=st.integers(1, T - 1))
def test_a_reset_equals_two_sequences(cell, where, options, seed, cut):
    layer, x, _ = drawn(seed, cell, options, 3)
    reset = torch.zeros(T, 3, dtype=torch.bool)
    reset[cut] = True
    with dispatch.use_backend(where):
        output, _ = layer(x, reset=reset)
        assert_agree(output, torch.cat([layer(x[:cut])[0], layer(x[cut:])[0]]))
