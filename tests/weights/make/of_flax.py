"""python tests/weights/make/of_flax.py, with flax and jax: kept/flax.npz."""

import flax
import jax
import jax.numpy as jnp
import numpy as np
from flax import linen, nnx
from keep import LENGTHS, draw, keep, randomised

X = draw(1, 3, 5, 3)


class Both(linen.Module):
    """Two layers of a cell in both directions."""

    cell: type

    @linen.compact
    def __call__(self, x, lengths):
        for _ in range(2):
            layer = linen.Bidirectional(linen.RNN(self.cell(4)), linen.RNN(self.cell(4)))
            x = layer(x, seq_lengths=lengths)
        return x


def of_linen(cell):
    model = Both(cell)
    params = randomised(model.init(jax.random.key(0), X, LENGTHS)["params"])
    y = model.apply({"params": params}, X, jnp.asarray(LENGTHS))
    return {"params": [params[name] for name in sorted(params)], "y": np.asarray(y)}


def relu():
    model = linen.RNN(linen.SimpleCell(4, activation_fn=jax.nn.relu))
    params = randomised(model.init(jax.random.key(0), X)["params"])
    return {"params": params, "y": np.asarray(model.apply({"params": params}, X))}


def of_nnx(cell):
    model = nnx.Bidirectional(
        nnx.RNN(cell(3, 4, rngs=nnx.Rngs(0)), rngs=nnx.Rngs(0)),
        nnx.RNN(cell(3, 4, rngs=nnx.Rngs(1)), rngs=nnx.Rngs(1)),
        rngs=nnx.Rngs(0),
    )
    state = nnx.state(model, nnx.Param)
    params = randomised(nnx.to_pure_dict(state))
    nnx.replace_by_pure_dict(state, params)
    nnx.update(model, state)
    return {"params": params, "y": np.asarray(model(jnp.asarray(X), seq_lengths=jnp.asarray(LENGTHS)))}


keep(
    "flax",
    f"flax {flax.__version__}, jax {jax.__version__}",
    {
        "x": X,
        "lengths": LENGTHS,
        "linen-LSTMCell": of_linen(linen.LSTMCell),
        "linen-OptimizedLSTMCell": of_linen(linen.OptimizedLSTMCell),
        "linen-GRUCell": of_linen(linen.GRUCell),
        "linen-SimpleCell": of_linen(linen.SimpleCell),
        "linen-SimpleCell-relu": relu(),
        "nnx-LSTMCell": of_nnx(nnx.LSTMCell),
        "nnx-OptimizedLSTMCell": of_nnx(nnx.OptimizedLSTMCell),
        "nnx-GRUCell": of_nnx(nnx.GRUCell),
        "nnx-SimpleCell": of_nnx(nnx.SimpleCell),
    },
)
