"""What comes with a call beside what W multiplies: a cell's inputs as they are, and parameters of a step or a sequence.

    layer({"rain": rain, "warmth": warmth})     inputs of a cell without W, (T, B), (T, B, 1) or (T, B, H); (T,) alone
    layer(torch.stack([rain, warmth], -1))      the same as one tensor, an input a feature
    layer(x, inputs={"rain": rain})             beside what W multiplies
    layer(x, parameters={"rate": rate})         (B,), (B, 1) or (B, H); of each step (T, B, ·)

An input of one number for all units stays one: nothing is copied for each of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

from cellwright.cells.definition import PER_STEP, Definition
from cellwright.nn import checks
from cellwright.packing import Layout, PackedLayout

Named = Mapping[str, Tensor]
Input = Tensor | PackedSequence | Named


def input_size(who: str, cell: Definition, size: int, hidden: int, layers: int, directions: int) -> None:
    """Check the features of a cell that reads its inputs as they are, and whether layers of it can be stacked.

    Raises ValueError. Many arguments: the sizes of a layer.
    """
    if cell.multiplies_input:
        return
    number = len(cell.inputs)
    if not number:
        raise ValueError(
            f"{who}: the cell {cell.name} reads no input, of which a call has its steps and its batch; expected one: "
            f"declare inputs={next(iter(cell.given))!r} in place of a parameter PER_STEP, say"
        )
    if size not in (number, number * hidden):
        each = f"{number} · hidden_size = {number * hidden} of one a unit"
        raise ValueError(
            f"{who}: input_size is {size}; the cell {cell.name} reads {number} input{'s' * (number > 1)} as they are "
            f"({', '.join(cell.inputs)}): expected {number}, of one number each, or {each}"
        )
    if layers > 1 and (number > 1 or directions > 1):
        raise ValueError(
            f"{who}: num_layers is {layers}; a layer of {cell.name} reads {', '.join(cell.inputs)} as they are, so "
            "that the outputs of one are no input of the next: expected one input and one direction, or num_layers=1"
        )


def sequences(
    who: str, cell: Definition, input: Input, inputs: Named | None
) -> tuple[Tensor | PackedSequence, list[int]]:
    """What a call is of, as one sequence; and how many features each input of a cell without W has in it, if named.

    Raises TypeError and ValueError where a cell is given what it does not read.
    """
    if cell.multiplies_input:
        if isinstance(input, Mapping):
            raise TypeError(
                f"{who}: input is a mapping; expected a tensor, which W multiplies, and inputs={{…}} for what "
                f"{cell.name} reads as it is"
            )
        return input, []
    if inputs is not None:
        raise TypeError(
            f"{who}: the cell {cell.name} has no W, so that its inputs are the input; expected layer({{…}}) "
            "rather than inputs="
        )
    if not isinstance(input, Mapping):
        return input, []
    _check_names(who, "input", input, cell.inputs)
    for name in cell.inputs:
        checks.tensor(who, f"input {name}", input[name])
    given = [input[name] for name in cell.inputs]
    given = [value if value.dim() == 3 else value[..., None] for value in given]
    if len({value.dim() for value in given}) > 1:
        raise RuntimeError(f"{who}: {_shapes(cell, input)}; expected all of (time, batch), or all of (time,)")
    try:
        lead = torch.Size(np.broadcast_shapes(*(value.shape[:-1] for value in given)))
    except ValueError:
        raise RuntimeError(f"{who}: {_shapes(cell, input)}; expected the same time and batch") from None
    return torch.cat([value.expand(*lead, -1) for value in given], -1), [value.shape[-1] for value in given]


def _shapes(cell: Definition, input: Named) -> str:
    return "the inputs have the shapes " + ", ".join(f"{name} {tuple(input[name].shape)}" for name in cell.inputs)


def streams(
    who: str,
    cell: Definition,
    hidden: int,
    layout: Layout,
    rows: Tensor,
    widths: list[int],
    inputs: Named | None,
    parameters: Named | None,
) -> dict[str, Tensor]:
    """The call's streams, in the order of the cell's: packed, (S, ·) those of each step and (B, ·) of each sequence.

    `rows` are those of a call's input, of which a cell without W reads columns, `widths` of each input or as many.
    Raises RuntimeError for a wrong shape, ValueError for a wrong name. Many arguments: a call, and all that it gave.
    """
    found: dict[str, Tensor] = {}
    if not (cell.streams or inputs or parameters):
        return found
    if not cell.multiplies_input:
        each = widths or [rows.shape[-1] // len(cell.inputs)] * len(cell.inputs)
        for name, width in zip(cell.inputs, each, strict=True):
            _check_width(who, f"input {name}", width, hidden)
        index = layout.inner
        packed = rows if index is None else index.gather(rows)
        # Of one input no part, whose gradient would be a copy; of several copies, which both passes read.
        parts = [part.contiguous() for part in torch.split(packed, each, -1)] if len(each) > 1 else [packed]
        found |= {f"x.{name}": part for name, part in zip(cell.inputs, parts, strict=True)}
    else:
        _check_names(who, "input", inputs or {}, cell.inputs)
        for name in cell.inputs:
            found[f"x.{name}"] = _per_step(who, f"input {name}", (inputs or {})[name], layout, hidden)
    _check_names(who, "parameter", parameters or {}, cell.given)
    for name, kind in cell.given.items():
        enter = _per_step if kind == PER_STEP else _per_sequence
        found[f"p.{name}"] = enter(who, f"parameter {name}", (parameters or {})[name], layout, hidden)
    _check_types(who, found, rows)
    return found


def _check_types(who: str, found: Mapping[str, Tensor], rows: Tensor) -> None:
    """Check that the streams are of the input's type, float32 or float64; raises ValueError."""
    for name, value in found.items():
        if {value.dtype, rows.dtype} == {torch.float32, torch.float64}:
            kind = "input" if name.startswith("x.") else "parameter"
            raise ValueError(
                f"{who}: the {kind} {name[2:]} is {value.dtype} and the layer's input {rows.dtype}; expected the same: "
                f"{name[2:]}.to({rows.dtype})"
            )


def _check_names(who: str, kind: str, given: Named, wanted: Iterable[str]) -> None:
    names = list(wanted)
    reads = f"the cell reads {', '.join(names) or 'none'}"
    if unknown := [name for name in given if name not in names]:
        raise ValueError(f"{who}: there is no {kind} {unknown[0]}; {reads}")
    if missing := [name for name in names if name not in given]:
        raise ValueError(f"{who}: the {kind} {missing[0]} is missing; {reads}: {kind}s={{…}}")


def _check_width(who: str, name: str, width: int, hidden: int) -> None:
    if width not in (1, hidden):
        raise RuntimeError(
            f"{who}: the {name} has {width} numbers a step; expected 1, for all units, or hidden_size = {hidden}"
        )


def _shaped(who: str, name: str, value: Tensor, lead: tuple[int, ...], hidden: int, axes: str) -> Tensor:
    """(*lead, ·) of a value of that shape, or without the last axis, or with axes that broadcast."""
    checks.tensor(who, name, value)
    whole = value[..., None] if value.dim() == len(lead) else value
    fits = whole.dim() == len(lead) + 1 and all(n in (1, m) for n, m in zip(whole.shape, lead, strict=False))
    if not fits:
        raise RuntimeError(f"{who}: the {name} has shape {tuple(value.shape)}; expected ({axes}, 1 or units) of {lead}")
    _check_width(who, name, whole.shape[-1], hidden)
    return whole if whole.shape[:-1] == lead else whole.expand(*lead, -1)


def _per_step(who: str, name: str, value: Tensor, layout: Layout, hidden: int) -> Tensor:
    lead: tuple[int, ...] = (layout.batch, layout.time) if layout.batch_first else (layout.time, layout.batch)
    axes = "batch, time" if layout.batch_first else "time, batch"
    if layout.single:
        lead, axes = (layout.time,), "time"
    whole = _shaped(who, name, value, lead, hidden, axes)
    return layout.pack(whole[:, None] if layout.single and isinstance(layout, PackedLayout) else whole)


def _per_sequence(who: str, name: str, value: Tensor, layout: Layout, hidden: int) -> Tensor:
    lead: tuple[int, ...] = () if layout.single else (layout.batch,)
    if not lead:
        checks.tensor(who, name, value)
        value, lead = value.reshape(1, *value.shape), (1,)
    whole = _shaped(who, name, value, lead, hidden, "batch")
    return layout.sort(whole[None]).squeeze(0)
