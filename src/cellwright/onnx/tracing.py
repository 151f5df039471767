"""A graph as an ONNX model: traced by torch.export, written by torch.onnx, its weights put in ONNX's order."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.export import Dim

from cellwright.errors import InputError
from cellwright.onnx.graph import Graph, Positional
from cellwright.onnx.layer import translation
from cellwright.onnx.logarithms import log_softmax

if TYPE_CHECKING:
    import onnx_ir as ir

TRACED = (3, 5)
"""Batch and time of the example that is traced: neither is 1, which a trace would take for fixed."""
_ALWAYS = 2**62  # weights of any size are put in ONNX's order once, when the file is written


def model_of(graph: Graph, *, portable: bool = False) -> tuple[ir.Model, tuple[str, ...]]:
    """The model, and what each recurrent layer became and why. Raises InputError for a layer asked for its gates."""
    from onnx_ir.passes.common import ClearMetadataAndDocStringPass
    from onnxscript import optimizer

    told: list[str] = []
    example = dict(graph.draw(*TRACED))
    outputs = list(graph.module(**example))
    dims = {name: Dim(name) for axes in graph.axes.values() for name in axes if name}
    shapes = tuple({k: dims[name] for k, name in enumerate(axes) if name} for axes in graph.axes.values())
    given = tuple(example[name] for name in graph.axes)
    with _quiet():
        # Traced apart from torch.onnx.export, which, where a free dimension turns out fixed, would write it so.
        traced = torch.export.export(Positional(graph), given, dynamic_shapes=(shapes,), strict=False)
        traced.graph.eliminate_dead_code()  # a trace has the states after a layer joined where nothing reads them
        used = _used(traced)
        table: dict[Any, Any] = {torch.ops.cellwright.layer.default: translation(told, used, portable=portable)}
        if portable:
            table[torch.ops.aten.log_softmax.int] = log_softmax
        program = torch.onnx.export(
            traced,
            dynamo=True,
            verbose=False,
            input_names=list(graph.axes),
            output_names=outputs,
            dynamic_shapes=(shapes,),  # their names alone: the program has them already
            custom_translation_table=table,
            optimize=False,  # below, with weights of any size
        )
        assert program is not None
        assert len(told) == len(used)
        optimizer.optimize(program.model, input_size_limit=_ALWAYS, output_size_limit=_ALWAYS)
    ClearMetadataAndDocStringPass()(program.model)  # paths of this machine, in a trace of the stack for each node
    _state_zeros(program.model.graph)
    _name_apart(program.model.graph)
    return program.model, tuple(told)


def _used(traced: torch.export.ExportedProgram) -> list[list[bool]]:
    """Of each layer, in the order of their calls, which of its results anything reads."""
    found = []
    for node in traced.graph.nodes:
        if node.target is not torch.ops.cellwright.layer.default:
            continue
        if node.args[-1]:
            raise InputError("export to ONNX: a layer is asked for its gates; call it without return_gates=True")
        read = {taken.args[1] for taken in node.users}  # each takes one of the list
        found.append([k in read for k in range(len(node.meta["val"]))])
    return found


def _state_zeros(graph: ir.Graph) -> None:
    """Write out what ONNX takes by default, a zero in float32: tract takes one in float64."""
    import onnx_ir as ir

    for node in graph.all_nodes():
        if node.op_type == "ConstantOfShape" and "value" not in node.attributes:
            node.attributes.add(ir.AttrTensor("value", ir.tensor(np.zeros(1, np.float32))))


def _name_apart(graph: ir.Graph) -> None:
    """Let no value of a Scan's body have another's name: each graph numbers its own from 0, and all share one space."""
    taken = {*graph.initializers, *(value.name for value in graph.inputs)}
    taken |= {value.name for node in graph for value in node.outputs}
    for k, body in enumerate(graph.subgraphs()):
        for value in (*body.inputs, *(output for node in body for output in node.outputs)):
            value.name = f"body_{k}_{value.name}"
            assert value.name not in taken, value.name
            taken.add(value.name)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the exporter's warnings, which are of itself: torchvision is not there, a node is not computed before."""
    logs = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir")]
    levels = [log.level for log in logs]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for log in logs:
                log.setLevel(logging.ERROR)
            yield
    finally:
        for log, level in zip(logs, levels, strict=True):
            log.setLevel(level)
