"""Minimal gated unit."""

from typing import Any

from cellwright.cells.definition import cell
from cellwright.cells.language import State, sigmoid, tanh


@cell(projections="f g", gates="f", state="h")
def mgu(x: Any, u: Any, s: Any) -> State:
    """Minimal gated unit, its gate after the product.

    Zhou et al. 2016, "Minimal gated unit for recurrent neural networks". There the candidate's matrix multiplies f · h;
    here f multiplies the product, as the reset gate of PyTorch's GRU does, so that one product serves the step.

        f_t = σ(x_f + u_f)
        g_t = tanh(x_g + f_t · u_g)
        h_t = (1 − f_t) · h_{t−1} + f_t · g_t

    where x = W x_t + b, u = U h_{t−1} + b'.
    """
    f = sigmoid(x.f + u.f)
    g = tanh(x.g + f * u.g)
    return State(h=(1 - f) * s.h + f * g)
