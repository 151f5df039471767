"""What runtimes compute with a file, beside the module that the file was made from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from cellwright.errors import InputError
from cellwright.onnx.graph import Graph
from cellwright.onnx.runtimes import Runtime

COMPARED = ((5, 11), (1, 1))
"""Batch and time of what they are compared on."""
TOLERANCE = 1e-4
"""Of a difference, in units of the output's largest number, or of 1. Rounding in float32 leaves about 1e-6."""


def compare(path: Path, graph: Graph, content: bytes, runtimes: Iterable[Runtime], advice: str) -> dict[str, float]:
    """The largest difference of a number on random inputs, by the name and version of each runtime.

    Raises InputError where one is too large, and where a runtime refuses the file; it names `path`, where the content
    is to be written, and ends in the advice.
    """
    drawn = [graph.draw(*sizes) for sizes in COMPARED]
    expected = [graph.module(**given) for given in drawn]
    differences = {}
    for runtime in runtimes:
        try:
            found = _computed(runtime, content, drawn)
            differences[str(runtime)] = max(map(_difference, expected, found))
        except _Other as other:
            raise InputError(f"{path}: not written, for in {runtime} {other}: {advice}") from other
    return differences


class _Other(Exception):
    """What of a runtime's answer is not the module's, as a clause."""


def _computed(runtime: Runtime, content: bytes, drawn: Iterable[Mapping[str, Tensor]]) -> list[Sequence[Any]]:
    """The outputs, in order, for each of the inputs."""
    try:
        run = runtime.open(content)
        return [run({name: value.numpy() for name, value in given.items()}) for given in drawn]
    except Exception as error:  # a runtime refuses a file with whatever type it has
        lines = [line for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
        raise _Other(f"it does not run ({lines[0].strip()[:200]})") from error


def _difference(expected: Mapping[str, Tensor], found: Sequence[Any]) -> float:
    """The largest of any output."""
    largest = 0.0
    for (name, own), theirs in zip(expected.items(), map(torch.tensor, found), strict=True):
        if theirs.shape != own.shape:
            raise _Other(f"{name} has shape {tuple(theirs.shape)}; expected the model's own, {tuple(own.shape)}")
        wide = own.double()
        difference = float((theirs.double() - wide).abs().max())
        allowed = TOLERANCE * max(1.0, float(wide.abs().max()))
        if not difference <= allowed:
            raise _Other(
                f"{name} differs by {difference:.2g} from the model's own numbers; expected at most {allowed:.2g}"
            )
        largest = max(largest, difference)
    return largest
