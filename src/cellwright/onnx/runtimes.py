"""What runs an ONNX file, beside which the module that it was made from is compared: one row a runtime."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import numpy as np

from cellwright.errors import InputError

Run = Callable[[Mapping[str, Any]], Sequence[Any]]
"""Arrays by name -> arrays, in the order of the file's outputs."""


@dataclass(frozen=True)
class Runtime:
    """One of them.

    title    as people call it
    package  what pip installs, and what is imported
    open     a file's bytes -> what runs it
    """

    title: str
    package: str
    open: Callable[[bytes], Run]

    @property
    def installed(self) -> bool:
        """Whether it can be imported."""
        return importlib.util.find_spec(self.package) is not None

    def __str__(self) -> str:
        return f"{self.title} {metadata.version(self.package)}"


def _onnxruntime(content: bytes) -> Run:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors; it warns of what it rearranges
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    return lambda given: session.run(None, dict(given))


def _openvino(content: bytes) -> Run:
    import openvino

    core = openvino.Core()
    # By itself it computes in bfloat16 on a processor of AMX.
    model = core.compile_model(core.read_model(content), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})

    def run(given: Mapping[str, Any]) -> Sequence[Any]:
        found = model(dict(given))
        return [found[k] for k in range(len(model.outputs))]

    return run


def _reference(content: bytes) -> Run:
    import onnx
    from onnx.reference import ReferenceEvaluator

    evaluator = ReferenceEvaluator(onnx.load_from_string(content))

    def run(given: Mapping[str, Any]) -> Sequence[Any]:
        with np.errstate(over="ignore"):  # its sigmoid is 1 / (1 + exp(−x)), which is right where exp(−x) is infinite
            return [*evaluator.run(None, dict(given))]

    return run


RUNTIMES: dict[str, Runtime] = {
    "onnxruntime": Runtime("ONNX Runtime", "onnxruntime", _onnxruntime),
    "openvino": Runtime("OpenVINO", "openvino", _openvino),
    "onnx.reference": Runtime("onnx.reference", "onnx", _reference),
}
"""By the name that `--check` takes."""


def asked_for(names: Sequence[str]) -> list[Runtime]:
    """The runtimes of these names. Raises InputError for an unknown one, and one that is not installed."""
    for name in names:
        if name not in RUNTIMES:
            raise InputError(f"--check {name}: no such runtime; expected one of {', '.join(RUNTIMES)}")
        if not RUNTIMES[name].installed:
            raise InputError(f"--check {name}: it is not installed: pip install {RUNTIMES[name].package}")
    return [RUNTIMES[name] for name in dict.fromkeys(names)]


def usual(*, portable: bool) -> list[Runtime]:
    """Those that a file is compared in where none is named: a portable one in all, another in ONNX Runtime."""
    return list(RUNTIMES.values()) if portable else [RUNTIMES["onnxruntime"]]
