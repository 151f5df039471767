"""python tests/weights/make/of_haiku.py, with dm-haiku and jax: kept/haiku.npz, time first."""

import haiku
import jax
import numpy as np
from keep import draw, keep, randomised

X = draw(2, 5, 3, 3)


def unrolled(*makers):
    """A stack of modules over the sequence, and their parameters."""

    def run(x):
        for maker in makers:
            core = maker()
            x, _ = haiku.dynamic_unroll(core, x, core.initial_state(x.shape[1]))
        return x

    model = haiku.without_apply_rng(haiku.transform(run))
    params = randomised(model.init(jax.random.key(0), X))
    return {"params": params, "y": np.asarray(model.apply(params, X))}


def both():
    def run(x):
        ends = []
        for turned in (False, True):
            core = haiku.LSTM(4)
            y, _ = haiku.dynamic_unroll(core, x[::-1] if turned else x, core.initial_state(x.shape[1]))
            ends.append(y[::-1] if turned else y)
        return jax.numpy.concatenate(ends, -1)

    model = haiku.without_apply_rng(haiku.transform(run))
    params = randomised(model.init(jax.random.key(0), X))
    return {"params": params, "y": np.asarray(model.apply(params, X))}


keep(
    "haiku",
    f"dm-haiku {haiku.__version__}, jax {jax.__version__}",
    {
        "x": X,
        "LSTM": unrolled(lambda: haiku.LSTM(4)),
        "LSTM-stack": unrolled(lambda: haiku.LSTM(4), lambda: haiku.LSTM(4)),
        "LSTM-both": both(),
        "VanillaRNN": unrolled(lambda: haiku.VanillaRNN(4)),
        "VanillaRNN-one-bias": unrolled(lambda: haiku.VanillaRNN(4, double_bias=False)),
        "GRU": unrolled(lambda: haiku.GRU(4)),
    },
)
