"""Recurrences that look like no LSTM: a training step of each on our kernels, beside the loop that one would write.

python benchmarks/recurrences.py
python benchmarks/recurrences.py --threads 2
python benchmarks/recurrences.py hbv slstm      cases whose names begin so

A training step is a forward and a backward pass, with the gradients of all that is learned or given. Medians taken in
turn, of results that are compared before. The loop is written as one writes it in PyTorch, one operation after the
other and a step at a time; what is a product over all steps is made once, before the loop. nn.GRU stands beside minGRU,
since it is what one would have taken otherwise.

The libraries that people take for such recurrences stand beside them where they are installed, each on the equations
that it computes (`rivals/`): the same weights, the same output and gradients, compared before. They go into an
environment of their own; hydrodl2's licence is for non-commercial use:

    pip install hydrodl2==1.4.0 minGRU-pytorch==0.2.1 snntorch==1.0.0 xlstm==2.0.6 torchrl==0.14.1 hoptorch

TorchRL's GRU stands beside block-gru as nn.GRU beside minGRU: it has no layer normalisation and no blocks, and is what
one would have taken otherwise.

Where a step has no product, the memory bounds it. What it must move is each number a unit that is read or written in
either pass: outputs, their cotangents, inputs and their gradients, and states, which are kept. The bound is the time in
which torch copies as much within memory that is there already. Freed memory is kept, as `cellwright fit` keeps it: a
fault for each page of what a step saves may take as long as the step.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from types import ModuleType

import torch
from torch import Tensor, nn

import cellwright
from cellwright.allocator import keep_freed_memory
from cellwright.bench.timing import Spread, interleaved, others_at_work
from rivals import hydrodl2_hbv, mingru_pytorch, snntorch_leaky, torchrl_scan, xlstm_slstm

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
RANGES_OF_GR4J = {"x1": (100, 1200), "x2": (-5, 3), "x3": (20, 300), "x4": (1.1, 2.9)}
LIBRARIES = (hydrodl2_hbv, mingru_pytorch, snntorch_leaky, xlstm_slstm, torchrl_scan)
MEMORY = "the memory"
NOT_COMPARED = ("ours", "nn.GRU", MEMORY, torchrl_scan.NAME)
Step = Callable[[], Sequence[Tensor]]
_cotangents: dict[torch.Size, Tensor] = {}


def _with_gradients(output: Tensor, given: Sequence[Tensor]) -> Sequence[Tensor]:
    """The output, and the gradients for a cotangent that is drawn once: of no loss, whose time would be both sides'."""
    if output.shape not in _cotangents:
        _cotangents[output.shape] = torch.randn(output.shape)
    return output.detach(), *torch.autograd.grad(output, given, _cotangents[output.shape])


def _moving(arrays: int, *shape: int) -> dict[str, Step]:
    """What reads or writes so many arrays of numbers of that shape, and computes nothing."""
    numbers = torch.zeros(2, arrays * math.prod(shape) // 2)

    def copy() -> Sequence[Tensor]:
        numbers[0].copy_(numbers[1])
        return ()

    return {MEMORY: copy}


def _weather(catchments: int) -> dict[str, Tensor]:
    """Rain, temperature and what would evaporate, (DAYS, catchments, 1) each."""
    rain = torch.relu(torch.randn(DAYS, catchments, 1) * 10)
    warmth = 8 * torch.sin(torch.arange(DAYS) / 58)[:, None, None] + torch.randn(DAYS, catchments, 1) * 3
    return {"precipitation": rain, "temperature": warmth, "evaporation": torch.rand(DAYS, catchments, 1) * 3}


def hbv(catchments: int) -> dict[str, Step]:
    """A year of HBV with its parameters' gradients, MEMBERS sets of parameters a catchment."""
    given = _weather(catchments)
    p = {n: (torch.rand(catchments, MEMBERS) * (b - a) + a).requires_grad_() for n, (a, b) in RANGES.items()}
    layer = cellwright.Recurrent("hbv", 3, MEMBERS)

    def ours() -> Sequence[Tensor]:
        flow, _ = layer(given, parameters=p)
        return _with_gradients(flow, [*p.values()])

    def loop() -> Sequence[Tensor]:
        flow = torch.stack(list(_hbv(*given.values(), p)))
        return _with_gradients(flow, [*p.values()])

    # the discharge and its cotangent, and each state written and read
    return {"ours": ours, "loop": loop} | _moving(2 + 2 * len(layer.cell.states), DAYS, catchments, MEMBERS)


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


def gr4j(catchments: int) -> dict[str, Step]:
    """A year of GR4J with its parameters' gradients, MEMBERS sets of parameters a catchment."""
    weather = _weather(catchments)
    given = {"precipitation": weather["precipitation"], "evaporation": weather["evaporation"]}
    ranges = RANGES_OF_GR4J.items()
    p = {n: (torch.rand(catchments, MEMBERS) * (b - a) + a).requires_grad_() for n, (a, b) in ranges}
    layer = cellwright.Recurrent("gr4j", 2, MEMBERS)

    def ours() -> Sequence[Tensor]:
        flow, _ = layer(given, parameters=p)
        return _with_gradients(flow, [*p.values()])

    def loop() -> Sequence[Tensor]:
        return _with_gradients(torch.stack(list(_gr4j(*given.values(), **p))), [*p.values()])

    return {"ours": ours, "loop": loop} | _moving(2 + 2 * len(layer.cell.states), DAYS, catchments, MEMBERS)


def _gr4j(rain: Tensor, need: Tensor, x1: Tensor, x2: Tensor, x3: Tensor, x4: Tensor):  # type: ignore[no-untyped-def]
    """The discharge of each day, (B, H), the shares of the hydrographs made once.

    Many arguments: the weather, and the model's parameters.
    """
    days = torch.arange(9.0).view(9, 1, 1) / x4
    first = days[:5].clamp(max=1) ** 2.5
    second = 0.5 * (days.clamp(max=1) ** 2.5 + 1 - (2 - days).clamp(0, 1) ** 2.5)
    first, second = 0.9 * first.diff(dim=0), 0.1 * second.diff(dim=0)
    production = routing = torch.zeros_like(x1)
    past = [production] * 8
    for falls, asks in zip(rain, need, strict=True):
        net, level = falls - asks, production / x1
        wet, dry = torch.tanh(net.clamp(min=0) / x1), torch.tanh((-net).clamp(min=0) / x1)
        stored = x1 * (1 - level**2) * wet / (1 + level * wet)
        filled = production + stored - production * (2 - level) * dry / (1 + (1 - level) * dry)
        leaves = filled * (1 - (1 + (4 / 9 * filled / x1) ** 4) ** -0.25)
        production = filled - leaves
        past = [leaves + net.clamp(min=0) - stored, *past[:7]]
        q9 = sum(share * r for share, r in zip(first, past[:4], strict=True))
        q1 = sum(share * r for share, r in zip(second, past, strict=True))
        exchange = x2 * (routing / x3) ** 3.5
        held = (routing + q9 + exchange).clamp(min=0)
        slow = held * (1 - (1 + (held / x3) ** 4) ** -0.25)
        routing = held - slow
        yield slow + (q1 + exchange).clamp(min=0)


def hydrodl2(catchments: int) -> dict[str, Step]:
    """A year of hydrodl2's HBV, from numbers without bounds to the mean of MEMBERS sets of parameters a catchment."""
    weather, rival = _weather(catchments), hydrodl2_hbv
    raw = torch.randn(catchments, len(rival.RANGES) * MEMBERS + rival.ROUTING, requires_grad=True)
    layer = cellwright.Recurrent(rival.hbv_of_feng, 3, MEMBERS)
    filled = tuple(torch.full((1, catchments, MEMBERS), rival.FILLED) for _ in layer.cell.states)

    def ours() -> Sequence[Tensor]:
        flow, _ = layer(weather, filled, parameters=rival.scaled(raw, MEMBERS))
        return _with_gradients(flow.mean(-1, keepdim=True), [raw])

    return {"ours": ours} | _beside(rival, lambda: _of(rival.prepare(weather, raw, MEMBERS), [raw]))


def _beside(library: ModuleType, prepare: Callable[[], Step]) -> dict[str, Step]:
    """A library's step, where it is installed."""
    return {} if library.obstacle() else {library.NAME: prepare()}


def _of(forward: Callable[[], Tensor], learned: Sequence[Tensor]) -> Step:
    return lambda: _with_gradients(forward(), learned)


def _of_layer(layer: nn.Module, x: Tensor) -> Step:
    return _of(lambda: layer(x)[0], list(layer.parameters()))


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


def positive_mingru(batch: int, units: int) -> dict[str, Step]:
    """minGRU over 200 steps as minGRU-pytorch has it: without biases, its candidate above 0."""
    layer = cellwright.Recurrent(mingru_pytorch.positive_mingru, units, units, bias=False, batch_first=True)
    x = torch.randn(batch, 200, units)
    prepare = mingru_pytorch.prepare
    return {"ours": _of_layer(layer, x)} | _beside(mingru_pytorch, lambda: _of(*prepare(layer.weight_ih_l0, x)))


def slstm(batch: int, units: int) -> dict[str, Step]:
    """sLSTM of four heads over 100 steps."""
    layer, x = cellwright.Recurrent("slstm", units, units, heads=4), torch.randn(100, batch, units)

    def theirs() -> Step:
        step = _of(*xlstm_slstm.prepare(layer, x))
        return lambda: xlstm_slstm.as_ours(*step())

    return {"ours": _of_layer(layer, x)} | _beside(xlstm_slstm, theirs)


def block_gru(batch: int, units: int) -> dict[str, Step]:
    """The block GRU of world models, of eight heads, over 100 steps, beside its loop and the GRU that TorchRL has."""
    layer, x = cellwright.Recurrent("block-gru", units, units, heads=8), torch.randn(100, batch, units)

    def loop() -> Sequence[Tensor]:
        own = layer.weight_hh_l0.view(3, 8, units // 8, units // 8)
        h, outputs = x.new_zeros(batch, units), []
        for now in nn.functional.linear(x, layer.weight_ih_l0):
            through = torch.einsum("bki,gkji->bgkj", h.view(batch, 8, -1), own).flatten(1)
            both = nn.functional.layer_norm(now + through, [3 * units], layer.gamma_l0, layer.beta_l0)
            reset, update, candidate = both.chunk(3, -1)
            h = torch.lerp(h, torch.tanh(torch.sigmoid(reset) * candidate), torch.sigmoid(update - 1))
            outputs.append(h)
        return _with_gradients(torch.stack(outputs), list(layer.parameters()))

    theirs = x.transpose(0, 1).contiguous()
    return {"ours": _of_layer(layer, x), "loop": loop} | _beside(
        torchrl_scan, lambda: _of(*torchrl_scan.prepare(theirs, units))
    )


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
    """Leaky integrate-and-fire neurons over 100 steps, on currents that a matrix makes of all steps at once."""
    layer, x = cellwright.Recurrent("lif", units, units), 2 * torch.randn(100, batch, units)
    learned = list(layer.parameters())

    def currents() -> Tensor:
        return nn.functional.linear(x, layer.weight_ih_l0, layer.bias_ih_l0)

    beside = _beside(snntorch_leaky, lambda: _of_neurons(snntorch_leaky.prepare(), currents, learned))
    return {"ours": _of_layer(layer, x), "loop": _of_neurons(_spikes, currents, learned)} | beside


def leaky(batch: int, units: int) -> dict[str, Step]:
    """The neurons alone, which is what snnTorch has, with the gradient of the currents."""
    layer, x = cellwright.Recurrent(snntorch_leaky.leaky, units, units), torch.randn(100, batch, units)
    x.requires_grad_()
    beside = _beside(snntorch_leaky, lambda: _of_neurons(snntorch_leaky.prepare(), lambda: x, [x]))
    # spikes and their cotangent, the potential written and read, the currents read twice, and their gradient
    beside |= _moving(7, *x.shape)
    return {"ours": _of(lambda: layer(x)[0], [x]), "loop": _of_neurons(_spikes, lambda: x, [x])} | beside


def _of_neurons(spikes: Callable[[Tensor], Tensor], currents: Callable[[], Tensor], learned: Sequence[Tensor]) -> Step:
    return _of(lambda: spikes(currents()), learned)


def _spikes(currents: Tensor) -> Tensor:
    v, outputs = torch.zeros_like(currents[0]), []
    for i in currents:
        v = 0.9 * v + i - (v > 1).to(v.dtype)
        outputs.append(_Spike.apply(v - 1))  # type: ignore[no-untyped-call]
    return torch.stack(outputs)


CASES: dict[str, Callable[[], dict[str, Step]]] = {
    f"hbv, {DAYS} days, 100 catchments, {MEMBERS} members": lambda: hbv(100),
    f"hbv, {DAYS} days, 1,000 catchments, {MEMBERS} members": lambda: hbv(1000),
    f"hydrodl2's hbv, {DAYS} days, 100 catchments, {MEMBERS} members": lambda: hydrodl2(100),
    f"hydrodl2's hbv, {DAYS} days, 1,000 catchments, {MEMBERS} members": lambda: hydrodl2(1000),
    f"gr4j, {DAYS} days, 100 catchments, {MEMBERS} members": lambda: gr4j(100),
    f"gr4j, {DAYS} days, 1,000 catchments, {MEMBERS} members": lambda: gr4j(1000),
    "mingru, 200 steps, batch 32, 128 units": lambda: mingru(32, 128),
    "mingru, 200 steps, batch 32, 256 units": lambda: mingru(32, 256),
    "positive mingru, 200 steps, batch 32, 128 units": lambda: positive_mingru(32, 128),
    "positive mingru, 200 steps, batch 32, 256 units": lambda: positive_mingru(32, 256),
    "lif, 100 steps, batch 64, 128 units": lambda: lif(64, 128),
    "leaky neurons alone, 100 steps, batch 64, 128 units": lambda: leaky(64, 128),
    "slstm, 4 heads, 100 steps, batch 32, 256 units": lambda: slstm(32, 256),
    "block-gru, 8 heads, 100 steps, batch 32, 256 units": lambda: block_gru(32, 256),
    "block-gru, 8 heads, 100 steps, batch 16, 512 units": lambda: block_gru(16, 512),
}


def differs(one: Sequence[Tensor], other: Sequence[Tensor]) -> float:
    """By how much, as a share of each tensor's largest number."""
    return max(float((a - b).abs().max() / b.abs().max().clamp(min=1e-30)) for a, b in zip(one, other, strict=True))


def compared(name: str, steps: Mapping[str, Step]) -> float:
    """The largest difference of ours to those that compute the same, once each has run."""
    ours = steps["ours"]()
    errors = {other: differs(ours, step()) for other, step in steps.items() if other not in NOT_COMPARED}
    for other, error in errors.items():
        assert error < 1e-3, f"{name}: ours and {other} differ by {error:.1e}"
    return max(errors.values())


def row(name: str, times: Mapping[str, Spread], error: float) -> str:
    """A line of the table."""
    base = times["ours"].median
    ratios = {other: f"{found.median / base:.3g} times" for other, found in times.items()}
    libraries = [f"{n} {version(n)}: {ratios[n]}" for n in (library.NAME for library in LIBRARIES) if n in ratios]
    bound = f"{base / times[MEMORY].median:.2g} times" if MEMORY in times else ""
    columns = [f"{base * 1e3:.3g}", ratios.get("loop", ""), ratios.get("nn.GRU", ""), *(libraries or [""]), bound]
    return f"| {name} | {' | '.join(columns)} | {error:.0e} |"


def main(names: Sequence[str]) -> None:
    """Print a line for each case that has something beside it."""
    for library in LIBRARIES:
        if obstacle := library.obstacle():
            print(f"{obstacle}: left out")
    print("| a training step | ours, ms | the loop | nn.GRU | a library | by the memory's bound | largest difference |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for name, make in CASES.items():
        steps = make() if name.startswith(tuple(names)) or not names else {}
        if len(steps) > 1:
            error = compared(name, steps)
            print(row(name, interleaved(steps, 7, 6.0), error), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", help="how the names of the cases begin that are run (all)")
    parser.add_argument("--threads", type=int, default=1, help="threads of the arithmetic (1)")
    arguments = parser.parse_args()
    keep_freed_memory()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    if doubt := others_at_work():
        print(doubt)
    main(arguments.names)
