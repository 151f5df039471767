"""Those that compute the same: a table, one row a rival. To add one, write its two functions and name it here."""

from rivals import jax_scan, keras_layers, onnx_runtime, torch_layers
from rivals.rival import Rival, Work

OURS = "cellwright"

RIVALS = {
    rival.name: rival
    for rival in (
        Rival(OURS, torch_layers.anything, torch_layers.compiled),
        Rival("torch.nn padded", torch_layers.cannot_pad, torch_layers.padded),
        Rival("torch.nn packed", torch_layers.cannot_pack, torch_layers.packed),
        Rival("torch.nn packed before", torch_layers.cannot_pack, torch_layers.packed_before),
        Rival("Python loop", torch_layers.anything, torch_layers.loop),
        Rival("ONNX Runtime", onnx_runtime.obstacle, onnx_runtime.prepare),
        Rival("jax", jax_scan.obstacle, jax_scan.prepare),
        Rival("Keras", keras_layers.obstacle, keras_layers.prepare),
    )
}

__all__ = ["OURS", "RIVALS", "Rival", "Work"]
