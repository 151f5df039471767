"""Each cell once more, by another hand: torch.nn, torchrecurrent, or one unit at a time from the paper's equations.

Each takes the weights, one sequence (T, I) and one (H,) a state, and gives (T, H) and the final states.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import mpmath
import torch
import torchrecurrent
from torch import Tensor, nn
from torch.nn.functional import layer_norm

from cellwright.backends.call import Weights

Result = tuple[Tensor, list[Tensor]]
Independent = Callable[[Weights, Tensor, list[Tensor]], Result]


# --- torch.nn ------------------------------------------------------------------------------------------
def _torch(kind: type[nn.RNNBase], **options: Any) -> Independent:
    def run(w: Weights, x: Tensor, state: list[Tensor]) -> Result:
        layer = kind(x.shape[1], len(state[0]), dtype=x.dtype, **options)
        with torch.no_grad():
            for parameter, value in zip(layer.parameters(), w.flat, strict=True):
                parameter.copy_(value)
        before = [s[None] for s in state]
        rows, after = layer(x, tuple(before) if len(before) > 1 else before[0])
        return rows, [s[0] for s in (after if len(before) > 1 else [after])]

    return run


# --- torchrecurrent ------------------------------------------------------------------------------------
def _torchrecurrent(kind: type[nn.Module], output_is_state: bool = False, **options: Any) -> Independent:
    """A cell of torchrecurrent; `output_is_state`: it has a c that equals its h."""

    def run(w: Weights, x: Tensor, state: list[Tensor]) -> Result:
        module = kind(x.shape[1], len(state[0]), **options).double()
        with torch.no_grad():
            values = [w.input, w.recurrent, w.input_bias, w.recurrent_bias]
            for name, value in zip(("weight_ih", "weight_hh", "bias_ih", "bias_hh"), values, strict=True):
                getattr(module, name).copy_(value)
            if hasattr(module, "weight_ph"):
                module.weight_ph.copy_(
                    torch.cat(list(w.extra_parameters.values())) if w.extra_parameters else 0 * module.weight_ph
                )
        carried = [state[0], state[0]] if output_is_state else state
        outputs = []
        for row in x:
            new = module(row, tuple(carried) if len(carried) > 1 else carried[0])
            carried = list(new) if isinstance(new, tuple) else [new]
            outputs.append(carried[0])
        return torch.stack(outputs), carried[: len(state)]

    return run


# --- one unit at a time --------------------------------------------------------------------------------
Unit = Callable[[Mapping[str, Any], Mapping[str, Any], list[Any]], list[Any]]


def _units(order: str, update: Unit, number: Callable[[float], Any] = float) -> Independent:
    """Loops over steps, units and weights; `update` (x, u, states of the unit) gives the unit's new states."""
    gates = order.split()

    def run(w: Weights, x: Tensor, state: list[Tensor]) -> Result:
        hidden = len(state[0])
        carried = [[number(value) for value in s.tolist()] for s in state]
        outputs = []
        for row in x.tolist():
            units = []
            for j in range(hidden):
                at = {gate: k * hidden + j for k, gate in enumerate(gates)}
                u = {gate: _dot(w.recurrent, w.recurrent_bias, r, carried[0], number) for gate, r in at.items()}
                a = {gate: _dot(w.input, w.input_bias, r, row, number) for gate, r in at.items()}
                units.append(update(a, u, [s[j] for s in carried]))
            carried = [list(s) for s in zip(*units, strict=True)]
            outputs.append([float(h) for h in carried[0]])
        rows = torch.tensor(outputs, dtype=x.dtype).reshape(len(outputs), hidden)
        return rows, [torch.tensor([float(value) for value in s], dtype=x.dtype) for s in carried]

    return run


def _dot(matrix: Tensor, bias: Tensor | None, row: int, vector: list[Any], number: Callable[[float], Any]) -> Any:
    start = number(0.0 if bias is None else bias[row].item())
    return sum((number(m) * v for m, v in zip(matrix[row].tolist(), vector, strict=True)), start)


def _logistic(a: float) -> float:
    return 1 / (1 + math.exp(-a))


def _coupled(x: Mapping[str, Any], u: Mapping[str, Any], state: list[Any]) -> list[Any]:
    """Greff et al. 2015, appendix: f = 1 − i."""
    let_in = _logistic(x["i"] + u["i"])
    memory = (1 - let_in) * state[1] + let_in * math.tanh(x["g"] + u["g"])
    return [_logistic(x["o"] + u["o"]) * math.tanh(memory), memory]


def _minimal(x: Mapping[str, Any], u: Mapping[str, Any], state: list[Any]) -> list[Any]:
    """Zhou et al. 2016, equations 6 to 8, with the gate behind the matrix."""
    gate = _logistic(x["f"] + u["f"])
    return [state[0] + gate * (math.tanh(x["g"] + gate * u["g"]) - state[0])]


def _slstm(x: Mapping[str, Any], u: Mapping[str, Any], state: list[Any]) -> list[Any]:
    """Beck et al. 2024, equations 8 to 13: no stabiliser, in 60 digits.

    What the cell keeps is c e^−m and n e^−m, with equation 15's m; here they are taken apart and put together again.
    """
    _, c, n, m = state
    c, n = c * mpmath.exp(m), n * mpmath.exp(m)
    forget = 1 / (1 + mpmath.exp(-(x["f"] + u["f"])))
    let_in = mpmath.exp(x["i"] + u["i"])
    c = forget * c + let_in * mpmath.tanh(x["z"] + u["z"])
    m = max(mpmath.log(forget) + m, x["i"] + u["i"]) if n else x["i"] + u["i"]
    n = forget * n + let_in
    h = c / n / (1 + mpmath.exp(-(x["o"] + u["o"])))
    return [h, c * mpmath.exp(-m), n * mpmath.exp(-m), m]


def _precisely(run: Independent) -> Independent:
    def precise(w: Weights, x: Tensor, state: list[Tensor]) -> Result:
        with mpmath.workdps(60):
            return run(w, x, state)

    return precise


# --- layer normalisation, torch's ----------------------------------------------------------------------
def _layer_norm_lstm(w: Weights, x: Tensor, state: list[Tensor]) -> Result:
    """Ba et al. 2016, equations 20 to 22, for one row at a time."""
    (h, c), own = state, w.extra_parameters
    outputs = []
    for row in x:
        a = layer_norm(w.input @ row, w.input.shape[:1], own["gamma_x"], own["beta"])
        i, f, g, o = (a + layer_norm(w.recurrent @ h, w.input.shape[:1], own["gamma_u"])).view(4, -1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(layer_norm(c, c.shape, own["gamma_c"], own["beta_c"]))
        outputs.append(h)
    return torch.stack(outputs), [h, c]


def _layer_norm_gru(w: Weights, x: Tensor, state: list[Tensor]) -> Result:
    """torch.nn.GRUCell's equations on normalised products, for one row at a time."""
    (h,), own = state, w.extra_parameters
    outputs = []
    offset = torch.cat([torch.zeros(2 * len(h), dtype=x.dtype), own["beta_u"]])
    for row in x:
        a = layer_norm(w.input @ row, w.input.shape[:1], own["gamma_x"], own["beta"]).view(3, -1)
        b = layer_norm(w.recurrent @ h, w.input.shape[:1], own["gamma_u"], offset).view(3, -1)
        z = torch.sigmoid(a[1] + b[1])
        h = torch.lerp(torch.tanh(a[2] + torch.sigmoid(a[0] + b[0]) * b[2]), h, z)
        outputs.append(h)
    return torch.stack(outputs), [h]


def _block_gru(w: Weights, x: Tensor, state: list[Tensor]) -> Result:
    """A dense layer of input and state side by side, normalised, then the three gates of it; one row at a time."""
    (h,), own, outputs = state, w.extra_parameters, []
    dense = torch.cat([w.input, w.recurrent], 1)
    for row in x:
        both = layer_norm(dense @ torch.cat([row, h]), dense.shape[:1], own["gamma"], own["beta"])
        reset, update, candidate = both.view(3, -1)
        h = torch.lerp(h, torch.tanh(torch.sigmoid(reset) * candidate), torch.sigmoid(update - 1))
        outputs.append(h)
    return torch.stack(outputs), [h]


# --- cells without a recurrence in their gates, one row at a time ---------------------------------------
def _unit_by_unit(update: Callable[[Tensor, Tensor, Mapping[str, Tensor]], tuple[Tensor, Tensor]]) -> Independent:
    """`update` (W x + b, the state, the cell's own) gives the new state and the output."""

    def run(w: Weights, x: Tensor, state: list[Tensor]) -> Result:
        (h,), outputs = state, []
        for row in x:
            h, output = update(w.input @ row + w.input_bias, h, w.extra_parameters)
            outputs.append(output)
        return torch.stack(outputs), [h]

    return run


def _mingru(a: Tensor, h: Tensor, own: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Feng et al. 2024, section 3.1: h̃ where z is open."""
    z, candidate = a.chunk(2)
    new = torch.lerp(h, candidate, torch.sigmoid(z))
    return new, new


def _minlstm(a: Tensor, h: Tensor, own: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Feng et al. 2024, section 3.2: f' = f / (f + i), i' = i / (f + i)."""
    let_in, forget, candidate = a.chunk(3)
    share = 1 / (1 + torch.sigmoid(let_in) / torch.sigmoid(forget))
    new = torch.lerp(candidate, h, share)
    return new, new


def _sru(a: Tensor, c: Tensor, own: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Lei et al. 2018, equations 1 to 4."""
    forget, reset, candidate, highway = a.chunk(4)
    r = torch.sigmoid(torch.addcmul(reset, own["v_r"], c))
    c = torch.lerp(candidate, c, torch.sigmoid(torch.addcmul(forget, own["v_f"], c)))
    return c, torch.lerp(highway, c, r)


def _rg_lru(a: Tensor, h: Tensor, own: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    """De et al. 2024, equations 1 to 4, in their power: a^(c r)."""
    r, i, candidate = a.chunk(3)
    decay = torch.sigmoid(own["decay"]) ** (8 * torch.sigmoid(r))
    new = decay * h + (1 - decay**2).sqrt() * torch.sigmoid(i) * candidate
    return new, new


def _indrnn(a: Tensor, h: Tensor, own: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Li et al. 2018, equation 3."""
    new = torch.addcmul(a, own["v"], h).clamp(min=0)
    return new, new


def _lif(a: Tensor, v: Tensor, own: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    """snnTorch's Leaky with β = 0.9: what passed 1 at the step before is set back by 1."""
    v = 0.9 * v + a - (v > 1).to(a.dtype)
    return v, (v > 1).to(a.dtype)


def _recurrent_lif(x: Mapping[str, Any], u: Mapping[str, Any], state: list[Any]) -> list[Any]:
    """The same with what the spikes of all add."""
    potential = 0.9 * state[1] + x["i"] + u["i"] - state[0]
    return [float(potential > 1), potential]


def _star(w: Weights, x: Tensor, state: list[Tensor]) -> Result:
    """torchrecurrent's, whose candidate stands first, and whose U is the gate's alone."""
    hidden = len(state[0])
    module = torchrecurrent.STARCell(x.shape[1], hidden).double()
    order = [*range(hidden, 2 * hidden), *range(hidden)]
    with torch.no_grad():
        module.weight_ih.copy_(w.input[order])
        module.bias_ih.copy_(w.input_bias[order])
        module.weight_hh.copy_(w.recurrent[:hidden])
        module.bias_hh.copy_(w.recurrent_bias[:hidden])
    h, outputs = state[0], []
    for row in x:
        h = module(row, h)
        outputs.append(h)
    return torch.stack(outputs), [h]


# --- a product within the step, one row at a time -------------------------------------------------------
def _layers(w: Weights, hidden: int) -> list[tuple[nn.Linear, nn.Linear]]:
    """Of each projection its rows of W and of U, with their biases."""
    found = []
    for parts in zip(*(m.split(hidden) for m in (w.input, w.input_bias, w.recurrent, w.recurrent_bias)), strict=True):
        both = []
        for matrix, bias in (parts[:2], parts[2:]):
            layer = nn.Linear(matrix.shape[1], hidden, dtype=matrix.dtype)
            layer.weight, layer.bias = nn.Parameter(matrix), nn.Parameter(bias)
            both.append(layer.requires_grad_(False))
        found.append(tuple(both))
    return found


def _gru_2014(w: Weights, x: Tensor, state: list[Tensor]) -> Result:
    """Cho et al. 2014, equations 5 to 8: torch.nn's convex sum, the state reset before it is multiplied."""
    h, outputs = state[0], []
    (w_r, u_r), (w_z, u_z), (w_n, u_n) = _layers(w, len(h))
    for row in x:
        candidate = torch.tanh(w_n(row) + u_n(torch.sigmoid(w_r(row) + u_r(h)) * h))
        h = torch.lerp(candidate, h, torch.sigmoid(w_z(row) + u_z(h)))
        outputs.append(h)
    return torch.stack(outputs), [h]


def _multiplicative_lstm(w: Weights, x: Tensor, state: list[Tensor]) -> Result:
    """torchrecurrent's, which has U's rows of m and those of the gates apart."""
    hidden = len(state[0])
    module = torchrecurrent.MultiplicativeLSTMCell(x.shape[1], hidden).double()
    given = {"weight_ih": w.input, "weight_hh": w.recurrent[:hidden], "weight_mh": w.recurrent[hidden:]}
    given |= {"bias_ih": w.input_bias, "bias_hh": w.recurrent_bias[:hidden], "bias_mh": w.recurrent_bias[hidden:]}
    with torch.no_grad():
        for name, value in given.items():
            getattr(module, name).copy_(value)
    carried, outputs = tuple(state), []
    for row in x:
        carried = module(row, carried)
        outputs.append(carried[0])
    return torch.stack(outputs), list(carried)


def _lem(w: Weights, x: Tensor, state: list[Tensor]) -> Result:
    """Rusch et al. 2022, equation 3; torchrecurrent's cell drives y by the z before the step."""
    (y, z), outputs = state, []
    (w_1, v_1), (w_2, v_2), (w_z, v_z), (w_y, v_y) = _layers(w, len(y))
    for row in x:
        pace, other = torch.sigmoid(w_1(row) + v_1(y)), torch.sigmoid(w_2(row) + v_2(y))
        z = torch.lerp(z, torch.tanh(w_z(row) + v_z(y)), pace)
        y = torch.lerp(y, torch.tanh(w_y(row) + v_y(z)), other)
        outputs.append(y)
    return torch.stack(outputs), [y, z]


def _cornn(w: Weights, x: Tensor, state: list[Tensor]) -> Result:
    """Rusch and Mishra 2021, equation 3: W y + 𝒲 z + V x + b, with n̄ = n − 1."""
    (y, z), outputs = state, []
    (v, of_y), (_, of_z) = _layers(w, len(y))
    for row in x:
        acceleration = torch.tanh(v(row) + of_y(y) + of_z(z)) - 2.7 * y - 4.7 * z
        z = z + 0.042 * acceleration
        y = y + 0.042 * z
        outputs.append(y)
    return torch.stack(outputs), [y, z]


INDEPENDENT: dict[str, Independent] = {
    "rnn": _torch(nn.RNN),
    "rnn-relu": _torch(nn.RNN, nonlinearity="relu"),
    "lstm": _torch(nn.LSTM),
    "gru": _torch(nn.GRU),
    "gru-2014": _gru_2014,
    "lstm-1997": _torchrecurrent(torchrecurrent.OriginalLSTMCell),
    "peephole": _torchrecurrent(torchrecurrent.PeepholeLSTMCell),
    "relu-lstm": _torchrecurrent(torchrecurrent.PeepholeLSTMCell, nonlinearity="relu"),
    "coupled": _units("i g o", _coupled),
    "mgu": _units("f g", _minimal),
    "janet": _torchrecurrent(torchrecurrent.JANETCell, output_is_state=True),
    "ligru": _torchrecurrent(torchrecurrent.LiGRUCell),
    "layer-norm-lstm": _layer_norm_lstm,
    "layer-norm-gru": _layer_norm_gru,
    "block-gru": _block_gru,
    "slstm": _precisely(_units("i f z o", _slstm, mpmath.mpf)),
    "ugrnn": _torchrecurrent(torchrecurrent.UGRNNCell),
    "multiplicative-lstm": _multiplicative_lstm,
    "star": _star,
    "cornn": _cornn,
    "lem": _lem,
    "indrnn": _unit_by_unit(_indrnn),
    "mingru": _unit_by_unit(_mingru),
    "minlstm": _unit_by_unit(_minlstm),
    "sru": _unit_by_unit(_sru),
    "rg-lru": _unit_by_unit(_rg_lru),
    "lif": _unit_by_unit(_lif),
    "recurrent-lif": _units("i", _recurrent_lif),
}
