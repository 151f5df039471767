"""python tests/weights/make/of_paddle.py, with paddlepaddle: kept/paddle.npz, batch first."""

import paddle
from keep import LENGTHS, draw, keep

X = draw(5, 3, 5, 3)


def run(layer):
    layer.eval()
    y, state = layer(paddle.to_tensor(X), sequence_length=paddle.to_tensor(LENGTHS))
    h, *c = state if isinstance(state, tuple) else (state,)
    params = {name: each.numpy() for name, each in layer.state_dict().items() if ".cell" in name}
    return {"params": params, "y": y.numpy(), "h": h.numpy()} | ({"c": c[0].numpy()} if c else {})


both = {"num_layers": 2, "direction": "bidirect"}
keep(
    "paddle",
    f"paddlepaddle {paddle.__version__}",
    {
        "x": X,
        "lengths": LENGTHS,
        "LSTM": run(paddle.nn.LSTM(3, 4, **both)),
        "LSTM-projected": run(paddle.nn.LSTM(3, 4, proj_size=2, **both)),
        "GRU": run(paddle.nn.GRU(3, 4, **both)),
        "SimpleRNN": run(paddle.nn.SimpleRNN(3, 4, **both)),
        "SimpleRNN-relu": run(paddle.nn.SimpleRNN(3, 4, activation="relu")),
    },
)
