"""Cells that no module ships: lanes that trade, skips over a lane, choices, squares, quotients, derived cells."""

from calls import attending, spiking, waving
from cellwright.cells import CELLS
from cellwright.cells.definition import PER_UNIT, cell
from cellwright.cells.derived import recurrent_dropout, zoneout
from cellwright.cells.language import State, maximum, relu, select, sigmoid, softplus, tanh


@cell(projections="i f g o k", gates="i f o k", state="h c d", parameters={"alpha": PER_UNIT})
def trading(x, u, s, p):
    """Two memories that trade <script>alert(1)</script> & an output with skips."""
    i = sigmoid(x.i + u.i)
    f = sigmoid(x.f + u.f)
    k = sigmoid(x.k + u.k + p.alpha * s.c * s.d)
    g = tanh(x.g + u.g)
    c = f * s.c + i * g
    d = k * s.d + (1 - k) * c
    o = sigmoid(x.o + u.o + p.alpha * d)
    return State(h=o * tanh(c + d) + s.c * 0.5 + s.h * (1 - o) * d, c=c, d=d)


@cell(projections="a b", gates="", state="h c")
def crossing(x, u, s):
    """Each state is used after the other has gone on."""
    c = maximum(s.c, x.a) - s.h
    h = select(c > s.h, s.h * s.h, -relu(x.b * u.b) / (1 + softplus(s.c - c)))
    return State(h=h, c=c)


@cell(projections="a", gates="", state="h same")
def shared(x, u, s):
    """One value for two states, and a letter for what is a state already."""
    old = s.same
    h = tanh(x.a + u.a) + old
    return State(h=h, same=h)


@cell(projections="a", gates="", state="h", parameters={"decay": PER_UNIT}, bias=False)
def input_alone(x, u, s, p):
    """No product with the state at all."""
    k = sigmoid(p.decay)
    return State(h=k * s.h + x.a + u.a)


OWN = [trading, crossing, shared, input_alone, waving, attending, spiking]
OWN += [zoneout(recurrent_dropout(CELLS["peephole"])), zoneout(CELLS["slstm"])]
EVERY = [*CELLS.values(), *OWN]
