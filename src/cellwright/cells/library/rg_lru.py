"""Real-gated linear recurrent unit."""

from typing import Any

from cellwright.cells.definition import PER_UNIT, cell
from cellwright.cells.language import State, exp, sigmoid, softplus, sqrt


@cell(projections="r i n", gates="r i a", state="h", parameters={"decay": PER_UNIT})
def rg_lru(x: Any, s: Any, p: Any) -> State:
    """Real-gated linear recurrent unit: a diagonal recurrence whose decay the input gates.

    De et al. 2024, "Griffin: mixing gated linear recurrences with local attention for efficient language models",
    equations 1 to 4, with c = 8 and a = σ(decay). What goes in is a projection here, and the layer's input there.

        r_t = σ(x_r)
        i_t = σ(x_i)
        a_t = exp(−8 · softplus(−decay) · r_t)
        h_t = a_t · h_{t−1} + √(1 − a_t · a_t) · i_t · x_n

    where x = W x_t + b.
    """
    r = sigmoid(x.r)
    i = sigmoid(x.i)
    a = exp(-(8 * softplus(-p.decay) * r))
    return State(h=a * s.h + sqrt(1 - a * a) * (i * x.n))
