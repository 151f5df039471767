"""python tests/weights/make/of_dynet.py, with dynet38: kept/dynet.npz, time first, one sequence."""

from importlib.metadata import version

import dynet as dy
import numpy as np
from keep import draw, keep

X = draw(7, 5, 1, 3)


def run(kind, *options):
    collection = dy.ParameterCollection()  # kept: the builder does not hold it, and its numbers would be freed
    builder = kind(2, 3, 4, collection, *options)
    layers = builder.get_parameters()
    for k, layer in enumerate(layers):
        for j, each in enumerate(layer):
            each.set_value(draw(10 * k + j, *each.shape()))
    dy.renew_cg()
    y = [state.output() for state in builder.initial_state().add_inputs([dy.inputVector(step[0]) for step in X])]
    params = [[each.as_array() for each in layer] for layer in layers]
    return {"params": params, "y": np.stack([each.npvalue() for each in y])[:, None]}


keep(
    "dynet",
    f"dynet38 {version('dynet38')}",
    {
        "x": X,
        "VanillaLSTMBuilder": run(dy.VanillaLSTMBuilder),
        "VanillaLSTMBuilder-forget-0": run(dy.VanillaLSTMBuilder, False, 0.0),
        "CompactVanillaLSTMBuilder": run(dy.CompactVanillaLSTMBuilder),
        "SimpleRNNBuilder": run(dy.SimpleRNNBuilder),
        "GRUBuilder": run(dy.GRUBuilder),
    },
)
