"""Long short-term memory with rectified candidate and output."""

from typing import Any

from cellwright.cells.definition import cell
from cellwright.cells.language import State, relu, sigmoid


@cell(projections="i f g o", gates="i f o", state="h c")
def relu_lstm(x: Any, u: Any, s: Any) -> State:
    """Long short-term memory with relu for tanh; the gates stay sigmoid.

    Glorot, Bordes and Bengio 2011, "Deep sparse rectifier neural networks"; Keras' LSTM(activation="relu").

        i_t = σ(x_i + u_i)
        f_t = σ(x_f + u_f)
        g_t = relu(x_g + u_g)
        o_t = σ(x_o + u_o)
        c_t = f_t · c_{t−1} + i_t · g_t
        h_t = o_t · relu(c_t)

    where x = W x_t + b, u = U h_{t−1} + b', relu(a) = max(a, 0). Its state has no bound: clip the gradients.
    """
    i = sigmoid(x.i + u.i)
    f = sigmoid(x.f + u.f)
    g = relu(x.g + u.g)
    o = sigmoid(x.o + u.o)
    c = f * s.c + i * g
    return State(h=o * relu(c), c=c)
