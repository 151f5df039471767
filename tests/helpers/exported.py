"""Layers that are exported, and what they are fed."""

import onnx
import torch

from own_cells import leaky

RAGGED = torch.tensor([6, 1, 3, 2, 6])


def nodes_of(path):
    return [node.op_type for node in onnx.load(path).graph.node]


def random_state(layer, batch):
    """Far from zero, and above it: the normaliser of slstm is never below."""
    start = layer.initial_state(batch)
    return [torch.rand_like(s) + 0.5 for s in ((start,) if isinstance(start, torch.Tensor) else start)]


def apart(layer):
    """The layer with every parameter drawn anew, so that no two gates are alike and nothing stands at 0 or 1."""
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.uniform_(-0.7, 0.7)
    return layer


OPTIONS = [
    ("lstm", {"num_layers": 3, "bidirectional": True, "batch_first": True}),
    ("lstm", {"proj_size": 2, "bidirectional": True, "num_layers": 2}),
    ("lstm", {"bias": False}),
    ("gru", {"bias": False, "bidirectional": True}),
    ("slstm", {"bias": False, "proj_size": 2}),
    ("gru", {"learn_initial_state": True, "num_layers": 2, "dropout": 0.5}),
    ("lstm", {"zoneout": 0.3, "recurrent_dropout": 0.4, "bidirectional": True}),
    ("layer-norm-gru", {"zoneout": {"h": 0.2}, "num_layers": 2}),
    ("peephole", {"state_batch_first": True, "batch_first": True, "num_layers": 2}),
    (leaky, {"num_layers": 2, "bidirectional": True}),
]
