"""Those that compute the same: a table, one row a rival. To add one, write its two functions and name it here."""

from cellwright.bench import rivals as on_torch
from cellwright.bench.rival import Rival
from rivals import jax_scan, keras_layers, onnx_runtime, openvino_node

RIVALS = on_torch.RIVALS | {
    rival.name: rival
    for rival in (
        Rival("ONNX Runtime", onnx_runtime.obstacle, onnx_runtime.prepare),
        Rival("OpenVINO", openvino_node.obstacle, openvino_node.prepare_in("f32")),
        Rival("jax", jax_scan.obstacle, jax_scan.prepare),
        Rival("Keras", keras_layers.obstacle, keras_layers.prepare),
    )
}

__all__ = ["RIVALS"]
