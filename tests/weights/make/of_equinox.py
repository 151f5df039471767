"""python tests/weights/make/of_equinox.py, with equinox and jax: kept/equinox.npz, time first."""

import equinox
import jax
import jax.numpy as jnp
import numpy as np
from keep import draw, keep

X = draw(3, 5, 3, 3)


def one_way(cell, x):
    zero = jnp.zeros(4)

    def step(state, now):
        state = cell(now, state)
        return state, state[0] if isinstance(state, tuple) else state

    begin = (zero, zero) if isinstance(cell, equinox.nn.LSTMCell) else zero
    return jax.vmap(lambda each: jax.lax.scan(step, begin, each)[1], in_axes=1, out_axes=1)(x)


def stacked(kind):
    keys = iter(jax.random.split(jax.random.key(0), 8))
    x, layers = jnp.asarray(X), []
    for inputs in (3, 8):
        pair = [kind(inputs, 4, key=next(keys)) for _ in range(2)]
        x = jnp.concatenate([one_way(pair[0], x), one_way(pair[1], x[::-1])[::-1]], -1)
        names = ("weight_ih", "weight_hh", "bias", "bias_n")[: 3 if kind is equinox.nn.LSTMCell else 4]
        layers.append([{name: np.asarray(getattr(each, name)) for name in names} for each in pair])
    return {"params": layers, "y": np.asarray(x)}


keep(
    "equinox",
    f"equinox {equinox.__version__}, jax {jax.__version__}",
    {"x": X, "LSTMCell": stacked(equinox.nn.LSTMCell), "GRUCell": stacked(equinox.nn.GRUCell)},
)
