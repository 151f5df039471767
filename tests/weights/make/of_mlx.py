"""python tests/weights/make/of_mlx.py, with mlx[cpu]: kept/mlx.npz, batch first."""

from importlib.metadata import version

import mlx.core as mx
import numpy as np
from keep import draw, keep
from mlx import nn

X = draw(4, 3, 5, 3)


def stacked(kind, **options):
    x, layers = mx.array(X), []
    for inputs in (3, 8):
        pair = [kind(inputs, 4, **options) for _ in range(2)]
        ways = []
        for layer, turn in zip(pair, (1, -1), strict=True):
            y = layer(x[:, ::turn])
            ways.append((y[0] if isinstance(y, tuple) else y)[:, ::turn])
        x = mx.concatenate(ways, axis=-1)
        layers.append([{name: np.array(each) for name, each in layer.parameters().items()} for layer in pair])
    return {"params": layers, "y": np.array(x)}


keep(
    "mlx",
    f"mlx {version('mlx')}",
    {
        "x": X,
        "LSTM": stacked(nn.LSTM),
        "GRU": stacked(nn.GRU),
        "RNN": stacked(nn.RNN),
        "RNN-relu": stacked(nn.RNN, nonlinearity=nn.relu),
        "LSTM-no-bias": stacked(nn.LSTM, bias=False),
        "GRU-no-bias": stacked(nn.GRU, bias=False),
    },
)
