"""An ONNX file: written down by torch.onnx, checked, and compared with what it was made from."""

from __future__ import annotations

import importlib.util
import json
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.export import Dim

from cellwright import __version__
from cellwright.errors import InputError
from cellwright.export.graph import Axes, Graph, Positional, of_layer, of_module
from cellwright.export.layer import translation
from cellwright.models.files import replace_file
from cellwright.nn import Recurrent

if TYPE_CHECKING:
    import onnx_ir as ir

TRACED = (3, 5)
"""Batch and time of the example that is traced: neither is 1, which a trace would take for fixed."""
COMPARED = ((5, 11), (1, 1))
"""Those that the file is compared on."""
TOLERANCE = 1e-4
"""Of a difference, in units of the output's largest number, or of 1. Rounding in float32 leaves about 1e-6."""
MOST_BYTES = 2**31 - 1
"""What protobuf lets a file hold."""
_ALWAYS = 2**62  # weights of any size are put in ONNX's order once, when the file is written


@dataclass(frozen=True)
class Port:
    """An input or an output of a file."""

    name: str
    dtype: str
    """As numpy names it."""
    shape: tuple[str | int, ...]

    def __str__(self) -> str:
        return f"{self.name} {self.dtype} ({', '.join(map(str, self.shape))})"


@dataclass(frozen=True)
class Written:
    """What was written."""

    path: Path
    bytes: int
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    layers: tuple[str, ...]
    """What each recurrent layer became, and why."""
    difference: float | None
    """The largest between ONNX Runtime's numbers and the model's own; None where ONNX Runtime is not installed."""


def to_onnx(
    module: nn.Module,
    path: str | Path,
    inputs: Mapping[str, tuple[Tensor, Axes]] | None = None,
    *,
    lengths: bool = True,
    initial_state: bool = False,
    overwrite: bool = False,
) -> Written:
    """Write a layer, or a model made of such layers, to an ONNX file; checked, and compared in ONNX Runtime.

        to_onnx(LSTM(8, 16), "layer.onnx")    # input (time, batch, 8), lengths (batch) -> output, h_n, c_n
        to_onnx(model, "model.onnx", {"ids": (ids, ("batch", "time")), "lengths": (lengths, ("batch",))})

    It is written in evaluation mode. A layer of lstm, gru, rnn, rnn-relu, relu-lstm, peephole or coupled becomes a node
    of ONNX's own, any other a Scan. Lengths may be 0: the output is zero, and the state what it was.

    Args:
        module: a `cellwright.Recurrent`, or a module that calls such layers, as torch.export takes it.
        path: of the file; its folder exists.
        inputs: of a module other than a layer, for each argument of its call an example and the names of its
            dimensions, None where one is fixed. No free dimension of an example is 1.
        lengths: of a layer, whether the file takes lengths (batch) int64; else each sequence has all steps.
        initial_state: of a layer, whether it takes the states before the first step, h_0, …, as the layer does.
        overwrite: whether a file that is there is replaced.

    Raises InputError where a package is missing, the file is there or cannot be written, or its numbers are not the
    module's; then there is no new file.
    """
    if inputs is None and not isinstance(module, Recurrent):
        raise InputError(
            f"to_onnx: a {type(module).__name__} without inputs; expected an example of each argument of its call, and "
            'the names of its free dimensions: {"ids": (ids, ("batch", "time"))}'
        )
    if inputs is None:
        graph = of_layer(module, lengths=lengths, initial_state=initial_state)  # type: ignore[arg-type]
    else:
        graph = of_module(module, inputs)
    return write(graph, Path(path), overwrite=overwrite)


def write(graph: Graph, path: Path, *, overwrite: bool = False) -> Written:
    """Write a graph; as `to_onnx`."""
    _require("onnx", "onnxscript")
    if path.exists() and not overwrite:
        raise InputError(f"{path}: is there already; give another --out, or --overwrite to replace it")
    was_training = [module for module in graph.module.modules() if module.training]
    graph.module.eval()
    try:
        with torch.no_grad():
            content, facts = _content(path, graph)
            difference = _compare(path, graph, content)
    finally:
        for module in was_training:
            module.training = True
    replace_file(path, content)
    return Written(path, len(content), *facts, difference)


def _content(path: Path, graph: Graph) -> tuple[bytes, tuple[tuple[Port, ...], tuple[Port, ...], tuple[str, ...]]]:
    """The bytes of the file, what goes in and out, and what the layers became."""
    import onnx
    from onnx_ir.passes.common import ClearMetadataAndDocStringPass
    from onnxscript import optimizer

    told: list[str] = []
    example = dict(graph.draw(*TRACED))
    outputs = list(graph.module(**example))
    dims = {name: Dim(name) for axes in graph.axes.values() for name in axes if name}
    shapes = tuple({k: dims[name] for k, name in enumerate(axes) if name} for axes in graph.axes.values())
    with _quiet():
        # Traced apart from torch.onnx.export, which, where a free dimension turns out fixed, would write it so.
        traced = torch.export.export(Positional(graph), tuple(example.values()), dynamic_shapes=(shapes,))
        _refuse_gates(traced)
        program = torch.onnx.export(
            traced,
            dynamo=True,
            verbose=False,
            input_names=list(graph.axes),
            output_names=outputs,
            dynamic_shapes=(shapes,),  # their names alone: the program has them already
            custom_translation_table={torch.ops.cellwright.layer.default: translation(told)},
        )
        assert program is not None
        optimizer.optimize(program.model, input_size_limit=_ALWAYS, output_size_limit=_ALWAYS)
    ClearMetadataAndDocStringPass()(program.model)  # paths of this machine, in a trace of the stack for each node
    _name_apart(program.model.graph)
    program.model.metadata_props.update({"producer": f"cellwright {__version__}"} | _texts(graph.metadata))
    model = program.model_proto
    if model.ByteSize() > MOST_BYTES:
        raise InputError(f"{path}: would have {model.ByteSize():,} bytes; an ONNX file has at most {MOST_BYTES:,}")
    content = model.SerializeToString()
    onnx.checker.check_model(content, full_check=True)
    return content, (_ports(model.graph.input), _ports(model.graph.output), tuple(told))


def _refuse_gates(traced: torch.export.ExportedProgram) -> None:
    for node in traced.graph.nodes:
        if node.target is torch.ops.cellwright.layer.default and node.args[-1]:
            raise InputError("export to ONNX: a layer is asked for its gates; call it without return_gates=True")


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


def _compare(path: Path, graph: Graph, content: bytes) -> float | None:
    """The largest difference between what ONNX Runtime computes and the module; raises InputError for a large one."""
    if importlib.util.find_spec("onnxruntime") is None:
        return None
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors; it warns of names that it merges
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    largest = 0.0
    for sizes in COMPARED:
        given = dict(graph.draw(*sizes))
        expected = graph.module(**given)
        found = session.run(list(expected), {name: value.numpy() for name, value in given.items()})
        for (name, own), theirs in zip(expected.items(), found, strict=True):
            assert theirs.shape == own.shape, (name, theirs.shape, own.shape)
            wide = own.double()
            difference = float((torch.from_numpy(theirs).double() - wide).abs().max())
            allowed = TOLERANCE * max(1.0, float(wide.abs().max()))
            if not difference <= allowed:
                raise InputError(
                    f"{path}: not written, for in ONNX Runtime {onnxruntime.__version__} {name} differs by "
                    f"{difference:.2g} from the model's own numbers; expected at most {allowed:.2g}: report it, with "
                    "the model's config"
                )
            largest = max(largest, difference)
    return largest


def _texts(values: Mapping[str, Any]) -> dict[str, str]:
    """Text as it is, other values as JSON."""
    return {n: v if isinstance(v, str) else json.dumps(v, ensure_ascii=False) for n, v in values.items()}


def _ports(values: Sequence[Any]) -> tuple[Port, ...]:
    import onnx

    found = []
    for value in values:
        kind = value.type.tensor_type
        shape = tuple(d.dim_param if d.HasField("dim_param") else int(d.dim_value) for d in kind.shape.dim)
        found.append(Port(value.name, str(onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type)), shape))
    return tuple(found)


def _require(*packages: str) -> None:
    """Raise InputError, with the command that installs them, where one of the packages is missing."""
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    if missing:
        raise InputError(
            f"export to ONNX needs the packages onnx and onnxscript, and has no {' and no '.join(missing)}: "
            "pip install onnx onnxscript onnxruntime"
        )
