"""torch.nn's layers and ours, one table: outputs, states and every gradient, on every backend that runs here."""

import itertools
from dataclasses import dataclass, replace

import pytest
import torch
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

import cellwright
from agreement import assert_agree

LENGTHS = [3, 6, 1, 4]  # of the ragged batches: no order


@dataclass(frozen=True)
class Case:
    kind: str = "LSTM"
    nonlinearity: str | None = None
    proj_size: int = 0
    num_layers: int = 1
    bidirectional: bool = False
    form: str = "padded"
    bias: bool = True
    batch_first: bool = False
    dropout: float = 0.0
    dtype: torch.dtype = torch.float64
    initial: bool = True
    time: int = 6
    batch: int = 4
    hidden: int = 5

    def __str__(self) -> str:
        usual = Case()
        words = [f"{k}={v}" for k, v in vars(self).items() if v != getattr(usual, k)]
        return ",".join(words).replace("torch.", "") or "LSTM"

    @property
    def options(self):
        names = ("num_layers", "bidirectional", "bias", "batch_first", "dropout", "dtype")
        only = {"proj_size": self.proj_size} if self.proj_size else {}
        only |= {"nonlinearity": self.nonlinearity} if self.nonlinearity else {}
        return {name: getattr(self, name) for name in names} | only


KINDS = (
    Case("LSTM"),
    Case("LSTM", proj_size=2),
    Case("GRU"),
    Case("RNN"),
    Case("RNN", nonlinearity="relu"),
)
FORMS = ("padded", "unbatched", "packed", "packed unsorted", "lengths")


def table():
    """Everything crossed that can go wrong together, then each of the rest on its own.

    Layers are stacked by one code for all kinds: all numbers of them for the LSTM, of each other kind one a form.
    """
    for kind, layers, both, (k, form), first in itertools.product(
        KINDS, (1, 2, 3), (False, True), enumerate(FORMS), (False, True)
    ):
        if form == "unbatched" and first:
            continue  # an unbatched sequence has no batch to come first
        if kind == Case() or layers == 1 + (k + both + first + KINDS.index(kind)) % 3:
            yield replace(kind, num_layers=layers, bidirectional=both, form=form, batch_first=first)
    for (j, kind), (k, form) in itertools.product(enumerate(KINDS), enumerate(FORMS)):
        case = replace(kind, bidirectional=(j + k) % 2 == 0, form=form, num_layers=2)
        yield replace(case, dtype=torch.float32)
        yield replace(case, bias=False)
        yield replace(case, initial=False)
        yield replace(case, dropout=0.4)
        if form in ("padded", "unbatched"):
            yield replace(case, time=1)
            yield replace(case, time=1, batch=1, hidden=3)
            yield replace(case, batch=1, hidden=16, dtype=torch.float32)


CASES = list(table())


def test_the_table_is_as_long_as_promised():
    assert len(CASES) == len(set(CASES)) >= 200


def test_the_quarter_that_is_fast_has_every_value_of_every_option():
    for option in vars(Case()):
        assert {getattr(case, option) for case in CASES[::4]} == {getattr(case, option) for case in CASES}


def modules(case):
    """torch's module with weights that differ everywhere, and ours with its state."""
    theirs = getattr(torch.nn, case.kind)(3, case.hidden, **case.options)
    generator = torch.Generator().manual_seed(7)
    for weight in theirs.parameters():
        weight.data = torch.randn(weight.shape, generator=generator, dtype=torch.float64).to(case.dtype) * 0.6
    ours = getattr(cellwright, case.kind)(3, case.hidden, **case.options)
    ours.load_state_dict(theirs.state_dict(), strict=True)
    return theirs, ours


def arguments(case):
    """The input, padded, and the states, none of them zero."""
    generator = torch.Generator().manual_seed(11)

    def draw(*shape):
        return torch.randn(shape, generator=generator, dtype=torch.float64).to(case.dtype).requires_grad_()

    batch = [] if case.form == "unbatched" else [case.batch]
    input = draw(*([*batch, case.time] if case.batch_first else [case.time, *batch]), 3)
    stack = case.num_layers * (1 + case.bidirectional)
    states = [draw(stack, *batch, case.proj_size or case.hidden)]
    if case.kind == "LSTM":
        states.append(draw(stack, *batch, case.hidden))
    return input, states if case.initial else []


def run(case, module, input, states, *, lengths=False):
    """Output, padded, and the states after."""
    hx = None if not states else tuple(states) if len(states) > 1 else states[0]
    torch.manual_seed(5)  # of the dropout
    if case.form in ("padded", "unbatched"):
        output, after = module(input, hx)
    elif lengths and case.form == "lengths":
        output, after = module(input, hx, lengths=torch.tensor(LENGTHS))
    else:
        ordered = case.form == "packed"
        given = sorted(LENGTHS, reverse=True) if ordered else LENGTHS
        packed = pack_padded_sequence(input, torch.tensor(given), case.batch_first, enforce_sorted=ordered)
        output, after = module(packed, hx)
        assert isinstance(output, PackedSequence)
        output, _ = pad_packed_sequence(output, case.batch_first, total_length=case.time)
    return [output, *(after if isinstance(after, tuple) else [after])]


def gradients(results, wanted):
    """Of a sum in which every result has a weight of its own."""
    generator = torch.Generator().manual_seed(13)
    loss = sum((r * torch.randn(r.shape, generator=generator, dtype=torch.float64).to(r.dtype)).sum() for r in results)
    return torch.autograd.grad(loss, wanted)


def in_double(tensors):
    """The same numbers as leaves of their own."""
    return [t.detach().double().requires_grad_() for t in tensors]


@pytest.mark.filterwarnings("ignore:LSTM with projections")
def test_values_and_every_gradient_are_those_of_torch(case, backend):
    """torch computes in float64 in either case: which of its elements float32 rounds well differs by processor."""
    theirs, ours = modules(case)
    input, states = arguments(case)
    theirs.double()
    exact, *ends = in_double([input, *states])
    expected = run(case, theirs, exact, ends)
    wanted = gradients(expected, [exact, *ends, *theirs.parameters()])
    with cellwright.use_backend(backend):
        found = run(case, ours, input, states, lengths=True)
        given = gradients(found, [input, *states, *ours.parameters()])
    assert {t.dtype for t in (*found, *given)} == {case.dtype}
    assert_agree(found, expected)
    names = ["input", *"hc"[: len(states)], *dict(ours.named_parameters())]
    for name, a, b in zip(names, given, wanted, strict=True):
        assert_agree(a, b, name=f"gradient of {name}")


def test_exchanged_gates_are_noticed():
    """The table's data tell the gates apart: with two exchanged, nothing agrees."""
    case = Case()
    theirs, ours = modules(case)
    for weight in ours.parameters():
        i, f, g, o = weight.data.chunk(4)
        weight.data = torch.cat([f, i, g, o])
    input, states = arguments(case)
    for a, b in zip(run(case, ours, input, states), run(case, theirs, input, states), strict=True):
        assert (a - b).abs().max() > 0.05
