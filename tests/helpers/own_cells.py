"""A cell of a user's own, in a module that another process can import."""

from cellwright import cell
from cellwright.cells.language import State, sigmoid, tanh


@cell(projections="f g", gates="f", state="h")
def leaky(x, u, s):
    """A leaky unit."""
    f = sigmoid(x.f + u.f)
    return State(h=f * s.h + (1 - f) * tanh(x.g + u.g))
