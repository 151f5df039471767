"""Minimal LSTM without a recurrence in its gates."""

from typing import Any

from cellwright.cells.definition import cell
from cellwright.cells.language import State, sigmoid


@cell(projections="i f n", gates="i f", state="h")
def minlstm(x: Any, s: Any) -> State:
    """Minimal LSTM: gates of the input alone, which share out one whole between old and new.

    Feng et al. 2024, "Were RNNs all we needed?", equations of section 3.2.

        i_t = σ(x_i)
        f_t = σ(x_f)
        n_t = x_n
        h_t = (f_t · h_{t−1} + i_t · n_t) / (f_t + i_t)

    where x = W x_t + b.
    """
    i = sigmoid(x.i)
    f = sigmoid(x.f)
    n = x.n
    return State(h=(f * s.h + i * n) / (f + i))
