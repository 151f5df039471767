"""jax: the cell's own equations, scanned over time and jitted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor

from cellwright import cells
from cellwright.bench.case import Case, Problem
from cellwright.bench.rival import Work
from cellwright.cells import Definition
from cellwright.cells.definition import PER_UNIT
from cellwright.cells.expression import Expression
from rivals.missing import missing


def obstacle(case: Case) -> str | None:
    """Why this cannot compute a case, or None."""
    cell = cells.get(case.cell)
    if not (cell.takes_x_alone and cell.multiplies_state) or cell.trace.within:
        return "written for cells that read W x and U h, and nothing else of a call"
    return missing("jax")


def prepare(problem: Problem) -> Work:
    """The layer as one jitted function of the input and the weights."""
    import jax

    cell, case = problem.layer.cell, problem.case
    weights = {name: _array(value) for name, value in problem.layer.named_parameters()}
    x, inside, cotangent = _array(problem.x), _array(problem.inside), _array(problem.cotangent)

    def layer(x: Any, weights: Mapping[str, Any]) -> Any:
        sides = [
            _scan(cell, x, inside, {n.removesuffix(end): w for n, w in weights.items() if n.endswith(end)}, bool(d))
            for d, end in enumerate(("_l0", "_l0_reverse")[: case.directions])
        ]
        return jax.numpy.concatenate(sides, -1)

    def train(x: Any, weights: Mapping[str, Any]) -> Any:
        output, pull = jax.vjp(layer, x, weights)
        return output, pull(cotangent)

    def read(result: Any) -> dict[str, Tensor]:
        found = {"output": result}
        if case.training:
            output, (d_input, d_weights) = result
            found = {"output": output, "input": d_input, **{name: d_weights[name] for name in weights}}
        return {name: torch.tensor(jax.device_get(value)) for name, value in found.items()}

    jitted = jax.jit(train if case.training else layer)
    return Work(lambda: jax.block_until_ready(jitted(x, weights)), read)


def _array(tensor: Tensor) -> Any:
    import jax

    return jax.numpy.asarray(tensor.detach().numpy())


def _scan(cell: Definition, x: Any, inside: Any, weights: Mapping[str, Any], reverse: bool) -> Any:
    """x (T, B, I) -> (T, B, H); beyond a length the state stays as it is and the output is zero."""
    import jax
    from jax import numpy

    count, bias = len(cell.projections), weights.get("bias_hh", 0.0)
    hidden = weights["weight_hh"].shape[1]
    own: dict[str, Any] = {}
    for name, kind in cell.parameters.items():
        parts = zip(cell.projections, numpy.split(weights[name], count), strict=True) if kind != PER_UNIT else ()
        own |= {f"p.{name}.{letter}": part for letter, part in parts} or {f"p.{name}": weights[name]}

    def step(state: Mapping[str, Any], now: Any) -> Any:
        x, alive = now
        u = state[cell.recurrent_state] @ weights["weight_hh"].T + bias
        inputs = own | {f"s.{name}": value for name, value in state.items()}
        for root, values in (("x", x), ("u", u)):
            parts = numpy.split(values, count, -1)
            inputs |= {f"{root}.{name}": part for name, part in zip(cell.projections, parts, strict=True)}
        new = _evaluate(cell.trace.states, inputs)
        kept = {name: numpy.where(alive, new[name], state[name]) for name in state}
        return kept, numpy.where(alive, new[cell.states[0]], 0.0)

    initial = {name: numpy.zeros((x.shape[1], hidden)) for name in cell.states}
    rows = x @ weights["weight_ih"].T + weights.get("bias_ih", 0.0)
    return jax.lax.scan(step, initial, (rows, inside), reverse=reverse)[1]


def _operations() -> dict[str, Callable[..., Any]]:
    import jax
    from jax import numpy

    differs = {"negate": "negative", "select": "where", "absolute": "abs", "atan": "arctan"}
    same = ("add", "subtract", "multiply", "divide", "power", "minimum", "maximum", "greater", "tanh", "exp", "log")
    same += ("log1p", "sqrt", "sin", "cos")
    table = {name: getattr(numpy, name) for name in same}
    table |= {name: getattr(numpy, theirs) for name, theirs in differs.items()}
    table |= {"sigmoid": jax.nn.sigmoid, "relu": jax.nn.relu}
    table["straight_through"] = lambda a, b: jax.lax.stop_gradient(a) + (b - jax.lax.stop_gradient(b))
    reductions = {"mean": numpy.mean, "sum": numpy.sum, "amax": numpy.max}
    return table | {name: partial(function, axis=-1, keepdims=True) for name, function in reductions.items()}


def _evaluate(expressions: Mapping[str, Expression], inputs: Mapping[str, Any]) -> dict[str, Any]:
    operations, known = _operations(), dict[int, Any]()

    def value(e: Expression) -> Any:
        if e.op == "number":
            return e.number
        if e.op == "input":
            return inputs[e.name]
        if id(e) not in known:
            known[id(e)] = operations[e.op](*(value(o) for o in e.operands))
        return known[id(e)]

    return {name: value(e) for name, e in expressions.items()}
