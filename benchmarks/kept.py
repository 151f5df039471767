"""What the gradients of an LSTM err by where its backward pass reads some of what was computed in bfloat16.

python benchmarks/kept.py

An LSTM of 64 units over 500 steps in float64, its backward pass written out, so that nothing errs but what is kept:
the largest difference of the gradients of x, W, U and b, as a share of the largest. In three layers: as torch.nn draws
it; one that hardly forgets, with a bias of 6 on f, whose gate is about 0.9975; and one that counts besides, with the
same on i, whose memory goes on rising.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor

import tables
from cellwright.backends.kernels.sparse import EVERY

STEPS, BATCH, HIDDEN = 500, 4, 64
BIASES: Mapping[str, Mapping[str, float]] = {"as drawn": {}, "hardly forgets": {"f": 6}, "counts": {"f": 6, "i": 6}}
LETTERS = "ifgo"


class Step(NamedTuple):
    """What a step's backward reads: gates (B, H) each, h and c before it."""

    i: Tensor
    f: Tensor
    g: Tensor
    o: Tensor
    h: Tensor
    c: Tensor


def rounded(value: Tensor) -> Tensor:
    """To the nearest bfloat16."""
    return value.bfloat16().double()


def by_distance(gate: Tensor) -> Tensor:
    """A gate likewise, where it is nearer to 1 its distance from there."""
    return torch.where(gate > 0.5, 1 - rounded(1 - gate), rounded(gate))


def gates(step: Step, keep: Callable[[Tensor], Tensor]) -> Step:
    """The gates kept so, and the candidate g rounded."""
    return step._replace(i=keep(step.i), f=keep(step.f), o=keep(step.o), g=rounded(step.g))


def with_c_again(steps: list[Step]) -> list[Step]:
    """Gates and h as kernels keep them, and c computed from them again, but before every EVERY-th step."""
    found = list[Step]()
    for t, step in enumerate(steps):
        kept = gates(step._replace(h=rounded(step.h)), by_distance)
        if t % EVERY:
            before = found[-1]
            kept = kept._replace(c=before.f * before.c + before.i * before.g)
        found.append(kept)
    return found


def each(keep: Callable[[Step], Step]) -> Callable[[list[Step]], list[Step]]:
    """Every step kept so."""
    return lambda steps: [keep(step) for step in steps]


KEPT: Mapping[str, Callable[[list[Step]], list[Step]]] = {
    "h": each(lambda step: step._replace(h=rounded(step.h))),
    "h, g; i f o rounded": each(lambda step: gates(step._replace(h=rounded(step.h)), rounded)),
    "h, g; i f o by their distance from 1": each(lambda step: gates(step._replace(h=rounded(step.h)), by_distance)),
    f"and c computed again, but before every {EVERY}th step (ours)": with_c_again,
    "c": each(lambda step: step._replace(c=rounded(step.c))),
}


def forward(x: Tensor, w: Tensor, u: Tensor, b: Tensor) -> list[Step]:
    """The steps of a layer on x (T, B, H)."""
    h = c = torch.zeros(BATCH, HIDDEN, dtype=torch.float64)
    steps = []
    for row in x:
        i, f, g, o = (row @ w.T + h @ u.T + b).chunk(4, -1)
        step = Step(i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid(), h, c)
        steps.append(step)
        c = step.f * c + step.i * step.g
        h = step.o * c.tanh()
    return steps


def backward(x: Tensor, w: Tensor, u: Tensor, steps: list[Step]) -> list[Tensor]:
    """The gradients of x, W, U and b, of the sum of the last h."""
    d_h, d_c = torch.ones(BATCH, HIDDEN, dtype=torch.float64), torch.zeros(BATCH, HIDDEN, dtype=torch.float64)
    d_x, d_w, d_u, d_b = torch.zeros_like(x), torch.zeros_like(w), torch.zeros_like(u), 0.0
    for t in reversed(range(len(steps))):
        i, f, g, o, h, c = steps[t]
        m = (f * c + i * g).tanh()
        d_c = d_c + d_h * o * (1 - m * m)
        of_gates = (d_c * g * i * (1 - i), d_c * c * f * (1 - f), d_c * i * (1 - g * g), d_h * m * o * (1 - o))
        d = torch.cat(of_gates, -1)
        d_x[t], d_h, d_c = d @ w, d @ u, d_c * f
        d_w, d_u, d_b = d_w + d.T @ x[t], d_u + d.T @ h, d_b + d.sum(0)
    return [d_x, d_w, d_u, torch.as_tensor(d_b)]


def errors(biases: Mapping[str, float]) -> list[float]:
    """Of a layer with these biases, for each of KEPT."""
    generator = torch.Generator().manual_seed(0)
    w, u = (2 * torch.rand(2, 4 * HIDDEN, HIDDEN, generator=generator, dtype=torch.float64) - 1) / HIDDEN**0.5
    x = torch.randn(STEPS, BATCH, HIDDEN, generator=generator, dtype=torch.float64)
    b = torch.cat([torch.full((HIDDEN,), float(biases.get(letter, 0)), dtype=torch.float64) for letter in LETTERS])
    steps = forward(x, w, u, b)
    exact = backward(x, w, u, steps)
    found = [backward(x, w, u, keep(steps)) for keep in KEPT.values()]
    return [max(float((a - e).abs().max() / e.abs().max()) for a, e in zip(one, exact, strict=True)) for one in found]


if __name__ == "__main__":
    of_layers = [errors(biases) for biases in BIASES.values()]
    rows = [[name, *(f"{of[k]:.1e}" for of in of_layers)] for k, name in enumerate(KEPT)]
    title = "Gradients of an LSTM over 500 steps, by what is kept in bfloat16"
    tables.show([tables.Table(title, ["kept in bfloat16", *BIASES], rows, "Largest difference, share of the largest.")])
