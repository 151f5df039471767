"""Full gradients in less memory: a call in chunks of time, each computed again in the backward pass.

Forward keeps the states at each cut and nothing within a chunk; backward goes through the chunks from the last to the
first, and what one reads lives as long as it takes (Chen et al. 2016, here over time; torch.utils.checkpoint does it).
A chunk is a call with an initial state, so its numbers are those of the whole call; only the weights' gradient, a sum
over chunks, rounds differently.

    t           0        1      2      3          cut into two chunks of two steps:
    rows      a0 b0 c0  a1 b1 | a2 b2  a3         the rows of a chunk lie together
    forward   --- states a b c -->                c, which has ended, hands its state through
    reverse   <-- states a b c ---                c, which has not begun, likewise
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from cellwright.backends import dispatch
from cellwright.backends.call import Call, Result, differentiates, in_float32, in_full_precision, on_packed_rows
from cellwright.cells.definition import PER_STEP


@in_full_precision
def layer(call: Call, every: int) -> Result:
    """`dispatch.layer` of the call, whose backward pass keeps `every` steps at a time."""
    if not differentiates(call.tensors) or len(call.batch_sizes) <= every:
        return dispatch.layer(call)
    # What kernels compute in float32 is not rounded to bfloat16 between its chunks.
    run = in_float32(_in_chunks) if dispatch.choose(call).name == "compiled" else _in_chunks
    return run(call, every)


@on_packed_rows
def _in_chunks(call: Call, every: int) -> Result:
    directions = [_direction(call, d, every) for d in range(len(call.weights))]
    rows, states, letters = zip(*directions, strict=True)
    states = tuple(torch.cat(s) for s in zip(*states, strict=True))
    return Result(torch.cat(rows, -1), states, [one for (one,) in letters])


def _direction(call: Call, d: int, every: int) -> Result:
    """Direction d, chunk after chunk: as `dispatch.layer`, of one direction."""
    # Nothing is drawn in a chunk: masks are part of the call.
    run = partial(checkpoint, _run, dispatch.choose(call).name, use_reentrant=False, preserve_rng_state=False)
    chunks = list(_chunks(call, d, every))
    state, found = [s[d : d + 1] for s in call.state], []
    for chunk in reversed(chunks) if d else chunks:
        tensors = replace(chunk, state=state).tensors
        blank = chunk.replaced([t.new_empty(0) for t in tensors])  # checkpoint looks after the tensors that it is given
        turn = _turn(chunk.batch_sizes, chunk.rows.device) if d else None
        rows, state, letters = run(blank, turn, *tensors)
        found.append((rows, letters[0]))
    rows, letters = zip(*(reversed(found) if d else found), strict=True)
    joined = {name: torch.cat([one[name] for one in letters]) for name in letters[0]}
    return Result(torch.cat(rows), tuple(state), [joined])


def _run(backend: dispatch.Name, call: Call, turn: Tensor | None, *tensors: Tensor) -> Result:
    """A chunk, the second time by the backend of the first.

    `turn` makes a forward call of a reverse one, and its results those of the reverse one.
    """
    call = call.replaced(tensors)
    return dispatch.layer_on(call, backend) if turn is None else _reversed(backend, call, turn)


def _reversed(backend: dispatch.Name, call: Call, turn: Tensor) -> Result:
    turned = replace(
        call,
        rows=call.rows[turn],
        resets=[reset[turn] for reset in call.resets] if call.resets else None,
        streams=[_turned_streams(call, one, turn) for one in call.streams] if call.streams else None,
    )
    rows, state, letters = dispatch.layer_on(turned, backend)
    return Result(rows[turn], state, [{name: values[turn] for name, values in letters[0].items()}])


def _chunks(call: Call, d: int, every: int) -> Iterator[Call]:
    """The steps of direction d in chunks of `every`, with the states of the whole call."""
    steps = [call.batch_sizes[t : t + every] for t in range(0, len(call.batch_sizes), every)]
    counts = [sum(sizes) for sizes in steps]
    given = call.streams[d] if call.streams else {}
    streams = {
        name: torch.split(value, counts) if _per_step(call, name) else [value] * len(counts)
        for name, value in given.items()
    }
    resets = torch.split(call.resets[d], counts) if call.resets else None
    for k, (sizes, rows) in enumerate(zip(steps, torch.split(call.rows, counts), strict=True)):
        yield replace(
            call,
            rows=rows,
            batch_sizes=sizes,
            weights=[call.weights[d]],
            resets=[resets[k]] if resets else None,
            fresh=[f[d : d + 1] for f in call.fresh] if call.fresh else None,
            streams=[{name: parts[k] for name, parts in streams.items()}] if call.streams else None,
        )


def _turned_streams(call: Call, streams: Mapping[str, Tensor], turn: Tensor) -> dict[str, Tensor]:
    return {name: value[turn] if _per_step(call, name) else value for name, value in streams.items()}


def _per_step(call: Call, name: str) -> bool:
    return call.cell.streams[name] == PER_STEP


def _turn(batch_sizes: Sequence[int], device: torch.device) -> Tensor:
    """(S,) the row at which each row stands when each sequence is read from its end; its own inverse."""
    sizes = torch.tensor(batch_sizes, device=device)
    alive = torch.arange(batch_sizes[0], device=device) < sizes[:, None]
    t, b = alive.nonzero().unbind(1)
    offsets, lengths = sizes.cumsum(0) - sizes, alive.sum(0)
    return offsets[lengths[b] - 1 - t] + b
