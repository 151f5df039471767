"""python tests/weights/make/of_tinygrad.py, with tinygrad and DEV=PYTHON where there is no clang: kept/tinygrad.npz,
time first."""

from importlib.metadata import version

from keep import draw, keep
from tinygrad import Tensor, nn

X = draw(6, 5, 3, 3)
cell = nn.LSTMCell(3, 4)
names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
for seed, name in enumerate(names):
    setattr(cell, name, Tensor(draw(seed, *getattr(cell, name).shape)))
state, steps = None, []
for x in X:
    state = cell(Tensor(x), state)
    steps.append(state[0])
keep(
    "tinygrad",
    f"tinygrad {version('tinygrad')}",
    {
        "x": X,
        "LSTMCell": {
            "params": {name: getattr(cell, name).numpy() for name in names},
            "y": Tensor.stack(*steps).numpy(),
            "h": state[0].numpy()[None],
            "c": state[1].numpy()[None],
        },
    },
)
