"""What is exported: a module, its inputs by name, and which of their dimensions are free."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import torch
from torch import Tensor, nn

from cellwright.errors import InputError
from cellwright.nn import Recurrent, stack
from cellwright.nn.states import as_tuple

Axes = Sequence[str | None]
BATCH, TIME = "batch", "time"


@dataclass(frozen=True)
class Graph:
    """A module to export.

    module    called with its inputs by name; returns tensors by name
    axes      of each input, in order, its dimensions: a name where free, None where fixed
    draw      (batch, time) -> an example of each input, random, of lengths that differ
    metadata  what the file says of itself, as text or JSON
    feed      sentences for who feeds it
    """

    module: nn.Module
    axes: Mapping[str, Axes]
    draw: Callable[[int, int], Mapping[str, Tensor]]
    metadata: Mapping[str, Any] = field(default_factory=dict)
    feed: Sequence[str] = ()


def lengths_of(batch: int, time: int, generator: torch.Generator) -> Tensor:
    """(B) int64 in 1 … T, the first T."""
    lengths = torch.randint(1, time + 1, (batch,), generator=generator)
    lengths[0] = time
    return lengths


def ids_of(batch: int, time: int, vocabulary: int, generator: torch.Generator) -> Tensor:
    """(B, T) int64 in 0 … vocabulary − 1."""
    return torch.randint(0, vocabulary, (batch, time), generator=generator)


# --- a layer by itself ---------------------------------------------------------------------------------
class _Layer(nn.Module):
    """A layer whose states have names."""

    def __init__(self, layer: Recurrent) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, input: Tensor, lengths: Tensor | None = None, **state: Tensor) -> dict[str, Tensor]:
        given = [state[f"{name}_0"] for name in self.layer.cell.states] if state else None
        hx: Any = given if given is None or len(given) > 1 else given[0]
        output, end = self.layer(input, hx if hx is None or isinstance(hx, Tensor) else tuple(hx), lengths=lengths)
        return {"output": output} | {
            f"{name}_n": s for name, s in zip(self.layer.cell.states, as_tuple(end), strict=True)
        }


def of_layer(layer: Recurrent, *, lengths: bool, initial_state: bool) -> Graph:
    """A layer: input, lengths and h_0, … in; output and h_n, … out, shaped as the layer has them."""
    cell = layer.cell
    beside = [*(cell.inputs if cell.multiplies_input else ()), *cell.given]
    if beside:
        raise InputError(
            f"to_onnx: the layer's cell {cell.name} reads {', '.join(beside)} beside the input; expected a module that "
            'calls the layer, and an example of all: to_onnx(module, path, {"input": (x, ("time", "batch", None)), '
            f'"{beside[0]}": …}})'
        )
    both: Axes = (BATCH, TIME) if layer.batch_first else (TIME, BATCH)
    axes: dict[str, Axes] = {"input": (*both, None)}
    if lengths:
        axes["lengths"] = (BATCH,)
    if initial_state:
        stacked: Axes = (BATCH, None, None) if layer.state_batch_first else (None, BATCH, None)
        axes |= {f"{name}_0": stacked for name in layer.cell.states}
    weight = stack.like(layer)
    dtype = weight.dtype
    if weight.device.type != "cpu" or dtype not in (torch.float32, torch.float64):
        raise InputError(
            f"to_onnx: the layer is {dtype} on {weight.device}; expected float32 or float64 on the CPU: "
            "layer.float().cpu()"
        )

    def draw(batch: int, time: int) -> dict[str, Tensor]:
        generator = torch.Generator().manual_seed(batch * time)
        sizes = (batch, time) if layer.batch_first else (time, batch)
        found = {"input": torch.randn(*sizes, layer.input_size, generator=generator).to(dtype)}
        if lengths:
            found["lengths"] = lengths_of(batch, time, generator)
        if initial_state:
            for name, like in zip(layer.cell.states, as_tuple(layer.initial_state(batch)), strict=True):
                # States of some cells are never below zero (slstm's normaliser).
                found[f"{name}_0"] = torch.rand(like.shape, generator=generator).to(dtype)
        return found

    return Graph(_Layer(layer), axes, draw, {"cell": layer.cell.name})


# --- any module ----------------------------------------------------------------------------------------
class _Named(nn.Module):
    """A module that returns tensors as it likes; here they get names."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, **inputs: Tensor) -> dict[str, Tensor]:
        found = self.module(**inputs)
        if isinstance(found, Mapping):
            return dict(found)
        return {"output": found} if isinstance(found, Tensor) else {f"output_{k}": one for k, one in enumerate(found)}


def of_module(module: nn.Module, inputs: Mapping[str, tuple[Tensor, Axes]]) -> Graph:
    """Any module, by an example of each input and the names of its free dimensions."""
    for name, (example, axes) in inputs.items():
        if example.dim() != len(axes):
            raise InputError(
                f"to_onnx: the example of {name} has {example.dim()} dimensions and {len(axes)} names; expected one "
                "each, None for a fixed one"
            )
        for size, axis in zip(example.shape, axes, strict=True):
            if axis and size < 2:
                raise InputError(
                    f"to_onnx: the example of {name} has {size} in its free dimension {axis}; expected at least 2, for "
                    "a trace takes less for fixed"
                )
    return Graph(
        _Named(module),
        {name: axes for name, (_, axes) in inputs.items()},
        lambda batch, time: {name: example for name, (example, _) in inputs.items()},
    )


class Positional(nn.Module):
    """A graph's module with positions in place of names, as torch.export names no `**inputs`."""

    def __init__(self, graph: Graph) -> None:
        super().__init__()
        self.module = graph.module
        self.names = tuple(graph.axes)

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """The inputs in order -> the outputs in order."""
        return tuple(cast(dict[str, Tensor], self.module(**dict(zip(self.names, inputs, strict=True)))).values())
