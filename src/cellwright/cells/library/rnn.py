"""The plain recurrent network, with tanh and with relu."""

from typing import Any

from cellwright.cells.definition import cell
from cellwright.cells.language import State, relu, tanh


@cell(projections="h", gates="", state="h")
def rnn(x: Any, u: Any, s: Any) -> State:
    """Plain recurrent network.

    Elman 1990, "Finding structure in time".

        h_t = tanh(x_h + u_h)

    where x = W x_t + b, u = U h_{t−1} + b'.
    """
    return State(h=tanh(x.h + u.h))


@cell(projections="h", gates="", state="h")
def rnn_relu(x: Any, u: Any, s: Any) -> State:
    """Plain recurrent network with rectified units.

    Le, Jaitly and Hinton 2015, "A simple way to initialize recurrent networks of rectified linear units".

        h_t = relu(x_h + u_h)

    where x = W x_t + b, u = U h_{t−1} + b', relu(a) = max(a, 0). Its state has no bound: clip the gradients.
    """
    return State(h=relu(x.h + u.h))
