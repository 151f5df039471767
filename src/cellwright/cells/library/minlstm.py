"""Minimal LSTM without a recurrence in its gates."""

from typing import Any

from cellwright.cells.definition import cell
from cellwright.cells.language import State, log_sigmoid, sigmoid


@cell(projections="i f n", gates="i f", state="h")
def minlstm(x: Any, s: Any) -> State:
    """Minimal LSTM: gates of the input alone, which share out one whole between old and new.

    Feng et al. 2024, "Were RNNs all we needed?", equations of section 3.2. Its shares, σ(x_f) / (σ(x_f) + σ(x_i)) and
    the rest, are written so that they are numbers where both gates are shut.

        f_t = σ(log_sigmoid(x_f) − log_sigmoid(x_i))
        i_t = 1 − f_t
        n_t = x_n
        h_t = f_t · h_{t−1} + i_t · n_t

    where x = W x_t + b.
    """
    f = sigmoid(log_sigmoid(x.f) - log_sigmoid(x.i))
    i = 1 - f
    n = x.n
    return State(h=f * s.h + i * n)
