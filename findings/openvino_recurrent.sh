#!/usr/bin/env bash
# OpenVINO 2026.4.1 (CPU) compiles ONNX's LSTM and leaves three of its inputs and attributes unread, without a word:
# sequence_lens where a dimension of X is free (it is read where all are fixed), the peepholes P, and input_forget.
# Each file is valid (onnx.checker) and is computed as the specification says by ONNX Runtime 1.31.1.
# Exits non-zero where that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    openvino==2026.4.1 onnx==1.23.2 onnxruntime==1.31.1 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import onnx
import onnxruntime
import openvino
from onnx import TensorProto, helper, numpy_helper

T, B, I, H = 6, 3, 2, 4
draw = np.random.default_rng(0)
WEIGHTS = {
    "W": draw.uniform(-0.7, 0.7, (1, 4 * H, I)).astype(np.float32),
    "R": draw.uniform(-0.7, 0.7, (1, 4 * H, H)).astype(np.float32),
    "P": draw.uniform(-0.7, 0.7, (1, 3 * H)).astype(np.float32),
    "lengths": np.array([6, 1, 3], np.int32),
}
X = draw.normal(size=(T, B, I)).astype(np.float32)


def difference(shape, lengths="", peepholes="", **attributes):
    """The largest between OpenVINO's h after each sequence and ONNX Runtime's."""
    inputs = ["X", "W", "R", "", lengths, "", "", peepholes]
    node = helper.make_node("LSTM", inputs, ["", "h", ""], hidden_size=H, **attributes)
    kept = [numpy_helper.from_array(WEIGHTS[n], n) for n in inputs if n in WEIGHTS]
    ports = [helper.make_tensor_value_info("X", TensorProto.FLOAT, shape)], [
        helper.make_tensor_value_info("h", TensorProto.FLOAT, [1, None, H])
    ]
    graph = helper.make_graph([node], "g", *ports, kept)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(model)
    content = model.SerializeToString()
    (right,) = onnxruntime.InferenceSession(content).run(["h"], {"X": X})
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(content), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return float(np.abs(compiled({"X": X})[0] - right).max())


free, fixed = ["t", "b", I], [T, B, I]
found = {
    "nothing special, free dimensions": difference(free),
    "sequence_lens, fixed dimensions": difference(fixed, lengths="lengths"),
    "sequence_lens, free dimensions": difference(free, lengths="lengths"),
    "peepholes": difference(fixed, peepholes="P"),
    "input_forget": difference(fixed, input_forget=1),
}
for name, value in found.items():
    print(f"{name:34} differs by {value:.1e}")
right, wrong = list(found.values())[:2], list(found.values())[2:]
raise SystemExit(0 if max(right) < 1e-5 and min(wrong) > 1e-2 else 1)
PYTHON
# Seen:
#   nothing special, free dimensions   differs by 3.0e-08
#   sequence_lens, fixed dimensions    differs by 3.0e-08
#   sequence_lens, free dimensions     differs by 3.0e-01
#   peepholes                          differs by 1.8e-02
#   input_forget                       differs by 8.1e-02
