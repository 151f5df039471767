"""Recurrences that look like no LSTM: a training step of each on our kernels, beside the loop that one would write.

python benchmarks/recurrences.py
python benchmarks/recurrences.py --threads 2

A training step is a forward and a backward pass, with the gradients of all that is learned or given. Medians taken in
turn, of results that are compared before. The loop is written as one writes it in PyTorch, one operation after the
other and a step at a time; what is a product over all steps is made once, before the loop. nn.GRU stands beside minGRU,
since it is what one would have taken otherwise.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

import cellwright
from cellwright.bench.timing import interleaved, others_at_work

DAYS, MEMBERS = 365, 16
RANGES = {
    "tt": (-1, 1),
    "cfmax": (1, 6),
    "sfcf": (0.7, 1.1),
    "cfr": (0.02, 0.08),
    "cwh": (0.05, 0.15),
    "fc": (100, 400),
    "lp": (0.4, 0.9),
    "beta": (1, 4),
    "perc": (0.5, 3),
    "uzl": (5, 50),
    "k0": (0.1, 0.5),
    "k1": (0.02, 0.2),
    "k2": (0.005, 0.05),
}
Step = Callable[[], Sequence[Tensor]]
_cotangents: dict[torch.Size, Tensor] = {}


def _with_gradients(output: Tensor, given: Sequence[Tensor]) -> Sequence[Tensor]:
    """The output, and the gradients for a cotangent that is drawn once: of no loss, whose time would be both sides'."""
    if output.shape not in _cotangents:
        _cotangents[output.shape] = torch.randn(output.shape)
    return output.detach(), *torch.autograd.grad(output, given, _cotangents[output.shape])


def hbv(catchments: int) -> dict[str, Step]:
    """A year of HBV with its parameters' gradients, MEMBERS sets of parameters a catchment."""
    rain = torch.relu(torch.randn(DAYS, catchments, 1) * 5)
    warmth = 8 * torch.sin(torch.arange(DAYS) / 58)[:, None, None] + torch.randn(DAYS, catchments, 1) * 3
    need = torch.rand(DAYS, catchments, 1) * 3
    p = {n: (torch.rand(catchments, MEMBERS) * (b - a) + a).requires_grad_() for n, (a, b) in RANGES.items()}
    layer = cellwright.Recurrent("hbv", 3, MEMBERS)

    def ours() -> Sequence[Tensor]:
        given = {"precipitation": rain, "temperature": warmth, "evaporation": need}
        flow, _ = layer(given, parameters=p)
        return _with_gradients(flow, [*p.values()])

    def loop() -> Sequence[Tensor]:
        flow = torch.stack(list(_hbv(rain, warmth, need, p)))
        return _with_gradients(flow, [*p.values()])

    return {"ours": ours, "loop": loop}


def _hbv(rain: Tensor, warmth: Tensor, need: Tensor, p: dict[str, Tensor]):  # type: ignore[no-untyped-def]
    """The discharge of each day, (B, H)."""
    snow = water = soil = upper = lower = torch.zeros_like(p["tt"])
    for falls, warm, asks in zip(rain, warmth, need, strict=True):
        cold = (warm < p["tt"]).to(warm.dtype)
        fallen = snow + cold * p["sfcf"] * falls
        melt = torch.minimum(p["cfmax"] * (warm - p["tt"]).clamp(min=0), fallen)
        liquid = water + melt
        refrozen = torch.minimum(p["cfr"] * p["cfmax"] * (p["tt"] - warm).clamp(min=0), liquid)
        snow = fallen - melt + refrozen
        wet = liquid - refrozen + (1 - cold) * falls
        water = torch.minimum(wet, p["cwh"] * snow)
        inflow = wet - water
        recharge = inflow * (soil / p["fc"]).clamp(1e-5, 1) ** p["beta"]
        moist = soil + inflow - recharge
        soil = moist - torch.minimum(asks * (moist / (p["lp"] * p["fc"])).clamp(max=1), moist)
        filled = upper + recharge
        down = torch.minimum(p["perc"], filled)
        above = filled - down
        quick = torch.minimum(p["k0"] * (above - p["uzl"]).clamp(min=0) + p["k1"] * above, above)
        upper, held = above - quick, lower + down
        lower = held - p["k2"] * held
        yield quick + p["k2"] * held


def _of_layer(layer: nn.Module, x: Tensor) -> Step:
    def step() -> Sequence[Tensor]:
        output = layer(x)[0]
        return _with_gradients(output, list(layer.parameters()))

    return step


def mingru(batch: int, units: int) -> dict[str, Step]:
    """minGRU over 200 steps, beside its loop and torch.nn's GRU of the same sizes."""
    layer, x = cellwright.Recurrent("mingru", units, units), torch.randn(200, batch, units)

    def loop() -> Sequence[Tensor]:
        z, n = nn.functional.linear(x, layer.weight_ih_l0, layer.bias_ih_l0).chunk(2, -1)
        h, outputs = x.new_zeros(batch, units), []
        for open_, candidate in zip(torch.sigmoid(z), n, strict=True):
            h = torch.lerp(h, candidate, open_)
            outputs.append(h)
        output = torch.stack(outputs)
        return _with_gradients(output, list(layer.parameters()))

    return {"ours": _of_layer(layer, x), "loop": loop, "nn.GRU": _of_layer(nn.GRU(units, units), x)}


class _Spike(torch.autograd.Function):
    """A step whose gradient is that of atan, with a slope of 2."""

    @staticmethod
    def forward(ctx, v):  # type: ignore[no-untyped-def]
        ctx.save_for_backward(v)
        return (v > 0).to(v.dtype)

    @staticmethod
    def backward(ctx, d):  # type: ignore[no-untyped-def]
        (v,) = ctx.saved_tensors
        return d / (1 + (torch.pi * v) ** 2)


def lif(batch: int, units: int) -> dict[str, Step]:
    """Leaky integrate-and-fire neurons over 100 steps."""
    layer, x = cellwright.Recurrent("lif", units, units), 2 * torch.randn(100, batch, units)

    def loop() -> Sequence[Tensor]:
        current = nn.functional.linear(x, layer.weight_ih_l0, layer.bias_ih_l0)
        v, outputs = x.new_zeros(batch, units), []
        for i in current:
            v = 0.9 * v + i - (v > 1).to(v.dtype)
            outputs.append(_Spike.apply(v - 1))  # type: ignore[no-untyped-call]
        output = torch.stack(outputs)
        return _with_gradients(output, list(layer.parameters()))

    return {"ours": _of_layer(layer, x), "loop": loop}


CASES: dict[str, Callable[[], dict[str, Step]]] = {
    f"hbv, {DAYS} days, 100 catchments, {MEMBERS} members": lambda: hbv(100),
    f"hbv, {DAYS} days, 1,000 catchments, {MEMBERS} members": lambda: hbv(1000),
    "mingru, 200 steps, batch 32, 128 units": lambda: mingru(32, 128),
    "mingru, 200 steps, batch 32, 256 units": lambda: mingru(32, 256),
    "lif, 100 steps, batch 64, 128 units": lambda: lif(64, 128),
}


def differs(one: Sequence[Tensor], other: Sequence[Tensor]) -> float:
    """By how much, as a share of each tensor's largest number."""
    return max(float((a - b).abs().max() / b.abs().max().clamp(min=1e-30)) for a, b in zip(one, other, strict=True))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--threads", type=int, default=1, help="threads of the arithmetic (1)")
    torch.set_num_threads(parser.parse_args().threads)
    torch.manual_seed(0)
    if doubt := others_at_work():
        print(doubt)
    print(
        "| a training step | ours, ms | the loop | nn.GRU | largest difference |\n| --- | ---: | ---: | ---: | ---: |"
    )
    for name, make in CASES.items():
        steps = make()
        error = differs(steps["ours"](), steps["loop"]())
        assert error < 1e-3, f"{name}: the results differ by {error:.1e}"
        times = interleaved(steps, 7, 6.0)
        base = times["ours"].median
        ratios = [f"{times[n].median / base:.1f} times" if n in times else "" for n in ("loop", "nn.GRU")]
        print(f"| {name} | {base * 1e3:.3g} | " + " | ".join(ratios) + f" | {error:.0e} |", flush=True)
