"""Weights of other frameworks' recurrent layers, in ours.

layer = cellwright.weights.from_keras("model.keras", layers=["encoder"])    # read without Keras
keras_layer.set_weights(cellwright.weights.to_keras(layer)[0])              # and back

A module a framework, in it one table: its order of gates in our letters, whether its matrices are transposed, what its
step adds. No framework is imported: its objects and arrays are read by their names. docs/weights.md has the tables.
"""

from cellwright.weights.dynet import from_dynet
from cellwright.weights.equinox import from_equinox
from cellwright.weights.flax import from_flax, to_flax
from cellwright.weights.haiku import from_haiku
from cellwright.weights.haste import from_haste
from cellwright.weights.keras import from_keras, to_keras
from cellwright.weights.mlx import from_mlx
from cellwright.weights.onnx import from_onnx
from cellwright.weights.paddle import from_paddle
from cellwright.weights.tinygrad import from_tinygrad

__all__ = [
    "from_dynet",
    "from_equinox",
    "from_flax",
    "from_haiku",
    "from_haste",
    "from_keras",
    "from_mlx",
    "from_onnx",
    "from_paddle",
    "from_tinygrad",
    "to_flax",
    "to_keras",
]
