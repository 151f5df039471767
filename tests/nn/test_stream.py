"""stream(): a step or a chunk at a time gives what the whole sequence gives."""

import pytest
import torch

import cellwright
from agreement import assert_agree, double
from calls import OF_X
from cellwright.backends import dispatch
from random_layers import random_layer

T, B, I, H = 11, 3, 3, 5
CUTS = [1, 4, 3, 1, 2]


def layer_of(cell="lstm", **options):
    return random_layer(cell, I, H, std=0.4, **{"dtype": torch.float32} | options).eval()


def steps(stream, x):
    return torch.stack([stream.step(one) for one in x])


def chunks(stream, x):
    return torch.cat([stream.feed(part) for part in x.split(CUTS)])


@pytest.mark.parametrize("feed", [steps, chunks])
@pytest.mark.parametrize(
    ("cell", "dtype"), [*((cell, torch.float32) for cell in OF_X), ("lstm", torch.float64), ("slstm", torch.float64)]
)
def test_the_bits_of_the_whole_sequence_on_the_compiled_path(cell, dtype, feed):
    layer = layer_of(cell, num_layers=2, dtype=dtype)
    x = torch.randn(T, B, I, dtype=dtype)
    with dispatch.use_backend("compiled"):
        stream = layer.stream(batch=B)
        found, (whole, state) = feed(stream, x), layer(x)
    assert torch.equal(found, whole)
    for a, b in zip(stream.state, state, strict=True):
        assert torch.equal(a, b)
    assert not found.requires_grad


@pytest.mark.parametrize("feed", [steps, chunks])
@pytest.mark.parametrize("cell", OF_X)
def test_the_numbers_of_the_whole_sequence_on_the_reference(cell, feed):
    layer = layer_of(cell, num_layers=2, dtype=torch.float64)
    x = torch.randn(T, B, I, dtype=torch.float64)
    with dispatch.use_backend("reference"):
        assert_agree(feed(layer.stream(batch=B), x), layer(x)[0])


@pytest.mark.parametrize("options", [{"learn_initial_state": True}, {"zoneout": 0.3}, {"proj_size": 2}], ids=str)
def test_options(options):
    layer = layer_of(**options)
    x = torch.randn(T, B, I)
    assert_agree(chunks(layer.stream(batch=B), x), double(layer)(double(x))[0])


@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize("turned", [False, True])
def test_one_sequence_alone_and_batch_first(cell, turned):
    layer = layer_of(cell, batch_first=turned, state_batch_first=turned, learn_initial_state=True)
    x = torch.randn(T, I)
    stream = layer.stream()
    start, output = stream.state, torch.cat([steps(stream, x[:4]), stream.feed(x[4:])])
    assert torch.equal(output, layer(x)[0])
    assert torch.equal(output, layer(x, start)[0])
    many = torch.randn(B, T, I) if turned else torch.randn(T, B, I)
    stream, dim = layer.stream(batch=B), 1 if turned else 0
    parts = [stream.feed(many.narrow(dim, 0, 4)), stream.step(many.select(dim, 4)).unsqueeze(dim)]
    parts.append(stream.feed(many.narrow(dim, 5, T - 5)))
    assert torch.equal(torch.cat(parts, dim), layer(many)[0])


def test_sequences_whose_steps_do_not_come_evenly():
    layer = layer_of("gru")
    x = torch.randn(T, B, I)
    stream = layer.stream(batch=B)
    stream.feed(x[:4], lengths=[4, 0, 2])
    stream.feed(x[:0], lengths=[0, 0, 0])
    output = stream.feed(x[4:8], lengths=[0, 4, 1])
    assert torch.equal(output[0, 2], layer(torch.cat([x[:2, 2:], x[4:5, 2:]]))[0][2, 0])
    assert torch.equal(output[:, 1], layer(x[4:8, 1:2])[0][:, 0])


@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize("state_batch_first", [False, True])
def test_some_sequences_begin_anew(cell, state_batch_first):
    layer = layer_of(cell, learn_initial_state=True, state_batch_first=state_batch_first)
    x = torch.randn(T, B, I)
    stream = layer.stream(batch=B)
    stream.feed(x[:4])
    stream.reset(torch.tensor([False, True, False]))
    output = stream.feed(x[4:])
    assert torch.equal(output[:, [0, 2]], layer(x)[0][4:, [0, 2]])
    assert torch.equal(output[:, 1:2], layer(x[4:, 1:2])[0])
    stream.reset()
    assert torch.equal(stream.feed(x), layer(x)[0])


def test_a_state_may_be_set_and_taken_up_again():
    layer = layer_of()
    x = torch.randn(T, B, I)
    first, second = layer.stream(batch=B), layer.stream(batch=B)
    first.feed(x[:5])
    second.state = first.state
    assert torch.equal(second.feed(x[5:]), layer(x)[0][5:])


def test_steps_see_new_weights_and_another_path():
    layer = layer_of(num_layers=2)
    x = torch.randn(T, B, I)
    stream = layer.stream(batch=B)
    for t, one in enumerate(x):
        before = stream.state
        if t % 3 == 1:  # as an optimiser does it
            with torch.no_grad():
                layer.weight_hh_l1.add_(0.1)
        if t % 3 == 2:
            layer.bias_ih_l0 = torch.nn.Parameter(torch.randn(4 * H))
        with dispatch.use_backend("compiled" if t % 2 else "reference"):
            found = stream.step(one)
            wanted, after = layer(one[None], before)
        assert torch.equal(found, wanted[0])
        assert all(torch.equal(a, b) for a, b in zip(stream.state, after, strict=True))


def test_what_a_step_returned_stays_as_it_is():
    layer = layer_of("gru")
    x, stream = torch.randn(2, B, I), layer.stream(batch=B)
    output, state = stream.step(x[0]), stream.state
    kept = output.clone(), state.clone()
    stream.step(x[1])
    assert torch.equal(output, kept[0])
    assert torch.equal(state, kept[1])


def test_autocast_and_other_types_go_the_way_of_the_layer():
    layer = layer_of()
    x, stream = torch.randn(B, I), layer.stream(batch=B)
    stream.step(x)
    state = stream.state
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(stream.step(x.bfloat16()), layer(x.bfloat16()[None], state)[0][0])
    with pytest.raises(ValueError, match=r"input is torch.float64 and the weights are torch.float32"):
        stream.step(x.double())
    with pytest.raises(RuntimeError, match="input has 1 features; expected input_size = 3"):
        stream.step(x[:, :1])


def test_mistakes_say_what_is_expected():
    with pytest.raises(
        ValueError, match=r"LSTM.stream: the layer is bidirectional, and its reverse direction begins at"
    ):
        cellwright.LSTM(I, H, bidirectional=True).stream()
    with pytest.raises(ValueError, match="batch is 0; expected at least 1"):
        layer_of().stream(batch=0)
    layer = cellwright.LSTM(I, H, 2, dropout=0.5)
    with pytest.raises(RuntimeError, match=r"in training mode .* layer.eval\(\)"):
        layer.stream().step(torch.zeros(I))
    stream = layer.eval().stream(batch=B)
    with pytest.raises(ValueError, match=r"a step has shape \(3,\); expected \(batch, features\)"):
        stream.step(torch.zeros(I))
    with pytest.raises(ValueError, match=r"the chunk has shape \(2, 1, 3\), and this stream is of a batch of 3"):
        stream.feed(torch.zeros(2, 1, I))
    with pytest.raises(ValueError, match=r"reset got torch.bool of shape \(2,\); expected .* = \(3,\)"):
        stream.reset(torch.tensor([True, False]))


def test_a_layer_of_heads_keeps_its_prepared_steps():
    """Its U is made of blocks at every call, and was taken for another one at every step."""
    stream = cellwright.Recurrent("gru", 4, 8, heads=2).eval().stream(batch=3)
    for x in torch.randn(3, 3, 4):
        stream.step(x)
        first = stream._prepared
        stream.step(x)
        assert first is not None
        assert stream._prepared is first
