"""OpenVINO on the model that ONNX Runtime runs, in float32 or bfloat16: inference of sequences of one length."""

from __future__ import annotations

from collections.abc import Callable

import torch

from cellwright.bench.case import Case, Problem
from cellwright.bench.rival import Work
from rivals import onnx_runtime
from rivals.missing import missing


def obstacle(case: Case) -> str | None:
    """Why this cannot compute a case, or None."""
    if case.ragged:
        return "OpenVINO leaves lengths unread"
    return onnx_runtime.obstacle(case) or missing("openvino")


def prepare_in(precision: str) -> Callable[[Problem], Work]:
    """What prepares its work in a precision by its own name for it: f32 or bf16."""

    def prepare(problem: Problem) -> Work:
        """A compiled model on as many threads as torch has; it reads the input and gives its output where they lie."""
        import openvino

        core = openvino.Core()
        settings = {
            "INFERENCE_PRECISION_HINT": precision,
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        }
        model = core.compile_model(core.read_model(onnx_runtime.model(problem)), "CPU", settings)
        request, given = model.create_infer_request(), onnx_runtime.given(problem)
        return Work(
            lambda: request.infer(given, share_inputs=True, share_outputs=True)[0],
            lambda found: {"output": torch.from_numpy(found)},
        )

    return prepare
