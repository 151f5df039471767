"""Calibrate a model of a thousand catchments at once.

    python examples/hydrology.py            a thousand catchments: some minutes on two cores
    python examples/hydrology.py 50         fifty

Each catchment has weather and parameters of its own, from which HBV (`cellwright cells show hbv`) makes its discharge
and its evaporation. Its parameters are then found again from the two and the weather: from STARTS places by gradients,
and from the best of these by Gauss and Newton, whose derivatives are further sets of parameters in the same call.
Catchments whose discharge is not met begin anew. Real data have noise, and do not tell all: these are made so that
they do, and what shows is that the calibration finds it. The threshold of snow is 0 °C: its discharge has jumps there.
"""

import sys
import time

import torch
from torch import Tensor

import cellwright

DAYS, STARTS, STEPS, REFINEMENTS, ROUNDS = 3 * 365, 4, 60, 30, 4
MET = 1e-9  # the mean square of what is missed, in variances, below which a catchment is calibrated
NUDGE = 1e-5
RANGES = {
    "cfmax": (1.5, 6.0),
    "sfcf": (0.6, 1.1),
    "cfr": (0.02, 0.1),
    "cwh": (0.05, 0.2),
    "fc": (100.0, 400.0),
    "lp": (0.4, 0.9),
    "beta": (1.2, 4.0),
    "perc": (0.5, 3.0),
    "uzl": (5.0, 40.0),
    "k0": (0.1, 0.5),
    "k1": (0.05, 0.2),
    "k2": (0.005, 0.04),
}
Days = dict[str, Tensor]


def draw_weather(catchments: int) -> Days:
    """Showers, seasons of warmth, and what could evaporate in them, (DAYS, catchments) each."""
    season = torch.sin(2 * torch.pi * torch.arange(DAYS) / 365)[:, None].double()
    rain = torch.rand(DAYS, catchments).lt(0.4) * torch.empty(DAYS, catchments).exponential_(1 / 9)
    warmth = 5 + 9 * season + 3 * torch.randn(DAYS, catchments)
    return {"precipitation": rain.double(), "temperature": warmth, "evaporation": (2 + 1.8 * season).expand_as(warmth)}


def hbv(weather: Days, free: Tensor) -> Tensor:
    """Discharge, then evaporation (2 · DAYS, B, S), of S sets of parameters a catchment: numbers (12, B, S).

    A sigmoid of each is its place in its range.
    """
    places = torch.sigmoid(free)
    values = {name: low + (high - low) * places[k] for k, (name, (low, high)) in enumerate(RANGES.items())}
    layer = cellwright.Recurrent("hbv", input_size=3, hidden_size=free.shape[-1], dtype=torch.float64)
    _, _, made = layer(weather, parameters=values | {"tt": torch.zeros_like(values["fc"])}, return_outputs=True)
    return torch.cat([made["discharge"], made["actual"]])


def descend(weather: Days, seen: Tensor, scale: Tensor) -> Tensor:
    """The best (12, B) of STARTS places, after STEPS steps of Adam from each."""
    free = torch.randn(len(RANGES), seen.shape[1], STARTS, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.Adam([free], lr=0.15)
    for _ in range(STEPS):
        missed = ((hbv(weather, free) - seen) / scale).square().mean(0)
        optimizer.zero_grad()
        missed.sum().backward()
        optimizer.step()
    return free.detach()[:, torch.arange(seen.shape[1]), missed.argmin(-1)]


@torch.no_grad()
def refine(weather: Days, seen: Tensor, scale: Tensor, free: Tensor) -> tuple[Tensor, Tensor]:
    """Levenberg and Marquardt's steps from (12, B): where they end, and the mean square of what is missed (B,)."""

    def look(free: Tensor) -> tuple[Tensor, Tensor]:
        """What is missed (2 · DAYS, B), and its derivatives (2 · DAYS, B, 12)."""
        nudged = torch.cat([torch.zeros(len(free), 1), NUDGE * torch.eye(len(free))], 1).double()
        missed = (hbv(weather, free[..., None] + nudged[:, None]) - seen) / scale
        return missed[..., 0], (missed[..., 1:] - missed[..., :1]) / NUDGE

    missed, slopes = look(free)
    caution = torch.full_like(missed[0], 1e-2)
    for _ in range(REFINEMENTS):
        curve = torch.einsum("tbk,tbl->bkl", slopes, slopes)
        held = torch.diag_embed(curve.diagonal(dim1=1, dim2=2) * caution[:, None] + 1e-9)
        step = torch.linalg.solve(curve + held, -torch.einsum("tbk,tb->bk", slopes, missed)).T.clamp(-1, 1)
        then, slopes_then = look(free + step)
        better = then.square().sum(0) < missed.square().sum(0)
        free, missed = torch.where(better, free + step, free), torch.where(better, then, missed)
        slopes = torch.where(better[:, None], slopes_then, slopes)
        caution = torch.where(better, caution / 5, caution * 4).clamp(1e-9, 1e4)
    return free, missed.square().mean(0)


def calibrate(weather: Days, seen: Tensor) -> tuple[Tensor, Tensor]:
    """The numbers (12, B) that meet what was seen, and the mean square of what is still missed (B,)."""
    scale = seen.unflatten(0, (2, DAYS)).std(1).repeat_interleave(DAYS, 0)[..., None]
    found, missed = torch.zeros(len(RANGES), seen.shape[1]).double(), torch.full(seen.shape[1:2], torch.inf).double()
    for _ in range(ROUNDS):
        (open_,) = torch.nonzero(missed > MET, as_tuple=True)
        if len(open_):
            days, now, by = {name: days[:, open_] for name, days in weather.items()}, seen[:, open_], scale[:, open_]
            near = descend(days, now[..., None], by)
            free, left = refine(days, now[..., None], by, near)
            better = left < missed[open_]
            found[:, open_[better]], missed[open_[better]] = free[:, better], left[better]
    return found, missed


def main(catchments: int = 1000) -> float:
    """Make the data, calibrate, and say how near the parameters are; the share that is within 2 % of its range."""
    torch.manual_seed(0)
    weather = draw_weather(catchments)
    true = torch.empty(len(RANGES), catchments, 1).double().uniform_(-2, 2)
    seen = hbv(weather, true)[..., 0]
    begin = time.perf_counter()
    found, missed = calibrate(weather, seen)
    away = (torch.sigmoid(found) - torch.sigmoid(true[..., 0])).abs()
    print(f"{catchments:,} catchments, {DAYS:,} days, calibrated in {time.perf_counter() - begin:.0f} s")
    for name, error in zip(RANGES, away, strict=True):
        print(
            f"  {name:6} within 2 % of its range in {(error < 0.02).double().mean():.1%}, median {error.median():.1e}"
        )
    print(f"discharge is met in {(missed <= MET).double().mean():.1%} of the catchments")
    share = float((away < 0.02).double().mean())
    print(f"{share:.1%} of all parameters are within 2 % of their range")
    return share


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
