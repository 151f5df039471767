"""Any cell over a batch of sequences in plain PyTorch: the specification that everything else is tested against.

It computes the step as it was read when the cell was defined, operation by operation, as the kernels do. Any device,
any floating dtype; differentiable as often as wanted; works under vmap. How sequences lie, `backends.call` draws.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, pairwise
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import linear

from cellwright.backends.call import (
    Call,
    Result,
    Weights,
    differentiates,
    in_full_precision,
    on_packed_rows,
    recorded_gradients,
)
from cellwright.cells import language
from cellwright.cells.definition import PER_SEQUENCE, Definition
from cellwright.cells.expression import Expression
from cellwright.cells.trace import ordered


def obstacle(call: Call) -> None:
    """None: it computes any call."""


@on_packed_rows
def run(call: Call) -> Result:
    """Compute the call. Its letters carry a gradient."""
    rows, states, letters = zip(*(run_direction(call, d) for d in range(len(call.weights))), strict=True)
    found = {"": torch.cat(rows, -1)}
    found |= {name: torch.stack(s) for name, s in zip(call.cell.states, zip(*states, strict=True), strict=True)}
    if differentiates(call.tensors):  # of what is made by comparisons alone too
        found |= _with_gradients_of_zero({n: v for n, v in found.items() if not v.requires_grad}, call.tensors)
    output, *ends = found.values()
    return Result(output, tuple(ends), list(letters))


def run_direction(call: Call, d: int) -> tuple[Tensor, Any, dict[str, Tensor]]:
    """Outputs (S, P) of direction d of packed rows, its states (B, ·) at the sequences' ends, and its letters (S, ·).

    x = W x_t + b of every row at once; then step by step u = U h_{t−1} + b' and the cell's equations, and within them
    u.n(a) = U_n a + b'_n.
    """
    cell, weights = call.cell, call.weights[d]
    x = None if weights.input is None else linear(call.rows, weights.input, weights.input_bias)
    fresh = None if call.fresh is None else [f[d] for f in call.fresh]
    equations = evaluator({**(cell.trace.letters if call.record else {}), **cell.trace.results}, call.state[0])
    own, names, hidden = _extra_parameters(cell, weights), [f"s.{name}" for name in cell.states], call.hidden
    within = _products_within(cell, weights)
    state = cell.States(*(s[d] for s in call.state))
    outputs: list[Tensor] = []
    letters: list[dict[str, Tensor]] = []
    for step in _steps(call.batch_sizes, reverse=d == 1):
        before = _before(step, state, call.resets[d] if call.resets else None, fresh)
        given = dict(zip(names, before, strict=True))
        given |= own
        given |= _parts(cell, "x", None if x is None else x[step])
        given |= _products(cell, weights, before, within)
        given |= _streams(call, d, step)
        values = equations(given, (step.stop - step.start, hidden), within)
        if step.start == step.stop:
            values = _with_gradients_of_zero(values, call.tensors)
        after = _after(call, weights, values)
        values |= after._asdict()
        results = [values[name] for name in cell.results]
        outputs.append(results[0] if len(results) == 1 else torch.cat(results, -1))
        letters.append({name: values[name] for name in (*cell.trace.letters, *cell.states)} if call.record else {})
        state = cell.States(*map(_in_front, after, state))  # a sequence without this step keeps its state
    if d == 1:
        outputs, letters = outputs[::-1], letters[::-1]
    return torch.cat(outputs), state, {name: torch.cat([one[name] for one in letters]) for name in letters[0]}


def _steps(batch_sizes: Sequence[int], *, reverse: bool) -> Iterator[slice]:
    """The rows of each step, in the order in which a direction takes them.

    Where no sequence has a step, one step of no row: its results depend on everything, as those of others do.
    """
    steps = [slice(*edges) for edges in pairwise(accumulate([n for n in batch_sizes if n] or [0], initial=0))]
    return reversed(steps) if reverse else iter(steps)


def _parts(cell: Definition, root: str, values: Tensor | None) -> dict[str, Tensor]:
    """(·, G·H) as one (·, H) a projection: "x.i" and so on."""
    parts = () if values is None else values.chunk(len(cell.projections), -1)
    return {f"{root}.{name}": part for name, part in zip(cell.projections, parts, strict=False)}


def _extra_parameters(cell: Definition, weights: Weights) -> dict[str, Tensor]:
    """The cell's further parameters: "p.peephole", or "p.gain.i" and so on."""
    found: dict[str, Tensor] = {}
    for name, values in weights.extra_parameters.items():
        found |= {f"p.{name}": values} if cell.per_unit(name) else _parts(cell, f"p.{name}", values)
    return found


def _products(
    cell: Definition, weights: Weights, before: Any, within: Callable[[str, Tensor], Tensor]
) -> dict[str, Tensor]:
    """The products of the state before a step, "u.i" and so on; not of letters that multiply a value within it."""
    if weights.recurrent is None or not cell.multiplies_before:
        return {}
    state = getattr(before, cell.recurrent_state)
    if not cell.trace.products:
        return _parts(cell, "u", linear(state, weights.recurrent, weights.recurrent_bias))
    before = [f"u.{name}" for name in cell.projections if name not in cell.trace.within]
    return {name: within(name, state) for name in before if name in cell.reads}


def _products_within(cell: Definition, weights: Weights) -> Callable[[str, Tensor], Tensor]:
    """What multiplies a value of the step by U's rows of a projection, "u.n", and adds their bias."""
    there = bool(cell.trace.products)
    matrices = _rows(cell, weights.recurrent) if there and weights.recurrent is not None else {}
    biases = _rows(cell, weights.recurrent_bias) if there and weights.recurrent_bias is not None else {}
    return lambda name, operand: linear(operand, matrices[name], biases.get(name))


def _rows(cell: Definition, values: Tensor) -> dict[str, Tensor]:
    """(G·H, …) as one (H, …) a projection: "u.i" and so on."""
    return {f"u.{name}": part for name, part in zip(cell.projections, values.chunk(len(cell.projections)), strict=True)}


def _streams(call: Call, d: int, step: slice) -> dict[str, Tensor]:
    """What comes with each call of a step: that of its rows, or of the sequences that have it, one number a unit."""
    given = call.streams[d] if call.streams else {}
    if not given:
        return {}
    sequences = slice(step.stop - step.start)
    rows = {name: v[sequences if call.cell.streams[name] == PER_SEQUENCE else step] for name, v in given.items()}
    return {name: v.expand(len(v), call.hidden) for name, v in rows.items()}


def _before(step: slice, state: Any, resets: Tensor | None, fresh: Sequence[Tensor] | None) -> Any:
    """The states before a step, of the sequences that have it: where a reset has it begin anew, `fresh` or zeros."""
    alive = step.stop - step.start
    state = type(state)(*(s[:alive] for s in state))
    if resets is None:
        return state
    values = [torch.zeros_like(s[:1]) for s in state] if fresh is None else [f[:alive] for f in fresh]
    return type(state)(*(torch.where(resets[step, None], f, s) for f, s in zip(values, state, strict=True)))


def _after(call: Call, weights: Weights, values: Mapping[str, Tensor]) -> Any:
    """The states after a step, as they go on to the next, of the values of its equations."""
    cell, h = call.cell, call.cell.recurrent_state
    new = cell.States(*(values[name] for name in cell.states))
    return new if weights.projection is None else new._replace(**{h: linear(getattr(new, h), weights.projection)})


def _in_front(new: Tensor, old: Tensor) -> Tensor:
    """`old` (B, ·) with `new` (n, ·) in place of its first n."""
    return torch.cat([new, old[len(new) :]]) if len(new) < len(old) else new


def _with_gradients_of_zero(values: Mapping[str, Tensor], tensors: Iterable[Tensor]) -> dict[str, Tensor]:
    """Values that depend on nothing, with a gradient of zero for each of `tensors`, those that no cell reads too.

    So have the results that kernels compute, and a process of DDP must not have fewer gradients than the others.
    """
    zero = torch.stack([t.flatten()[:0].sum() for t in tensors]).sum()
    return {name: value + zero for name, value in values.items()}


# --- gradients -----------------------------------------------------------------------------------------
def gradients(call: Call, d_rows: Tensor, d_state: Sequence[Tensor], *, wants_rows: bool) -> list[Tensor | None]:
    """As `dispatch.gradients`; that of the rows is there in any case."""
    return recorded_gradients(run, call, (d_rows, *d_state))


@in_full_precision
def differentiable_gradients(
    call: Call, wanted: Sequence[bool], cotangents: Sequence[Tensor]
) -> Iterator[Tensor | None]:
    """The gradients of `call.tensors`, None where one is not wanted, to be differentiated again if that is recorded."""
    recorded = torch.is_grad_enabled()
    with torch.enable_grad():
        call = call.replaced([t.view_as(t) for t in call.tensors])  # one given twice has two gradients, which add up
        # Of a layer in bfloat16 the kernels' call is in float32 but for its weights.
        rows, state, _ = run(call.float() if call.rows.dtype == torch.float32 else call)
    inputs = [t for t, want in zip(call.tensors, wanted, strict=True) if want]
    grad = torch.autograd.grad
    found = iter(grad((rows, *state), inputs, cotangents, create_graph=recorded, materialize_grads=True))
    return (next(found) if want else None for want in wanted)


# --- the letters of a step: its expressions, evaluated on tensors --------------------------------------
@torch.no_grad()
def _floor(a: Tensor) -> Tensor:
    """Without a gradient, where torch has one of 0: 0 / 0 of a quotient is NaN."""
    return torch.floor(a)


_EVALUATE: dict[str, Callable[..., Tensor]] = {
    "add": torch.add,
    "subtract": torch.sub,
    "multiply": torch.mul,
    "divide": torch.div,
    "power": torch.pow,
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
    "sin": torch.sin,
    "cos": torch.cos,
    "atan": torch.atan,
    "absolute": torch.abs,
    "floor": _floor,
    "greater": torch.gt,
    "select": torch.where,
    "mean": lambda a: a.mean(-1, keepdim=True),
    "sum": lambda a: a.sum(-1, keepdim=True),
    "amax": lambda a: a.amax(-1, keepdim=True),
    "straight_through": language.straight_through,
}


def _function(e: Expression) -> Callable[..., Tensor] | None:
    """What computes an operation; None of a product, which is its weights'."""
    if e.op == "power" and e.operands[1].op == "number":
        exponent = e.operands[1].number
        # By a number torch goes other ways, as of a root, than by a tensor that holds it.
        return lambda a, _: torch.pow(a, exponent)
    return _EVALUATE.get(e.op)


def evaluator(
    expressions: Mapping[str, Expression], like: Tensor
) -> Callable[[Mapping[str, Tensor], tuple[int, int], Callable[[str, Tensor], Tensor]], dict[str, Tensor]]:
    """What computes a traced step's expressions from its inputs by name, "x.i" and so on: each of the shape (B, H).

    Its numbers are of the type and on the device of `like`. The third multiplies within the step: of "u.n" and a value.
    """
    order = ordered(expressions.values())
    place = {id(e): k for k, e in enumerate(order)}
    inputs = [(k, e.name) for k, e in enumerate(order) if e.op == "input"]
    numbers = {k: e.number for k, e in enumerate(order) if e.op == "number"}
    constants = {k: torch.as_tensor(number, dtype=like.dtype, device=like.device) for k, number in numbers.items()}
    operations = [
        (k, e.name, _function(e), [place[id(o)] for o in e.operands]) for k, e in enumerate(order) if e.operands
    ]

    def compute(
        given: Mapping[str, Tensor], shape: tuple[int, int], product: Callable[[str, Tensor], Tensor]
    ) -> dict[str, Tensor]:
        values = constants | {k: given[name] for k, name in inputs}
        for k, name, function, operands in operations:
            if function is None:
                values[k] = product(name, values[operands[0]].expand(shape))
            else:
                values[k] = function(*[values[o] for o in operands])
        return {name: values[place[id(e)]].expand(shape) for name, e in expressions.items()}

    return compute
