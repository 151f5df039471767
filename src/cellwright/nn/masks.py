"""Noise in the recurrence: what makes a call of a cell one of the cell with recurrent dropout and zoneout."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from cellwright.backends.call import Call
from cellwright.backends.programs import constant_in_programs
from cellwright.cells import Definition
from cellwright.cells.derived import recurrent_dropout, zoneout

KEEP = "m.keep_"  # the stream of zoneout's mask for the state s is m.keep_s


def rates(who: str, cell: Definition, given: float | Mapping[str, float]) -> dict[str, float]:
    """The zoneout rate of each state that zoneout can keep, of one rate for all or of a mapping; empty for no zoneout.

    Raises ValueError for a state that cannot be kept.
    """
    if not given:
        return {}
    letters = [name.removeprefix(KEEP) for name in zoneout(cell).streams if name.startswith(KEEP)]
    found = dict(given) if isinstance(given, Mapping) else dict.fromkeys(letters, given)
    for unknown in found.keys() - letters:
        raise ValueError(
            f"{who}: zoneout names the state {unknown}; the cell {cell.name} can keep {', '.join(letters)}"
        )
    return {letter: found.get(letter, 0.0) for letter in letters}


def regularise(
    call: Call, steps: tuple[int, ...], dropped: float, kept: Mapping[str, float], *, training: bool
) -> Call:
    """The call of the derived cell, with masks drawn for it: new ones in training, what they average to otherwise.

    `steps` is the shape of its steps, (S,), or in a traced program (T, B).
    The state v of recurrent dropout, mask · h, stands last, where U multiplies h before the step; in evaluation the
    mask is 1, and the cell goes without.
    """
    if not kept and not (dropped and training):
        return call
    cell = _derived(call.cell, bool(kept), dropped > 0 and training)
    if kept:
        _check(cell, kept)
        call = _with_zoneout(call, steps, kept, training)
    if dropped and training:
        call = _with_recurrent_dropout(call, dropped)
    return replace(call, cell=cell)


def _check(cell: Definition, kept: Mapping[str, float]) -> None:
    """Raise ValueError where somebody wrote into a layer's rates, which are checked where they are set."""
    names = {KEEP + letter for letter in kept}
    if names != {name for name in cell.streams if name.startswith(KEEP)}:
        raise ValueError(
            f"zoneout was written into, and is {dict(kept)}, which is not one rate for each state that can be kept; "
            "expected it set as a whole: layer.zoneout = {…}, as the constructor takes it"
        )


@constant_in_programs
def _derived(cell: Definition, with_zoneout: bool, with_dropout: bool) -> Definition:
    cell = zoneout(cell) if with_zoneout else cell
    return recurrent_dropout(cell) if with_dropout else cell


def _with_zoneout(call: Call, steps: tuple[int, ...], kept: Mapping[str, float], training: bool) -> Call:
    shape = *steps, call.state[-1].shape[-1]

    def keep(rate: float) -> Tensor:
        if training:
            return call.rows.new_empty(shape).bernoulli_(rate)
        return call.rows.new_full((), rate).expand(shape)

    given = call.streams or [{}] * len(call.weights)
    streams = [dict(one) | {KEEP + letter: keep(rate) for letter, rate in kept.items()} for one in given]
    return replace(call, streams=streams)


def _with_recurrent_dropout(call: Call, dropped: float) -> Call:
    output = call.cell.states.index(call.cell.recurrent_state)
    h = call.state[output]
    masks = torch.empty_like(h, memory_format=torch.contiguous_format).bernoulli_(1 - dropped) / (1 - dropped)
    given = [dict(one) for one in call.streams or [{}] * len(masks)]
    streams = [one | {"m.mask": mask} for one, mask in zip(given, masks, strict=True)]
    if not call.cell.multiplies_before:
        return replace(call, streams=streams)
    fresh = None if call.fresh is None else [*call.fresh, masks * call.fresh[output]]
    return replace(call, state=[*call.state, masks * h], fresh=fresh, streams=streams)
