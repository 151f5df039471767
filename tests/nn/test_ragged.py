"""pad, pack, unpack, mask and last_valid: against torch.nn.utils.rnn, and through layers."""

import numpy
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.utils import rnn

import cellwright
from agreement import assert_agree
from cellwright import last_valid, mask, pack, pad, unpack

LENGTHS = st.lists(st.integers(1, 6), min_size=1, max_size=6)
SIZES = st.lists(st.integers(1, 3), max_size=2)
some = settings(max_examples=60)
INTEGERS = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.uint16, torch.uint32, torch.uint64)


def sequences(lengths, sizes=(2,)):
    generator = torch.Generator().manual_seed(sum(lengths))
    return [torch.randn(n, *sizes, generator=generator, dtype=torch.float64) for n in lengths]


def same_packed(found, wanted):
    """torch leaves out the order of a batch that it was told is sorted, and we that of one that is."""
    assert torch.equal(found.data, wanted.data)
    assert torch.equal(found.batch_sizes, wanted.batch_sizes)
    order = torch.arange(int(wanted.batch_sizes[0]))
    for ours, theirs in zip(found[2:], wanted[2:], strict=True):
        assert torch.equal(order if ours is None else ours, order if theirs is None else theirs)


@some
@given(lengths=LENGTHS, sizes=SIZES, batch_first=st.booleans())
def test_padding_and_packing_equal_torchs(lengths, sizes, batch_first):
    given_ = sequences(lengths, sizes)
    values, found = pad(given_, batch_first=batch_first, value=-7)
    assert torch.equal(values, rnn.pad_sequence(given_, batch_first, -7))
    assert found.tolist() == lengths
    expected = rnn.pack_sequence(given_, enforce_sorted=False)
    same_packed(pack(given_), expected)
    same_packed(pack(values, lengths, batch_first=batch_first), expected)
    same_packed(
        pack(values, lengths, batch_first=batch_first), rnn.pack_padded_sequence(values, found, batch_first, False)
    )


@some
@given(lengths=LENGTHS, sizes=SIZES, batch_first=st.booleans())
def test_back_again_in_the_order_in_which_they_came(lengths, sizes, batch_first):
    given_ = sequences(lengths, sizes)
    packed, padded = pack(given_), pad(given_, batch_first=batch_first)
    for found in (unpack(packed), unpack(*padded, batch_first=batch_first)):
        assert all(torch.equal(a, b) for a, b in zip(found, given_, strict=True))
    theirs = rnn.pad_packed_sequence(packed, batch_first, 3)
    assert all(torch.equal(a, b) for a, b in zip(pad(packed, batch_first=batch_first, value=3), theirs, strict=True))


@some
@given(lengths=st.lists(st.integers(0, 6), min_size=1, max_size=6), batch_first=st.booleans())
def test_mask_and_last_valid_equal_those_of_each_sequence(lengths, batch_first):
    given_ = sequences(lengths)
    values, _ = pad(given_, batch_first=batch_first, value=torch.nan)
    inside = mask(lengths, batch_first=batch_first)
    assert torch.equal(inside, ~values.isnan().all(-1))
    ends = torch.stack([g[-1] if len(g) else torch.zeros(2, dtype=torch.float64) for g in given_])
    assert torch.equal(last_valid(values, lengths, batch_first=batch_first), ends)
    assert all(torch.equal(a, b) for a, b in zip(unpack(values, lengths, batch_first=batch_first), given_, strict=True))


def test_a_mask_has_room_for_as_many_steps_as_asked_for():
    assert mask([2, 0], 3).tolist() == [[True, False], [True, False], [False, False]]
    assert mask([], 2).shape == (2, 0)
    assert mask([]).shape == (0, 0)


def test_lengths_of_any_integer_type():
    values, lengths = pad(sequences([2, 4, 1]))
    for given_ in (*(lengths.to(dtype) for dtype in INTEGERS), (2, 4, 1), numpy.array([2, 4, 1])):
        same_packed(pack(values, given_), pack(values, lengths))
        assert torch.equal(mask(given_), mask(lengths))
        assert torch.equal(last_valid(values, given_), last_valid(values, lengths))


def test_a_layer_says_how_a_nested_tensor_is_padded():
    nested = torch.nested.nested_tensor([torch.randn(n, 2) for n in (3, 1)], layout=torch.jagged)
    for batch_first, call in ((False, r"pad\(input\)"), (True, r"pad\(input, batch_first=True\)")):
        with pytest.raises(TypeError, match=f"LSTM: input is a nested tensor; .* = cellwright.{call}, then"):
            cellwright.LSTM(2, 3, batch_first=batch_first)(nested)


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
@pytest.mark.parametrize("layout", [torch.strided, torch.jagged])
def test_nested_tensors_and_their_gradient(layout):
    given_ = [s.requires_grad_() for s in sequences([2, 4, 1])]
    nested = torch.nested.as_nested_tensor(given_, layout=layout)
    assert torch.equal(pad(nested).values, pad(given_).values)
    same_packed(pack(nested), pack(given_))
    assert all(torch.equal(a, b) for a, b in zip(unpack(nested), given_, strict=True))
    assert torch.equal(mask(nested, 5), mask([2, 4, 1], 5))
    assert torch.equal(mask(nested, batch_first=True), mask([2, 4, 1], batch_first=True))
    for call in (lambda: unpack(nested, [2, 4, 1]), lambda: unpack(pack(nested), [2, 4, 1])):
        with pytest.raises(TypeError, match="unpack: lengths are given for sequences that have their own"):
            call()
    with pytest.raises(ValueError, match=r"last_valid: the padded batch is nested; expected \(time, batch, …\)"):
        last_valid(nested, [2, 4, 1])
    factors = torch.arange(1.0, 15).double()
    found = torch.autograd.grad((pack(nested).data.flatten() * factors).sum(), given_)
    wanted = torch.autograd.grad((pack(given_).data.flatten() * factors).sum(), given_)
    assert all(torch.equal(a, b) for a, b in zip(found, wanted, strict=True))


def test_nothing_beyond_a_length_has_a_gradient():
    values, lengths = pad(sequences([2, 4]))
    lengths[0] = 0
    values[:, 0] = torch.nan
    values.requires_grad_()
    last_valid(values, lengths).square().sum().backward()
    assert not values.grad[:, 0].any()
    assert torch.equal(values.grad[3, 1], 2 * values.detach()[3, 1])


def test_a_layer_gives_the_same_for_each_form():
    layer = cellwright.LSTM(2, 3, dtype=torch.float64)
    given_ = sequences([2, 4, 1])
    values, lengths = pad(given_)
    padded, _ = layer(values, lengths=lengths)
    packed, _ = layer(pack(given_))
    for found in (unpack(padded, lengths), unpack(packed)):
        for output, one in zip(found, given_, strict=True):
            assert_agree(output, layer(one)[0])
    assert torch.equal(last_valid(padded, lengths), layer(values, lengths=lengths, return_sequences=False)[0])


X = torch.zeros(4, 3, 2)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: pack(X, [4, 0, 2]), ValueError, r"sequence 1 has length 0, .* call the layer with lengths="),
        (lambda: pack([X[:0], X]), ValueError, r"sequence 0 has length 0"),
        (lambda: pack(X, [4, 5, 2]), ValueError, r"pack: lengths\[1\] is 5; expected 0 … 4"),
        (lambda: pack(X, [4, 2]), RuntimeError, r"lengths have shape \(2,\); expected \(batch,\) = \(3,\)"),
        (lambda: pack(X, [4.0, 2.0, 1.0]), TypeError, "lengths are torch.float32; expected whole numbers"),
        (lambda: pack(X), TypeError, r"pack: got a tensor of shape \(4, 3, 2\); .* go its lengths"),
        (lambda: pack([X, X], [1, 2]), TypeError, "pass lengths with a padded tensor"),
        (lambda: pack(X[:, 0, 0], [1]), ValueError, r"shape \(4,\); expected \(time, batch, …\)"),
        (lambda: pack(X[:, :0], []), ValueError, "there is no sequence"),
        (lambda: pad([]), ValueError, "pad: there is no sequence; expected at least one"),
        (lambda: pad([torch.tensor(1.0)]), ValueError, r"sequence 0 is a single number; .* x\[None\]"),
        (lambda: pad([X, X[:, :2]]), RuntimeError, r"sequence 1 has shape \(4, 2, 2\) and sequence 0 \(4, 3, 2\)"),
        (lambda: pad(X), TypeError, "pad: got a tensor"),
        (lambda: pad([X, [1.0]]), TypeError, r"pad: sequence 1 is a list; expected tensors \(time, …\)"),
        (lambda: unpack(pad([X, X])), TypeError, r"unpack: got a Padded; expected a PackedSequence, a nested"),
        (lambda: unpack(X[:, 0, 0], [4]), ValueError, r"unpack: the padded batch has shape \(4,\)"),
        (lambda: last_valid(X[0, 0], [2], batch_first=True), ValueError, r"shape \(2,\); expected \(batch, time, …\)"),
        (lambda: unpack(X), TypeError, r"unpack\(values, lengths\)"),
        (lambda: unpack(X, [1, 2, 5]), ValueError, r"unpack: lengths\[2\] is 5; expected 0 … 4"),
        (lambda: mask([3, 1], 2), ValueError, r"mask: lengths\[0\] is 3; expected 0 … 2"),
        (lambda: last_valid(X, [1, -1, 2]), ValueError, r"last_valid: lengths\[1\] is -1"),
    ],
)
def test_mistakes_say_what_is_expected(call, error, text):
    with pytest.raises(error, match=text):
        call()
