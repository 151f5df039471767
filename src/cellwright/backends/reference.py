"""Any cell over a batch of sequences in plain PyTorch: the specification that everything else is tested against.

It computes the step as it was read when the cell was defined, operation by operation, as the kernels do.
One layer, one direction. Any device, any floating dtype; differentiable as often as wanted; works under vmap.

Sequences lie as PyTorch packs them. Three sequences a b c of lengths 3, 2, 1 are six rows:

    t           0        1      2
    rows      a0 b0 c0  a1 b1  a2        batch_sizes = [3, 2, 1]

The rows of a step are the first batch_sizes[t] sequences, so a step is one slice and padding is never computed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from operator import attrgetter
from types import SimpleNamespace
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import linear

from cellwright.cells.definition import PER_SEQUENCE, PER_UNIT, Definition
from cellwright.cells.expression import Expression
from cellwright.cells.trace import ordered
from cellwright.packing import Places


@dataclass(frozen=True)
class Weights:
    """The parameters of one direction of one layer. G projections, I inputs, H hidden, P outputs (H, or projected).

    input (G·H, I), recurrent (G·H, P), their biases (G·H,) or None, projection (P, H) or None, and the cell's own.
    """

    input: Tensor
    recurrent: Tensor
    input_bias: Tensor | None = None
    recurrent_bias: Tensor | None = None
    projection: Tensor | None = None
    own: Mapping[str, Tensor] = field(default_factory=dict)

    @property
    def flat(self) -> list[Tensor]:
        """Those that are there, in torch.nn's order, the cell's own last."""
        given = (self.input, self.recurrent, self.input_bias, self.recurrent_bias, self.projection)
        return [w for w in given if w is not None] + list(self.own.values())

    def replaced(self, tensors: Sequence[Tensor]) -> Weights:
        """The same parameters with other values, in the order of `flat`."""
        rest = iter(tensors)
        given = (self.input, self.recurrent, self.input_bias, self.recurrent_bias, self.projection)
        matrices = [None if w is None else next(rest) for w in given]
        return Weights(*matrices, {name: next(rest) for name in self.own})  # type: ignore[arg-type,call-arg]


@dataclass(frozen=True)
class Call:
    """What a layer is asked to compute.

    rows         (N, I) the S packed rows, sequences in falling length as above, or rows among which they stand
    batch_sizes  how many sequences are alive at each step
    state        one (D, B, ·) a state of the cell
    weights      one a direction: forward, or forward and reverse
    resets       one (S,) bool a direction: rows that begin from `fresh`
    fresh        one (D, B, ·) a state: what a reset restores; zeros where None
    streams      one mapping a direction: the cell's further inputs
    record       whether the values of the step's letters are wanted
    places       where the packed rows stand in `rows`; None where they are these
    output_places  where they stand in the outputs (N', D·P), zero in other places; None where they are these
    """

    cell: Definition
    rows: Tensor
    batch_sizes: Sequence[int]
    state: Sequence[Tensor]
    weights: Sequence[Weights]
    resets: Sequence[Tensor] | None = None
    fresh: Sequence[Tensor] | None = None
    streams: Sequence[Mapping[str, Tensor]] | None = None
    record: bool = False
    places: Places | None = None
    output_places: Places | None = None

    @property
    def tensors(self) -> list[Tensor]:
        """Everything that a gradient may flow into."""
        streams = [s for direction in self.streams or () for s in direction.values()]
        return [
            self.rows,
            *self.state,
            *(w for one in self.weights for w in one.flat),
            *(self.fresh or ()),
            *streams,
        ]

    def replaced(self, tensors: Sequence[Tensor]) -> Call:
        """The same call on other `tensors`, in their order."""
        rest = iter(tensors)

        def each(old: Iterable[Tensor]) -> list[Tensor]:
            return [next(rest) for _ in old]

        return replace(
            self,
            rows=next(rest),
            state=each(self.state),
            weights=[w.replaced(each(w.flat)) for w in self.weights],
            fresh=each(self.fresh) if self.fresh else None,
            streams=[dict(zip(one, each(one.values()), strict=True)) for one in self.streams] if self.streams else None,
        )


class Output(NamedTuple):
    """rows (S, P), the state at each sequence's own end (B, ·), and where asked each letter's values (S, ·).

    The letters are those of the equations and the states after each step, as they go on to the next.
    """

    rows: Tensor
    state: Any
    letters: dict[str, Tensor]


def run(
    cell: Definition,
    rows: Tensor,
    batch_sizes: Sequence[int],
    state: Any,
    weights: Weights,
    *,
    reverse: bool = False,
    reset: Tensor | None = None,
    fresh: Any = None,
    streams: Mapping[str, Tensor] | None = None,
    record: bool = False,
) -> Output:
    """Run `cell` over packed rows (S, I) from `state`, a tuple of one (B, ·) a state; sequences in falling length.

    reset (S,) bool: rows whose step begins from `fresh` (one (B, ·) a state; zeros by default), not the state.
    streams: the cell's further inputs, (S, H) those of each step, (B, H) those of each sequence.

    Many arguments: a call of one direction, part by part.
    """
    streams = streams or {}
    # Where no sequence has a step, one step of no row: its results depend on everything, as those of others do.
    batch_sizes = [n for n in batch_sizes if n] or [0]
    offsets = [0, *accumulate(batch_sizes)]
    steps = range(len(batch_sizes))
    x = linear(rows, weights.input, weights.input_bias)
    p = _own(cell, weights)
    step = evaluator({**(cell.trace.letters if record else {}), **cell.trace.states}, x)
    state = cell.States(*state)
    outputs: list[Tensor] = [rows.new_zeros(0)] * len(batch_sizes)
    letters: list[dict[str, Tensor]] = [{}] * len(batch_sizes)
    for t in reversed(steps) if reverse else steps:
        here, n = slice(offsets[t], offsets[t + 1]), batch_sizes[t]
        before = cell.States(*(s[:n] for s in state))
        if reset is not None:
            before = _begin_anew(before, reset[here], fresh)
        u = linear(getattr(before, cell.operand), weights.recurrent, weights.recurrent_bias)
        m = SimpleNamespace(
            **{name: v[:n] if cell.streams[name] == PER_SEQUENCE else v[here] for name, v in streams.items()}
        )
        arguments = cell.Projections(*x[here].chunk(len(cell.projections), -1)), _parts(cell, u), before, p, m
        values = step(*arguments)
        new = cell.States(*(values[name] for name in cell.states))
        if not n:
            new = _with_gradients_of_zero(new, [rows, *state, *weights.flat, *(fresh or ()), *streams.values()])
        if weights.projection is not None:
            new = new._replace(**{cell.operand: linear(getattr(new, cell.operand), weights.projection)})
        if record:
            letters[t] = values | new._asdict()
        outputs[t] = new[0]
        state = cell.States(*(torch.cat([a, b[n:]]) if n < len(b) else a for a, b in zip(new, state, strict=True)))
    widths = dict.fromkeys(cell.trace.letters, x.shape[-1] // len(cell.projections))
    widths |= {name: s.shape[-1] for name, s in zip(cell.states, state, strict=True)}
    joined = {
        name: torch.cat([rows.new_zeros(0, width), *(step[name] for step in letters)])
        for name, width in widths.items()
        if record
    }
    return Output(torch.cat([rows.new_zeros(0, state[0].shape[-1]), *outputs]), state, joined)


def _parts(cell: Definition, values: Tensor) -> Any:
    return cell.Projections(*values.chunk(len(cell.projections), -1))


def _own(cell: Definition, weights: Weights) -> SimpleNamespace:
    return SimpleNamespace(
        **{
            name: weights.own[name] if shape == PER_UNIT else _parts(cell, weights.own[name])
            for name, shape in cell.parameters.items()
        }
    )


def _with_gradients_of_zero(new: Any, tensors: Iterable[Tensor]) -> Any:
    """The states after a step of no row, with a gradient of zero for each of `tensors`, those that no cell reads too.

    So have the states that kernels compute, and a process of DDP must not have fewer gradients than the others.
    """
    zero = torch.stack([t.flatten()[:0].sum() for t in tensors]).sum()
    return type(new)(*(s + zero for s in new))


def _begin_anew(state: Any, reset: Tensor, fresh: Any) -> Any:
    values = [torch.zeros_like(s[:1]) for s in state] if fresh is None else [f[: len(reset)] for f in fresh]
    return type(state)(*(torch.where(reset[:, None], f, s) for f, s in zip(values, state, strict=True)))


# --- the letters of a step: its expressions, evaluated on tensors --------------------------------------
_EVALUATE: dict[str, Callable[..., Tensor]] = {
    "add": torch.add,
    "subtract": torch.sub,
    "multiply": torch.mul,
    "divide": torch.div,
    "negate": torch.neg,
    "minimum": lambda a, b: a.clamp(max=b),
    "maximum": lambda a, b: a.clamp(min=b),
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "exp": torch.exp,
    "log": torch.log,
    "log1p": torch.log1p,
    "sqrt": torch.sqrt,
    "absolute": torch.abs,
    "greater": torch.gt,
    "select": torch.where,
    "mean": lambda a: a.mean(-1, keepdim=True),
}


def evaluator(expressions: Mapping[str, Expression], like: Tensor) -> Callable[..., dict[str, Tensor]]:
    """What computes a traced step's expressions from the step's arguments, (x, u, s, p, m) -> one (B, H) each.

    Its numbers are of the type and on the device of `like`.
    """
    order = ordered(expressions.values())
    places = {id(e): k for k, e in enumerate(order)}
    inputs = [(k, attrgetter(e.name)) for k, e in enumerate(order) if e.op == "input"]
    numbers = {k: e.number for k, e in enumerate(order) if e.op == "number"}
    constants = {k: torch.as_tensor(number, dtype=like.dtype, device=like.device) for k, number in numbers.items()}
    operations = [
        (k, _EVALUATE[e.op], [places[id(o)] for o in e.operands]) for k, e in enumerate(order) if e.op in _EVALUATE
    ]

    def compute(x: Any, u: Any, s: Any, p: Any, m: Any) -> dict[str, Tensor]:
        given = SimpleNamespace(x=x, u=u, s=s, p=p, m=m)
        values = constants | {k: read(given) for k, read in inputs}
        for k, function, operands in operations:
            values[k] = function(*[values[o] for o in operands])
        return {name: values[places[id(e)]].expand_as(x[0]) for name, e in expressions.items()}

    return compute
