"""hydrodl2's HBV, whose licence is for non-commercial use: run beside ours where it is installed, and not read.

The equations are those of the papers that it names; that they are the same is what numbers and gradients show.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

import cellwright
from cellwright.cells import PER_SEQUENCE
from cellwright.cells.language import State, maximum, minimum, select
from rivals.missing import missing

NAME = "hydrodl2"
# In its order, by our names, with the ranges that a sigmoid is spread over.
RANGES = {
    "beta": (1, 6),
    "fc": (50, 1000),
    "k0": (0.05, 0.9),
    "k1": (0.01, 0.5),
    "k2": (0.001, 0.2),
    "lp": (0.2, 1),
    "perc": (0, 10),
    "uzl": (0, 100),
    "tt": (-2.5, 2.5),
    "cfmax": (0.5, 10),
    "cfr": (0, 0.1),
    "cwh": (0, 0.2),
}
ROUTING = 2  # parameters of its unit hydrograph, behind the others: what is compared comes before it
FILLED = 1e-3  # mm in every store on the first day


@cellwright.cell(
    inputs="precipitation temperature evaporation",
    parameters=dict.fromkeys(RANGES, PER_SEQUENCE),
    state="snow water soil upper lower",
    outputs="discharge",
)
def hbv_of_feng(x: Any, s: Any, p: Any) -> State:
    """HBV as Feng et al. 2022 have it, "Differentiable, learnable, regionalized process-based models …", after Beck.

    Beside the library's: what the soil cannot hold runs on, and the upper store gives its quick flow before the rest.
    """
    rain = select(x.temperature < p.tt, 0.0, x.precipitation)
    fallen = s.snow + x.precipitation - rain
    melt = minimum(p.cfmax * maximum(x.temperature - p.tt, 0), fallen)
    liquid = s.water + melt
    refrozen = minimum(p.cfr * p.cfmax * maximum(p.tt - x.temperature, 0), liquid)
    snow = fallen - melt + refrozen
    wet = liquid - refrozen
    released = maximum(wet - p.cwh * snow, 0)
    inflow = rain + released
    recharge = inflow * minimum(s.soil / p.fc, 1) ** p.beta
    moist = s.soil + inflow - recharge
    excess = maximum(moist - p.fc, 0)
    held = moist - excess
    actual = minimum(x.evaporation * minimum(held / (p.lp * p.fc), 1), held)
    filled = s.upper + recharge + excess
    percolation = minimum(filled, p.perc)
    above = filled - percolation
    quick = p.k0 * maximum(above - p.uzl, 0)
    rest = above - quick
    between = p.k1 * rest
    deep = s.lower + percolation
    slow = p.k2 * deep
    return State(
        snow=snow,
        water=wet - released,
        soil=maximum(held - actual, 1e-5),
        upper=rest - between,
        lower=deep - slow,
        discharge=quick + between + slow,
    )


def obstacle() -> str | None:
    """Why this cannot run, or None."""
    return missing(NAME)


def scaled(raw: Tensor, members: int) -> dict[str, Tensor]:
    """The parameters (B, members) of numbers without bounds (B, 12 · members + ROUTING), as it makes them."""
    shares = torch.sigmoid(raw[:, :-ROUTING]).unflatten(1, (len(RANGES), members))
    return {name: low + (high - low) * shares[:, k] for k, (name, (low, high)) in enumerate(RANGES.items())}


def prepare(weather: Mapping[str, Tensor], raw: Tensor, members: int) -> Callable[[], Tensor]:
    """The discharge (T, B, 1), the mean of the members, before its unit hydrograph, which it computes in any case."""
    import hydrodl2  # type: ignore[import-not-found, unused-ignore]

    kept = {"nmul": members, "warm_up": 0, "routing": True, "dynamic_params": {}}
    model = hydrodl2.load_model("hbv")(config=kept | {"variables": ["prcp", "tmean", "pet"]})
    given = {"x_phy": torch.cat([*weather.values()], -1)}
    return lambda: model(given, raw.expand(len(given["x_phy"]), -1, -1))["streamflow_no_rout"]
