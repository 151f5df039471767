"""Simple recurrent unit."""

from typing import Any

from cellwright.cells.definition import PER_UNIT, cell
from cellwright.cells.language import State, sigmoid


@cell(projections="f r n k", gates="f r", state="c", outputs="h", parameters={"v_f": PER_UNIT, "v_r": PER_UNIT})
def sru(x: Any, s: Any, p: Any) -> State:
    """Simple recurrent unit: a recurrence unit by unit, and a highway past it.

    Lei et al. 2018, "Simple recurrent units for highly parallelizable recurrence", equations 1 to 4. The highway has a
    matrix of its own, as there where input and output differ in size.

        f_t = σ(x_f + v_f · c_{t−1})
        r_t = σ(x_r + v_r · c_{t−1})
        n_t = x_n
        c_t = f_t · c_{t−1} + (1 − f_t) · n_t
        h_t = r_t · c_t + (1 − r_t) · x_k

    where x = W x_t + b.
    """
    f = sigmoid(x.f + p.v_f * s.c)
    r = sigmoid(x.r + p.v_r * s.c)
    n = x.n
    c = f * s.c + (1 - f) * n
    h = r * c + (1 - r) * x.k
    return State(c=c, h=h)
