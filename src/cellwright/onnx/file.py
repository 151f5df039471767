"""An ONNX file: made, checked, compared with what it was made from, and only then written."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from cellwright import __version__
from cellwright.errors import InputError
from cellwright.files import check_free, replace_file
from cellwright.nn import Recurrent
from cellwright.onnx.comparison import compare
from cellwright.onnx.graph import Axes, Graph, of_layer, of_module
from cellwright.onnx.pairs import small_numbers
from cellwright.onnx.runtimes import asked_for, usual
from cellwright.onnx.tracing import model_of

MOST_BYTES = 2**31 - 1
"""What protobuf lets a file hold."""
PORTABLE = "a portable file (--portable) has what runtimes compute alike"
REPORT = "report it, with the model's config"


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
    feed: tuple[str, ...]
    """Sentences for who feeds it."""
    differences: Mapping[str, float]
    """The largest between a runtime's numbers and the model's own, by the name and version of each that computed."""
    missing: Mapping[str, str]
    """Runtimes that it would have been compared in and that are not installed, and what pip installs for each."""


def to_onnx(
    module: nn.Module,
    path: str | Path,
    inputs: Mapping[str, tuple[Tensor, Axes]] | None = None,
    *,
    lengths: bool = True,
    initial_state: bool = False,
    overwrite: bool = False,
    portable: bool = False,
    check: Sequence[str] | None = None,
) -> Written:
    """Write a layer, or a model made of such layers, to an ONNX file; checked, and compared where it is to run.

    It is written in evaluation mode. A layer of lstm, gru, rnn, rnn-relu, relu-lstm, peephole or coupled becomes a node
    of ONNX's own, any other a Scan; in a portable file only the first three do, and the nodes read no lengths. Lengths
    are 0 … time, and time is at least 1; a sequence of length 0 has the output zero, and keeps its state.

    Many arguments: options by name, as those of torch.onnx.export.

    Args:
        module: A `cellwright.Recurrent`, or a module that calls such layers, as torch.export takes it; it returns a
            tensor ("output"), a tuple of them ("output_0", …), or a mapping by name.
        path: Of the file; its folder exists.
        inputs: Of a module other than a layer, for each argument of its call an example and the names of its
            dimensions, None where one is fixed: `{"ids": (ids, ("batch", "time")), "lengths": (lengths, ("batch",))}`.
        lengths: Of a layer, whether the file takes lengths (batch) int64; else each sequence has all steps.
        initial_state: Of a layer, whether it takes the states before the first step, h_0, …, as the layer does.
        overwrite: Whether a file that is there is replaced.
        portable: Whether the file has nothing that runtimes other than ONNX Runtime compute otherwise.
        check: The runtimes whose numbers have to be the module's: onnxruntime, openvino, onnx.reference. None is ONNX
            Runtime, and for a portable file every one, where they are installed.

    Returns:
        What was written: inputs and outputs by name, type and shape, what each layer became, and the largest difference
        of each runtime.

    Raises:
        InputError: A package is missing, the file is there or cannot be written, or its numbers are not the module's;
            then there is no new file.

    Examples:
        >>> import cellwright, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     written = to_onnx(cellwright.LSTM(8, 16), f"{folder}/layer.onnx")
        >>> [port.name for port in written.inputs], [port.name for port in written.outputs]
        (['input', 'lengths'], ['output', 'h_n', 'c_n'])

    """
    if inputs is not None:
        return write(of_module(module, inputs), Path(path), overwrite=overwrite, portable=portable, check=check)
    if not isinstance(module, Recurrent):
        raise InputError(
            f"to_onnx: a {type(module).__name__} without inputs; expected an example of each argument of its call, and "
            'the names of its free dimensions: {"ids": (ids, ("batch", "time"))}'
        )
    graph = of_layer(module, lengths=lengths, initial_state=initial_state)
    return write(graph, Path(path), overwrite=overwrite, portable=portable, check=check)


def write(
    graph: Graph, path: Path, *, overwrite: bool = False, portable: bool = False, check: Sequence[str] | None = None
) -> Written:
    """Write a graph; as `to_onnx`."""
    _require("onnx", "onnxscript")
    runtimes = usual(portable=portable) if check is None else asked_for(check)
    installed = [one for one in runtimes if one.installed]
    check_free({"--out": path}, overwrite=overwrite)
    if not path.parent.is_dir():
        raise InputError(f"{path}: there is no folder {path.parent}; expected one that exists")
    was_training = [module for module in graph.module.modules() if module.training]
    graph.module.eval()
    try:
        with torch.no_grad():
            with small_numbers(graph.module) if portable else nullcontext():
                content, inputs, outputs, layers = _content(path, graph, portable)
            differences = compare(path, graph, content, installed, REPORT if portable else PORTABLE)
    finally:
        for module in was_training:
            module.training = True
    replace_file(path, content)
    missing = {one.title: one.package for one in runtimes if not one.installed}
    return Written(path, len(content), inputs, outputs, layers, tuple(graph.feed), differences, missing)


Ports = tuple[Port, ...]


def _content(path: Path, graph: Graph, portable: bool) -> tuple[bytes, Ports, Ports, tuple[str, ...]]:
    """The bytes of the file, what goes in and out, and what the layers became."""
    import onnx
    import onnx_ir as ir

    model, layers = model_of(graph, portable=portable)
    model.producer_name, model.producer_version = "cellwright", __version__
    model.metadata_props.update(_texts(graph.metadata))
    proto = ir.to_proto(model)
    if proto.ByteSize() > MOST_BYTES:
        raise InputError(f"{path}: would have {proto.ByteSize():,} bytes; an ONNX file has at most {MOST_BYTES:,}")
    content = proto.SerializeToString()
    onnx.checker.check_model(content, full_check=True)
    return content, _ports(proto.graph.input), _ports(proto.graph.output), layers


def _texts(values: Mapping[str, Any]) -> dict[str, str]:
    """Text as it is, other values as JSON."""
    return {n: v if isinstance(v, str) else json.dumps(v, ensure_ascii=False) for n, v in values.items()}


def _ports(values: Iterable[Any]) -> Ports:
    import onnx

    found = []
    for value in values:
        kind = value.type.tensor_type
        shape = tuple(d.dim_param if d.HasField("dim_param") else int(d.dim_value) for d in kind.shape.dim)
        found.append(Port(value.name, str(onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type)), shape))
    return tuple(found)


def _require(*packages: str) -> None:
    """Raise InputError, with the command that installs them, where one of the packages is missing."""
    missing: Sequence[str] = [name for name in packages if importlib.util.find_spec(name) is None]
    if missing:
        raise InputError(
            f"export to ONNX needs the packages onnx and onnxscript, and has no {' and no '.join(missing)}: "
            "pip install onnx onnxscript onnxruntime"
        )
