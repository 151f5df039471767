"""Cells that are given more than x, against loops over plain numbers, unit by unit; and what HBV conserves."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from agreement import assert_agree
from cellwright import Recurrent, use_backend
from cellwright.cells import CELLS

T, B, H = 40, 3, 2
Numbers = dict[str, float]


def _reservoir(x: Numbers, s: Numbers, p: Numbers) -> tuple[Numbers, Numbers]:
    held = s["store"] + x["inflow"]
    return {"store": (1 - p["rate"]) * held}, {"outflow": p["rate"] * held}


def _hbv(x: Numbers, s: Numbers, p: Numbers) -> tuple[Numbers, Numbers]:
    """Seibert and Vis 2012, section 2, as a programme of the time would have it: with branches."""
    snow, water, soil, upper, lower = (s[name] for name in ("snow", "water", "soil", "upper", "lower"))
    rain = 0.0
    if x["temperature"] < p["tt"]:
        snow += p["sfcf"] * x["precipitation"]
    else:
        rain = x["precipitation"]
    if x["temperature"] > p["tt"]:
        melt = min(p["cfmax"] * (x["temperature"] - p["tt"]), snow)
        snow -= melt
        water += melt
    else:
        refrozen = min(p["cfr"] * p["cfmax"] * (p["tt"] - x["temperature"]), water)
        water -= refrozen
        snow += refrozen
    inflow = max(water + rain - p["cwh"] * snow, 0)
    water += rain - inflow
    recharge = inflow * min(max(soil / p["fc"], 1e-5), 1) ** p["beta"]
    soil += inflow - recharge
    actual = min(x["evaporation"] * min(soil / (p["lp"] * p["fc"]), 1), soil)
    soil -= actual
    upper += recharge
    down = min(p["perc"], upper)
    upper -= down
    quick = min(p["k1"] * upper + (p["k0"] * (upper - p["uzl"]) if upper > p["uzl"] else 0), upper)
    lower += down
    slow = p["k2"] * lower
    after = {"snow": snow, "water": water, "soil": soil, "upper": upper - quick, "lower": lower - slow}
    return after, {"discharge": quick + slow, "actual": actual}


def _first_hydrograph(t: float, base: float) -> float:
    """Perrin et al. 2003, the curve SH1."""
    return (t / base) ** 2.5 if t < base else 1.0


def _second_hydrograph(t: float, base: float) -> float:
    """The curve SH2."""
    if t < base:
        return 0.5 * (t / base) ** 2.5
    return 1 - 0.5 * (2 - t / base) ** 2.5 if t < 2 * base else 1.0


def _gr4j(x: Numbers, s: Numbers, p: Numbers) -> tuple[Numbers, Numbers]:
    """Perrin et al. 2003, section 2, with branches; each hydrograph as far as it goes, of the rows r of past days."""
    store, capacity = s["production"], p["x1"]
    rain, evaporates, stored = 0.0, x["precipitation"], 0.0
    if x["precipitation"] >= x["evaporation"]:
        rain, evaporates = x["precipitation"] - x["evaporation"], x["evaporation"]
        share, wet = store / capacity, math.tanh(rain / capacity)
        stored = capacity * (1 - share**2) * wet / (1 + share * wet)
        store += stored
    else:
        share, dry = store / capacity, math.tanh((x["evaporation"] - x["precipitation"]) / capacity)
        taken = store * (2 - share) * dry / (1 + (1 - share) * dry)
        evaporates += taken
        store -= taken
    percolation = store * (1 - (1 + (4 / 9 * store / capacity) ** 4) ** (-1 / 4))
    past = [percolation + rain - stored, *(s[f"r_{k}"] for k in range(1, 8))]
    arriving = []
    for curve, days in ((_first_hydrograph, math.ceil(p["x4"])), (_second_hydrograph, math.ceil(2 * p["x4"]))):
        ordinates = [curve(k + 1, p["x4"]) - curve(k, p["x4"]) for k in range(days)]
        arriving.append(sum(share * of for share, of in zip(ordinates, past[:days], strict=True)))
    exchange = p["x2"] * (s["routing"] / p["x3"]) ** 3.5
    routing = max(0.0, s["routing"] + 0.9 * arriving[0] + exchange)
    slow = routing * (1 - (1 + (routing / p["x3"]) ** 4) ** (-1 / 4))
    direct = max(0.0, 0.1 * arriving[1] + exchange)
    after = {"production": store - percolation, "routing": routing - slow}
    return after | {f"r_{k}": past[k - 1] for k in range(1, 8)}, {"discharge": slow + direct, "actual": evaporates}


RANGES = {
    "tt": (-1, 1),
    "cfmax": (1, 6),
    "sfcf": (0.7, 1.1),
    "cfr": (0.02, 0.08),
    "cwh": (0.05, 0.15),
    "fc": (50, 200),
    "lp": (0.4, 0.9),
    "beta": (1, 4),
    "perc": (0.2, 2),
    "uzl": (2, 20),
    "k0": (0.1, 0.5),
    "k1": (0.02, 0.2),
    "k2": (0.005, 0.05),
    "rate": (0.1, 0.9),
    "x1": (20, 300),
    "x2": (-4, 3),
    "x3": (10, 100),
    "x4": (0.6, 4),
}


def given(cell: str) -> tuple[dict[str, Tensor], dict[str, Tensor], list[Tensor]]:
    """Inputs, parameters and states, all of them likely values."""
    generator = torch.Generator().manual_seed(1)

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator, dtype=torch.float64) * (high - low) + low

    ranges = {"precipitation": (-10, 20), "temperature": (-8, 12), "evaporation": (0, 4), "inflow": (0, 5)}
    inputs = {
        name: uniform(*ranges[name], T, B, 1).clamp(min=0 if name[0] != "t" else -9) for name in CELLS[cell].inputs
    }
    parameters = {name: uniform(*RANGES[name], B, H) for name in CELLS[cell].given}
    return inputs, parameters, [uniform(1, 30, 1, B, H) for _ in CELLS[cell].states]


@pytest.mark.parametrize(("cell", "step"), [("reservoir", _reservoir), ("hbv", _hbv), ("gr4j", _gr4j)])
def test_every_unit_is_the_model_in_plain_numbers(cell: str, step: Callable[..., tuple[Numbers, Numbers]]) -> None:
    inputs, parameters, states = given(cell)
    layer = Recurrent(cell, len(inputs), H)
    _, end, found = layer(
        inputs, tuple(states) if len(states) > 1 else states[0], parameters=parameters, return_outputs=True
    )
    end = end if isinstance(end, tuple) else (end,)
    for b in range(B):
        for h in range(H):
            p = {name: value[b, h].item() for name, value in parameters.items()}
            s = {name: value[0, b, h].item() for name, value in zip(CELLS[cell].states, states, strict=True)}
            for t in range(T):
                s, outputs = step({name: value[t, b, 0].item() for name, value in inputs.items()}, s, p)
                assert_agree([found[n][t, b, h].item() for n in outputs], list(outputs.values()))
            assert_agree([value[0, b, h].item() for value in end], list(s.values()))


def test_hbv_loses_no_water() -> None:
    """What falls is what flows, evaporates or stays."""
    inputs, parameters, states = given("hbv")
    parameters["sfcf"] = torch.ones(B, H, dtype=torch.float64)
    _, end, found = Recurrent("hbv", 3, H)(inputs, tuple(states), parameters=parameters, return_outputs=True)
    came = inputs["precipitation"].sum(0) + sum(states)[0]
    assert_agree(found["discharge"].sum(0) + found["actual"].sum(0) + sum(end)[0], came.expand(B, H))


def test_gr4j_loses_no_water_where_none_is_exchanged() -> None:
    """What falls is what flows, evaporates, is stored, or is on its way, also for a base of more than four days."""
    inputs, parameters, (production, routing, *_) = given("gr4j")
    parameters["x2"] = torch.zeros(B, H, dtype=torch.float64)
    parameters["x4"] = torch.linspace(0.7, 6, B * H, dtype=torch.float64).view(B, H)
    on_no_way = [torch.zeros_like(production)] * 7
    layer = Recurrent("gr4j", 2, H)
    _, (stored, routed, *past), found = layer(
        inputs, (production, routing, *on_no_way), parameters=parameters, return_outputs=True
    )
    base, underway = parameters["x4"].clamp(max=4), torch.zeros(B, H, dtype=torch.float64)
    for k, r in enumerate(past, 1):
        for share, curve in ((0.9, _first_hydrograph), (0.1, _second_hydrograph)):
            arrived = torch.tensor([[curve(k, one) for one in row] for row in base.tolist()], dtype=torch.float64)
            underway += share * (1 - arrived) * r[0]
    came = inputs["precipitation"].sum(0) + production[0] + routing[0]
    left = found["discharge"].sum(0) + found["actual"].sum(0) + stored[0] + routed[0] + underway
    assert_agree(left, came.expand(B, H))


def test_reservoirs_one_below_the_other_are_the_cascade_of_nash() -> None:
    """Of one unit of water, the share of a negative binomial distribution leaves the third at each step."""
    rate = torch.tensor([[0.2, 0.7]], dtype=torch.float64)
    inflow = torch.zeros(T, 1, 1, dtype=torch.float64)
    inflow[0] = 1
    found, _ = Recurrent("reservoir", 1, H, num_layers=3)(inflow, parameters={"rate": rate})
    shares = [math.comb(t + 2, 2) * rate**3 * (1 - rate) ** t for t in range(T)]
    assert_agree(found, torch.stack(shares))


def test_ea_lstm_is_the_lstm_whose_input_gate_the_entity_is() -> None:
    """torch's LSTM whose gate i has no weights, but a bias, at each sequence the entity's."""
    torch.manual_seed(0)
    layer = Recurrent("ea-lstm", 4, H, dtype=torch.float64)
    entity, x = torch.randn(B, H, dtype=torch.float64), torch.randn(T, B, 4, dtype=torch.float64)
    found, _ = layer(x, parameters={"entity": entity})
    for b in range(B):
        lstm = torch.nn.LSTM(4, H, dtype=torch.float64)
        with torch.no_grad():
            for theirs, ours in zip(lstm.parameters(), layer.parameters(), strict=True):
                f, g, o = ours.chunk(3)
                theirs.copy_(torch.cat([torch.zeros_like(f), f, g, o]))
            lstm.bias_ih_l0[:H] = entity[b]
        assert_agree(found[:, b], lstm(x[:, b])[0])


@pytest.mark.parametrize("cell", ["hbv", "gr4j"])
def test_in_single_precision(cell: str) -> None:
    """Kernels in float32 against the reference in float64: outputs and the gradients of every parameter."""
    inputs, parameters, states = given(cell)
    found = {}
    for name, dtype in (("compiled", torch.float32), ("reference", torch.float64)):
        ours = {n: value.to(dtype).requires_grad_() for n, value in parameters.items()}
        x = {n: value.to(dtype) for n, value in inputs.items()}
        with use_backend(name):
            output, _ = Recurrent(cell, len(x), H)(x, tuple(s.to(dtype) for s in states), parameters=ours)
        gradients = torch.autograd.grad(output.square().mean(), list(ours.values()))
        found[name] = [output.detach(), *gradients]
    assert_agree(found["compiled"], found["reference"], share=2e-5)
