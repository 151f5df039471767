"""HBV, a conceptual model of a catchment."""

from typing import Any

from cellwright.cells.definition import PER_SEQUENCE, cell
from cellwright.cells.language import State, exp, log, maximum, minimum, select

PARAMETERS = "tt cfmax sfcf cfr cwh fc lp beta perc uzl k0 k1 k2"
DRY = 1e-5  # the least share of the soil that is wet, whose logarithm there is


@cell(
    inputs="precipitation temperature evaporation",
    parameters=dict.fromkeys(PARAMETERS.split(), PER_SEQUENCE),
    state="snow water soil upper lower",
    outputs="discharge actual snow soil",
)
def hbv(x: Any, s: Any, p: Any) -> State:
    """HBV: from precipitation, temperature (°C) and potential evaporation to discharge, mm a day.

    Seibert and Vis 2012, "Teaching hydrological modeling with a user-friendly catchment-runoff-model software package",
    section 2, without its last routine, which spreads the discharge over the days that follow. The parameters, theirs,
    come with the call. Snow and soil are routed in the order of the paper: precipitation is snow below tt; a day melts
    cfmax · (T − tt) and refreezes cfr · cfmax · (tt − T); of what is liquid cwh · snow is held; what is not runs into
    the soil, of which (soil / fc)^beta goes on to the upper store; the soil evaporates at full rate above lp · fc.
    """
    below = select(x.temperature < p.tt, 1.0, 0.0)
    fallen = s.snow + below * p.sfcf * x.precipitation
    melt = minimum(p.cfmax * maximum(x.temperature - p.tt, 0), fallen)
    liquid = s.water + melt
    refrozen = minimum(p.cfr * p.cfmax * maximum(p.tt - x.temperature, 0), liquid)
    snow = fallen - melt + refrozen
    wet = liquid - refrozen + (1 - below) * x.precipitation
    water = minimum(wet, p.cwh * snow)
    inflow = wet - water

    share = minimum(maximum(s.soil / p.fc, DRY), 1)
    recharge = inflow * exp(p.beta * log(share))
    moist = s.soil + inflow - recharge
    actual = minimum(x.evaporation * minimum(moist / (p.lp * p.fc), 1), moist)
    soil = moist - actual

    filled = s.upper + recharge
    percolation = minimum(p.perc, filled)
    above = filled - percolation
    quick = minimum(p.k0 * maximum(above - p.uzl, 0) + p.k1 * above, above)
    held = s.lower + percolation
    slow = p.k2 * held
    discharge = quick + slow
    return State(
        snow=snow, water=water, soil=soil, upper=above - quick, lower=held - slow, discharge=discharge, actual=actual
    )
