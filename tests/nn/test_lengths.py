"""lengths=: any order, type and device; zeros allowed; what lies beyond a length is never read.

The reference is each sequence alone, cut at its length, through torch.nn without packing.
"""

import numpy
import pytest
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import cellwright
from agreement import assert_agree, error

LENGTHS = [2, 0, 5, 1, 5, 3]
B, T, I, H = len(LENGTHS), 5, 3, 4


def layers(kind="LSTM", **options):
    torch.manual_seed(0)
    theirs = getattr(torch.nn, kind)(I, H, 2, bidirectional=True, dtype=torch.float64, **options)
    for weight in theirs.parameters():
        weight.data.normal_(std=0.5)
    ours = getattr(cellwright, kind)(I, H, 2, bidirectional=True, dtype=torch.float64, **options)
    ours.load_state_dict(theirs.state_dict())
    return theirs, ours


def batch(batch_first=False):
    torch.manual_seed(1)
    x = torch.randn(*((B, T) if batch_first else (T, B)), I, dtype=torch.float64)
    return x, (torch.randn(4, B, H, dtype=torch.float64), torch.randn(4, B, H, dtype=torch.float64))


@pytest.mark.parametrize("batch_first", [False, True])
def test_pytorch_11514_zero_length(path, batch_first):
    theirs, ours = layers(batch_first=batch_first)
    x, hx = batch(batch_first)
    output, (h, c) = ours(x, hx, lengths=LENGTHS)
    rows = output if batch_first else output.transpose(0, 1)
    for b, length in enumerate(LENGTHS):
        own = tuple(s[:, b] for s in hx)
        expected, state = torch.zeros(0, 2 * H, dtype=torch.float64), own
        if length:
            expected, state = theirs(x[b, :length] if batch_first else x[:length, b], own)
        assert_agree(rows[b, :length], expected)
        assert not rows[b, length:].any()
        assert_agree((h[:, b], c[:, b]), state)


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_pytorch_80605_no_sequence_has_a_step(kind):
    _, ours = layers(kind)
    x, hx = batch()
    hx = hx if kind == "LSTM" else hx[0]
    for given in (x, x[:0]):  # also where the batch was padded to nothing
        output, state = ours(given, hx, lengths=[0] * B)
        assert output.shape == (len(given), B, 2 * H)
        assert not output.any()
        assert_agree(state, hx, share=0)


def test_an_empty_batch_with_lengths(path):
    output, (h, c) = layers()[1](torch.zeros(T, 0, I, dtype=torch.float64), lengths=[])
    assert output.shape == (T, 0, 2 * H)
    assert h.shape == c.shape == (4, 0, H)


INTEGERS = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.uint16, torch.uint32, torch.uint64)


def test_lengths_of_any_integer_type():
    _, ours = layers()
    x, hx = batch()
    expected = ours(x, hx, lengths=LENGTHS)[0]
    for dtype in INTEGERS:
        assert torch.equal(ours(x, hx, lengths=torch.tensor(LENGTHS, dtype=dtype))[0], expected)
    for lengths in (tuple(LENGTHS), numpy.array(LENGTHS)):
        assert torch.equal(ours(x, hx, lengths=lengths)[0], expected)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a second device")
def test_pytorch_43227_lengths_on_any_device():
    _, ours = layers()
    x, _ = batch()
    expected = ours(x, lengths=LENGTHS)[0]
    lengths = torch.tensor(LENGTHS)
    assert torch.equal(ours(x, lengths=lengths.cuda())[0], expected)
    for given in (lengths, lengths.cuda(), LENGTHS):
        assert_agree(ours.cuda()(x.cuda(), lengths=given)[0].cpu(), expected)


def test_pytorch_15567_lengths_in_any_order(path):
    """Sorting is not the user's work: what torch does after enforce_sorted=False, the state in the user's order."""
    theirs, ours = layers()
    x, hx = batch()
    lengths = torch.tensor(LENGTHS).clamp(min=1)
    packed, expected = theirs(pack_padded_sequence(x, lengths, enforce_sorted=False), hx)
    output, state = ours(x, hx, lengths=lengths)
    assert_agree(output, pad_packed_sequence(packed)[0])
    assert_agree(state, expected)


def test_pytorch_1591_output_keeps_the_length_of_the_input(path):
    """Without total_length: replicas of different longest sequences give outputs of one shape."""
    _, ours = layers()
    x, _ = batch()
    assert ours(x, lengths=[1] * B)[0].shape == (T, B, 2 * H)


def test_pytorch_1794_the_reverse_direction_begins_at_the_last_valid_step(path):
    theirs, ours = layers("RNN")
    x, _ = batch()
    found = ours(x, lengths=[3] * B)[0][:3]
    assert_agree(found, theirs(x[:3])[0])
    assert error(found, theirs(x)[0][:3]) > 0.01


@pytest.mark.parametrize("rubbish", [float("nan"), float("inf"), 1e30])
@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
def test_rubbish_in_the_padding_reaches_nothing(path, kind, rubbish):
    _, ours = layers(kind)
    x, _ = batch()
    beyond = torch.arange(T)[:, None] >= torch.tensor(LENGTHS)
    results = []
    for filling in (0.0, rubbish):
        given = x.masked_fill(beyond[..., None], filling).requires_grad_()
        output, state = ours(given, lengths=LENGTHS)
        state = state if isinstance(state, tuple) else (state,)
        loss = output.square().sum() + sum(s.square().sum() for s in state)
        results.append([output, *state, *torch.autograd.grad(loss, [given, *ours.parameters()])])
    for clean, dirty in zip(*results, strict=True):
        assert torch.equal(clean, dirty)


def test_pytorch_3662_gradient_beyond_a_length_is_zero(path):
    _, ours = layers()
    x, _ = batch()
    x.requires_grad_()
    ours(x, lengths=LENGTHS)[0].sum().backward()
    beyond = torch.arange(T)[:, None] >= torch.tensor(LENGTHS)
    assert not x.grad[beyond].any()
    assert x.grad[~beyond].abs().sum(-1).all()


@pytest.mark.parametrize("batch_first", [False, True])
def test_return_sequences_false_is_the_last_output_of_each_direction(path, batch_first):
    """Against torch on each sequence alone: forward at its last step, reverse at its first."""
    theirs, ours = layers(batch_first=batch_first)
    x, hx = batch(batch_first)
    last, state = ours(x, hx, lengths=LENGTHS, return_sequences=False)
    assert_agree(state, ours(x, hx, lengths=LENGTHS)[1])
    for b, length in enumerate(LENGTHS):
        own = tuple(s[:, b] for s in hx)
        if length:
            output, _ = theirs(x[b, :length] if batch_first else x[:length, b], own)
            assert_agree(last[b], torch.cat([output[-1, :H], output[0, H:]]))
        else:  # nothing was put out: the h it began with
            assert_agree(last[b], own[0][2:].flatten())


def test_pytorch_3587_last_output_of_a_packed_and_of_a_single_sequence():
    theirs, ours = layers()
    x, _ = batch()
    lengths = torch.tensor(LENGTHS).clamp(min=1)
    packed = pack_padded_sequence(x, lengths, enforce_sorted=False)
    expected, _ = ours(x, lengths=lengths, return_sequences=False)
    assert_agree(ours(packed, return_sequences=False)[0], expected)
    output, _ = theirs(x[:, 0])
    last, _ = ours(x[:, 0], return_sequences=False)
    assert_agree(last, torch.cat([output[-1, :H], output[0, H:]]))


def test_return_sequences_false_of_a_projected_state(path_with_projection):
    _, ours = layers(proj_size=2)
    x, _ = batch()
    output, _ = ours(x)
    last, _ = ours(x, return_sequences=False)
    assert_agree(last, torch.cat([output[-1, :, :2], output[0, :, 2:]], -1))


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_pytorch_4145_states_with_the_batch_first(path, kind):
    theirs, _ = layers(kind)
    ours = getattr(cellwright, kind)(I, H, 2, bidirectional=True, dtype=torch.float64, state_batch_first=True)
    ours.load_state_dict(theirs.state_dict())
    x, hx = batch()
    hx = hx if kind == "LSTM" else hx[:1]
    turned = [s.transpose(0, 1) for s in hx]
    output, state = ours(x, tuple(turned) if kind == "LSTM" else turned[0])
    expected, after = theirs(x, hx if kind == "LSTM" else hx[0])
    assert_agree(output, expected)
    for found, wanted in zip(*(s if isinstance(s, tuple) else (s,) for s in (state, after)), strict=True):
        assert_agree(found, wanted.transpose(0, 1))
    with pytest.raises(RuntimeError, match=r"expected \(batch, layers × directions, units\) = \(6, 4, 4\)"):
        ours(x, hx if kind == "LSTM" else hx[0])


X = torch.zeros(T, 3, I)


@pytest.mark.parametrize(
    ("lengths", "error", "text"),
    [
        ([1, 2], RuntimeError, r"LSTM: lengths have shape \(2,\); expected \(batch,\) = \(3,\), one a sequence"),
        (3, RuntimeError, r"lengths have shape \(\); expected \(batch,\) = \(3,\)"),
        ([[1, 2, 3]], RuntimeError, r"lengths have shape \(1, 3\)"),
        ([1, 6, 2], ValueError, r"lengths\[1\] is 6; expected 0 … 5, the steps that input has room for"),
        ([1, 2, -1], ValueError, r"lengths\[2\] is -1; expected 0 … 5"),
        ([1.0, 2.0, 3.0], TypeError, r"lengths are torch.float32; expected whole numbers, .* lengths.long\(\)"),
        ("abc", TypeError, "lengths are 'abc'; expected whole numbers, one a sequence"),
        (torch.ones(3, 5, dtype=torch.bool), TypeError, r"lengths are torch.bool; .* of a mask, pass mask.sum"),
    ],
)
def test_wrong_lengths_say_what_is_expected(lengths, error, text):
    with pytest.raises(error, match=text):
        cellwright.LSTM(I, H)(X, lengths=lengths)


def test_lengths_that_differ_from_sample_to_sample_of_vmap_are_refused():
    """torch said that it cannot access the data pointer of a tensor."""
    layer, x, lengths = cellwright.LSTM(I, H).double(), torch.randn(T, 3, I).double(), torch.tensor([1, 2, 3])
    with pytest.raises(
        RuntimeError, match=r"LSTM: lengths differ from sample to sample of torch.vmap, .* a call for each"
    ):
        torch.vmap(lambda x, n: layer(x[:, None], lengths=n[None])[0], (1, 0))(x, lengths)
    alike = torch.vmap(lambda x: layer(x[:, None], lengths=[2])[0][:, 0], 1, 1)(x)
    assert_agree(alike, layer(x, lengths=[2, 2, 2])[0])


def test_lengths_where_there_is_no_padded_batch():
    layer = cellwright.LSTM(I, H)
    with pytest.raises(ValueError, match="one sequence alone; expected a batch with lengths="):
        layer(X[:, 0], lengths=[5])
    with pytest.raises(ValueError, match="a PackedSequence holds its own lengths"):
        layer(pack_padded_sequence(X, torch.tensor([3, 2, 1])), lengths=[3, 2, 1])
