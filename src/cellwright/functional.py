"""One recurrent layer in all its directions, and the choice of the path that computes it.

The choice is a value with a reason, made before anything runs (`choose`); a path that was asked for and
cannot run raises.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from cellwright import reference
from cellwright.cells import CELLS
from cellwright.reference import Call, Output

Name = Literal["compiled", "torch", "reference"]


@dataclass(frozen=True)
class Path:
    """Which code computes a call, and why."""

    name: Name
    reason: str

    def __str__(self) -> str:
        return f"{self.name}: {self.reason}"


_forced: ContextVar[Name | None] = ContextVar("cellwright_path", default=None)


@contextmanager
def use_path(name: Name) -> Iterator[None]:
    """Within the block every layer takes this path; where it cannot, the call raises RuntimeError with the reason."""
    token = _forced.set(name)
    try:
        yield
    finally:
        _forced.reset(token)


def choose(call: Call) -> Path:
    """The path this call takes."""
    forced = _forced.get()
    obstacles = {"torch": _torch_obstacle(call), "reference": None}
    if forced:
        if forced not in obstacles or obstacles[forced]:
            raise RuntimeError(
                f"the path {forced!r} was asked for and cannot run: {obstacles.get(forced, 'there is no such path')}"
            )
        return Path(forced, "asked for by use_path")
    if obstacles["torch"]:
        return Path("reference", obstacles["torch"])
    return Path("torch", f"torch has a kernel of its own for {call.cell.name} on {call.rows.device.type}")


def layer(call: Call) -> tuple[Tensor, tuple[Tensor, ...], list[dict[str, Tensor]]]:
    """Compute the call: rows (S, D·P), one (D, B, ·) a state, and one mapping letter -> (S, H) a direction."""
    path = choose(call)
    if path.name == "torch":
        return _run_torch(call)
    return _run_reference(call)


def _run_reference(call: Call) -> tuple[Tensor, tuple[Tensor, ...], list[dict[str, Tensor]]]:
    outputs: list[Output] = [
        reference.run(
            call.cell,
            call.rows,
            call.batch_sizes,
            [s[d] for s in call.state],
            weights,
            reverse=d == 1,
            reset=call.resets[d] if call.resets else None,
            fresh=[f[d] for f in call.fresh] if call.fresh else None,
            streams=call.streams[d] if call.streams else None,
            record=call.record,
        )
        for d, weights in enumerate(call.weights)
    ]
    state = tuple(torch.stack([o.state[k] for o in outputs]) for k in range(len(call.state)))
    return torch.cat([o.rows for o in outputs], -1), state, [o.letters for o in outputs]


# --- torch's own kernels ------------------------------------------------------------------------------
_TORCH = {
    "lstm": torch._VF.lstm,
    "gru": torch._VF.gru,
    "rnn": torch._VF.rnn_tanh,
    "rnn-relu": torch._VF.rnn_relu,
}


def _torch_obstacle(call: Call) -> str | None:
    """Why torch's own kernels cannot compute the call, or None."""
    if call.cell.name not in _TORCH or CELLS.get(call.cell.name) is not call.cell:
        return f"torch has no kernel for the cell {call.cell.name}"
    if call.weights[0].projection is not None and call.cell.name != "lstm":
        return f"torch projects the state of the lstm only, not that of {call.cell.name}"
    if call.resets or call.streams:
        return "torch's kernels know neither resets nor masks"
    if call.record:
        return "torch's kernels do not show their gates"
    if not call.batch_sizes:
        return "there is no step to compute"
    return None


def _run_torch(call: Call) -> tuple[Tensor, tuple[Tensor, ...], list[dict[str, Tensor]]]:
    kernel: Any = _TORCH[call.cell.name]
    first, batch = call.weights[0], call.state[0].shape[1]
    flat = [w for one in call.weights for w in one.flat]
    options = (first.input_bias is not None, 1, 0.0, torch.is_grad_enabled(), len(call.weights) == 2)
    alive = call.batch_sizes[0]
    state = [s[:, :alive].contiguous() for s in call.state]
    hx: Any = state if len(state) > 1 else state[0]
    if call.batch_sizes[-1] == alive:  # nothing is ragged: the padded kernel, which is the faster one
        x = call.rows.view(len(call.batch_sizes), alive, call.rows.shape[-1])
        rows, *final = kernel(x, hx, flat, *options, False)
        rows = rows.flatten(0, 1)
    else:
        rows, *final = kernel(call.rows, torch.tensor(call.batch_sizes), hx, flat, *options)
    if alive < batch:  # sequences of no step keep their state
        final = [torch.cat([f, s[:, alive:]], 1) for f, s in zip(final, call.state, strict=True)]
    return rows, tuple(final), [{} for _ in call.weights]
