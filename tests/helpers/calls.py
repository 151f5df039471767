"""Random calls of a layer on any path, and everything that comes out of them: outputs, states, gradients."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from cellwright.backends import dispatch
from cellwright.backends.call import Call, Result
from cellwright.cells import CELLS, Definition
from cellwright.cells.definition import PER_PROJECTION, PER_SEQUENCE, PER_STEP, PER_UNIT, cell
from cellwright.cells.derived import recurrent_dropout, zoneout
from cellwright.cells.language import (
    State,
    amax,
    atan,
    constant,
    cos,
    exp,
    log,
    log1p,
    maximum,
    mean,
    minimum,
    power,
    relu,
    select,
    sigmoid,
    sin,
    softmax,
    softplus,
    spike,
    sqrt,
    standardise,
    tanh,
    total,
)
from drawing import Case, draw

RAGGED = (4, 3, 3, 1, 0)


# --- cells that go where the shipped ones do not -------------------------------------------------------
@cell(projections="f g", gates="f", state="h")
def half_recurrent(x: Any, u: Any, s: Any) -> State:
    """Only one projection of u: the other rows of U are never multiplied."""
    f = sigmoid(x.f + u.f)
    return State(h=f * s.h + (1 - f) * tanh(x.g))


@cell(projections="a g", gates="", state="h", parameters={"threshold": PER_UNIT, "level": PER_PROJECTION})
def compared(x: Any, u: Any, s: Any, p: Any) -> State:
    """Inputs that only comparisons read: a and the threshold have no gradient."""
    return State(h=select(x.a + u.a > p.threshold, p.level.a * s.h, tanh(x.g + u.g)))


@cell(projections="f g", gates="f", state="h c")
def of_means(x: Any, u: Any, s: Any) -> State:
    """Means of what x, u and s are, of each other, and a state that is only handed on."""
    f = sigmoid(x.f + mean(u.f))
    g = tanh(x.g + u.g * mean(s.c))
    return State(h=s.c, c=f * s.c + mean(g - mean(f)) * s.h)


@cell(projections="a b", gates="", state="c h", parameters={"w": PER_UNIT})
def of_everything(x: Any, u: Any, s: Any, p: Any) -> State:
    """Every operation; the output is not the first letter; u alone, x alone, and both apart."""
    a = maximum(minimum(x.a + u.a, 1.5), -1.5) / (1 + abs(u.b))
    b = sqrt(1 + relu(x.b) * p.w * p.w) - log1p(exp(-abs(x.b)))
    d = select(s.h < u.b, log(2 + softplus(a)), standardise(a - b))
    c = sigmoid(a) * s.c + tanh(d)
    return State(c=c, h=minimum(c, s.h) - 0.5)


@cell(projections="a b", gates="", state="h c")
def waving(x: Any, u: Any, s: Any) -> State:
    """Waves and angles; powers of values and of numbers, with values and with numbers."""
    k = constant(0.5)
    a = sin(x.a + k * (u.a + s.h)) + k * cos(3 * x.b)
    b = power(softplus(x.b), sigmoid(u.b + s.c)) + 1.5**a - (a / 2) ** 3
    return State(h=tanh(b) * a**2 / 3, c=k * atan(b - s.c) / (1 + s.c * s.c) ** 0.7)


@cell(projections="q k", gates="q", state="h c")
def attending(x: Any, u: Any, s: Any) -> State:
    """What reduces the units of a row, once as a share of all, and of what is reduced already."""
    q = softmax(x.q + u.q * s.c)
    k = x.k + u.k
    r = k * total(q * k) - amax(k) / (2 + mean(abs(k - amax(s.h))))
    return State(h=tanh(r + q * s.h), c=0.5 * s.c + k / (1 + total(abs(k))))


@cell(projections="a", gates="", state="z v")
def spiking(x: Any, u: Any, s: Any) -> State:
    """A leaky integrator that is set back by its own spikes, and jumps; its gradient is no difference quotient."""
    beta = constant(0.9)
    v = beta * s.v + x.a + u.a - 0.3 * s.z + 0.1 * (s.v % 0.7) - 0.05 * (s.v // 2)
    return State(z=spike(v - 0.3), v=v)


@cell(
    inputs="rain drive",
    parameters={"rate": PER_SEQUENCE, "k": PER_SEQUENCE, "gain": PER_STEP, "w": PER_UNIT},
    state="store slow",
    outputs="flow slow spill",
)
def reservoir(x: Any, s: Any, p: Any) -> State:
    """No product; inputs and parameters of a step and of a sequence, of a unit and of all; outputs beside a state."""
    flow = sigmoid(p.rate) * s.store + p.w * x.drive
    full = s.store + p.gain * x.rain - tanh(flow)
    spill = maximum(full - p.k, 0)
    return State(store=full - spill, slow=0.9 * s.slow + 0.1 * flow, flow=flow, spill=spill)


@cell(projections="z n", gates="z", state="h")
def without_recurrence(x: Any, s: Any) -> State:
    """W and no U."""
    z = sigmoid(x.z)
    return State(h=(1 - z) * s.h + z * tanh(x.n))


@cell(projections="a", gates="", inputs="drive", state="h", outputs="y")
def driven(x: Any, u: Any, s: Any) -> State:
    """U and no W, an input as it is, and an output that is no state."""
    h = 0.7 * s.h + 0.3 * tanh(u.a + x.drive)
    return State(h=h, y=h * h - x.drive)


@cell(projections="a b c d", gates="a", state="h c", parameters={"w": PER_UNIT, "rate": PER_SEQUENCE})
def within_products(x: Any, u: Any, s: Any, p: Any) -> State:
    """Products of what products give; one value through several letters, one of them beside x alone; and a mean."""
    a = sigmoid(x.a + u.a)
    b = tanh(u.b(a * s.h + p.w) * x.b)
    m = standardise(b - s.c) + p.rate
    c = a * s.c + (1 - a) * tanh(x.c + u.c(m))
    return State(h=tanh(x.d) * sigmoid(u.d(m)) + b * c, c=c)


@cell(projections="a b", gates="", state="h", parameters={"rate": PER_STEP})
def only_within(x: Any, u: Any, s: Any, p: Any) -> State:
    """No product of the state before the step alone; one of what is given."""
    return State(h=0.5 * s.h + tanh(x.a + u.a(s.h * abs(s.h))) - 0.2 * tanh(x.b + u.b(p.rate)))


INVENTED = [half_recurrent, compared, waving, attending, of_means, of_everything]
INVENTED += [reservoir, without_recurrence, driven, within_products, only_within]
DERIVED = [
    zoneout(CELLS["lstm"]),
    zoneout(CELLS["slstm"]),
    recurrent_dropout(CELLS["gru"]),
    recurrent_dropout(CELLS["layer-norm-gru"]),
    zoneout(recurrent_dropout(CELLS["lstm"])),
]
EVERY = [*CELLS.values(), *DERIVED, *INVENTED]
# Those whose gradient is that of what they compute, and not, as a spike's, of something smoother.
SMOOTH = [cell for cell in EVERY if not any(e.op == "straight_through" for e in cell.trace.order)]
# The cells of the library whose layers need nothing but x, and those of them that have a U.
OF_X = [name for name, cell in CELLS.items() if cell.takes_x_alone]
OF_X_AND_U = [name for name in OF_X if CELLS[name].multiplies_state]
REGULARISED = [zoneout(cell) for cell in EVERY if not cell.masks]
REGULARISED += [recurrent_dropout(cell) for cell in EVERY if not cell.masks and cell.multiplies_state]
# One of each kind, for what takes long.
SOME = [CELLS[name] for name in ("lstm", "gru", "layer-norm-lstm", "slstm", "peephole")] + DERIVED[-1:] + INVENTED[-5:]


def of_each_kind_fast(cells: Iterable[Definition | str]) -> list[Any]:
    """Each cell as a case, all but SOME of them slow: every cell has kernels of its own, which take long to compile."""
    fast = {cell.name for cell in SOME}
    cases = [(cell, cell if isinstance(cell, str) else cell.name) for cell in cells]
    return [pytest.param(cell, marks=[] if name in fast else [pytest.mark.slow]) for cell, name in cases]


# --- calls ---------------------------------------------------------------------------------------------
def draw_call(
    cell: Definition,
    lengths: Sequence[int] = RAGGED,
    inputs: int = 2,
    hidden: int = 5,
    directions: int = 1,
    resets: bool = False,
    fresh: bool = False,
    record: bool = False,
    scale: float = 1.0,
    projected: int = 0,
    seed: int = 0,
) -> Call:
    """A call in double precision, every number of it different; `scale` multiplies W, U and their biases.

    projected: the outputs, where a projection makes them of the hidden units.
    """
    cases = [draw(cell, tuple(lengths), inputs, hidden, seed + d) for d in range(directions)]
    if projected:
        cases = [_with_projection(case, projected) for case in cases]
    state = [torch.stack(s) for s in zip(*(case.state for case in cases), strict=True)]
    own = len(cell.parameters)
    weights = []
    for case in cases:
        flat = case.weights.flat
        scaled = [w * scale for w in flat[: len(flat) - own]]
        weights.append(case.weights.replaced([*scaled, *flat[len(flat) - own :]]))
    rows = cases[0].rows
    return Call(
        cell,
        rows,
        cases[0].batch_sizes,
        state,
        weights,
        resets=[torch.arange(len(rows)) % 4 == 1 + d for d in range(directions)] if resets else None,
        fresh=[0.5 * s.abs() + 0.1 for s in state] if fresh else None,
        streams=[case.streams for case in cases] if cell.streams else None,
        record=record,
    )


def _with_projection(case: Case, outputs: int) -> Case:
    """The case with an output of the first units of the operand, each a sum over all of them."""
    w, operand = case.weights, case.cell.states.index(case.cell.recurrent_state)
    projection = w.recurrent[: len(w.recurrent[0])].roll(1, 0)[:outputs] * 0.7
    state = [s[:, :outputs] if k == operand else s for k, s in enumerate(case.state)]
    weights = replace(w, recurrent=w.recurrent[:, :outputs].clone(), projection=projection.clone())
    return replace(case, state=state, weights=weights)


def converted(call: Call, dtype: torch.dtype) -> Call:
    """The same call in another precision."""
    return call.replaced([t.to(dtype) for t in call.tensors])


def inputs(call: Call) -> dict[str, Tensor]:
    """What a gradient may flow into, by name; masks are not among it, which no cell here has beside other streams."""
    names = ["rows", *(f"state.{s}" for s in call.cell.states)]
    for d, w in enumerate(call.weights):
        given = ("input", "recurrent", "input_bias", "recurrent_bias", "projection")
        names += [f"{name}[{d}]" for name in given if getattr(w, name) is not None]
        names += [f"{name}[{d}]" for name in w.extra_parameters]
    names += [f"fresh.{s}" for s in call.cell.states] if call.fresh else []
    if not call.cell.masks:
        names += [f"{name}[{d}]" for d, one in enumerate(call.streams or ()) for name in one]
    return dict(zip(names, call.tensors, strict=False))


def streams(call: Call) -> list[Tensor]:
    """The masks, which stand last among a call's tensors."""
    return call.tensors[len(inputs(call)) :]


def on(path: dispatch.Name, call: Call) -> Result:
    """The call, computed on that path."""
    with dispatch.use_backend(path):
        return dispatch.layer(call)


def outputs(call: Call, path: dispatch.Name = "compiled") -> dict[str, Tensor]:
    """The rows and the final states by name, computed without a gradient."""
    with torch.no_grad():
        rows, state, _ = on(path, call)
    return _named(call, rows, state)


def with_gradients(call: Call, path: dispatch.Name = "compiled") -> dict[str, Tensor]:
    """The outputs, and the gradient of each input, of a sum of the outputs with random factors."""
    leaves = [t.detach().clone().requires_grad_() for t in inputs(call).values()]
    rows, state, _ = on(path, call.replaced([*leaves, *streams(call)]))
    generator = torch.Generator().manual_seed(7)
    found = _named(call, rows, state)
    loss = sum(
        (value * torch.randn(value.shape, generator=generator, dtype=torch.float64).to(value.dtype)).sum()
        for value in found.values()
    )
    gradients = torch.autograd.grad(loss, leaves, allow_unused=True)
    found |= {
        f"d {name}": torch.zeros_like(leaf) if gradient is None else gradient
        for name, leaf, gradient in zip(inputs(call), leaves, gradients, strict=True)
    }
    return {name: value.detach() for name, value in found.items()}


def _named(call: Call, rows: Tensor, state: Sequence[Tensor]) -> dict[str, Tensor]:
    return {"rows": rows} | {f"final {s}": v for s, v in zip(call.cell.states, state, strict=True)}


def alone(call: Call, b: int) -> Call:
    """Sequence b of a call, as a batch of its own; of masks, those of each step as well as those of each sequence."""
    places = _places(call, b)

    def own_rows(value: Tensor) -> Tensor:
        return value[places].clone()

    def own_mask(name: str, value: Tensor) -> Tensor:
        return own_rows(value) if call.cell.streams[name] == "step" else value[b : b + 1].clone()

    return replace(
        call,
        rows=own_rows(call.rows),
        batch_sizes=[1] * len(places),
        state=[s[:, b : b + 1].clone() for s in call.state],
        resets=[own_rows(r) for r in call.resets] if call.resets else None,
        fresh=[f[:, b : b + 1].clone() for f in call.fresh] if call.fresh else None,
        streams=[{n: own_mask(n, v) for n, v in one.items()} for one in call.streams] if call.streams else None,
    )


def of_sequence(call: Call, found: dict[str, Tensor], b: int) -> dict[str, Tensor]:
    """What belongs to sequence b: its rows, its states, and the gradients of both."""
    places = _places(call, b)
    rows = {name: value[places] for name, value in found.items() if name.split()[-1] == "rows"}
    states = {name: v[:, b : b + 1] for name, v in found.items() if name.startswith(("final ", "d state.", "d fresh."))}
    return rows | states


def _places(call: Call, b: int) -> list[int]:
    starts = [sum(call.batch_sizes[:t]) for t in range(len(call.batch_sizes))]
    return [start + b for start, alive in zip(starts, call.batch_sizes, strict=True) if b < alive]


def same_bits(found: dict[str, Tensor], wanted: dict[str, Tensor]) -> list[str]:
    """The names of the values that differ in any bit (NaN is equal to NaN, 0 is not equal to −0)."""
    assert found.keys() == wanted.keys()
    integers = {torch.float32: torch.int32, torch.float64: torch.int64}
    return [
        name
        for name, value in wanted.items()
        if not torch.equal(
            found[name].contiguous().view(integers[value.dtype]), value.contiguous().view(integers[value.dtype])
        )
    ]


def function_of(call: Call) -> tuple[Callable[..., tuple[Tensor, ...]], list[Tensor]]:
    """The layer as a function of its inputs, for gradcheck, and those inputs."""
    masks = streams(call)

    def function(*given: Tensor) -> tuple[Tensor, ...]:
        rows, state, _ = dispatch.layer(call.replaced([*given, *masks]))
        return rows, *state

    return function, [t.detach().clone().requires_grad_() for t in inputs(call).values()]
