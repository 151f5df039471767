"""HBV, a conceptual model of a catchment."""

from typing import Any

from cellwright.cells.definition import PER_SEQUENCE, cell
from cellwright.cells.language import State, maximum, minimum, select

PARAMETERS = "tt cfmax sfcf cfr cwh fc lp beta perc uzl k0 k1 k2"
DRY = 1e-5  # the least share of the soil that is wet: of none, a power has no gradient


@cell(
    inputs="precipitation temperature evaporation",
    parameters=dict.fromkeys(PARAMETERS.split(), PER_SEQUENCE),
    state="snow water soil upper lower",
    outputs="discharge actual",
)
def hbv(x: Any, s: Any, p: Any) -> State:
    """HBV: from precipitation, temperature (°C) and potential evaporation to discharge, mm a day.

    Seibert and Vis 2012, "Teaching hydrological modeling with a user-friendly catchment-runoff-model software package",
    section 2, without its last routine, which spreads the discharge over the days that follow. The parameters, theirs,
    come with the call. Snow and soil are routed in the order of the paper: precipitation is snow below tt; a day melts
    cfmax · (T − tt) and refreezes cfr · cfmax · (tt − T); of what is liquid cwh · snow is held; what is not runs into
    the soil, of which (soil / fc)^beta goes on to the upper store; the soil evaporates at full rate above lp · fc.

        below_t = 1 if tt > temperature_t else 0
        fallen_t = snow_{t−1} + below_t · sfcf · precipitation_t
        melt_t = min(cfmax · max(temperature_t − tt, 0), fallen_t)
        liquid_t = water_{t−1} + melt_t
        refrozen_t = min(cfr · cfmax · max(tt − temperature_t, 0), liquid_t)
        snow_t = fallen_t − melt_t + refrozen_t
        wet_t = liquid_t − refrozen_t + (1 − below_t) · precipitation_t
        water_t = min(wet_t, cwh · snow_t)
        inflow_t = wet_t − water_t
        share_t = min(max(soil_{t−1} / fc, 1e−05), 1)
        recharge_t = inflow_t · share_t^β
        moist_t = soil_{t−1} + inflow_t − recharge_t
        actual_t = min(evaporation_t · min(moist_t / (lp · fc), 1), moist_t)
        soil_t = moist_t − actual_t
        filled_t = upper_{t−1} + recharge_t
        percolation_t = min(perc, filled_t)
        above_t = filled_t − percolation_t
        quick_t = min(k0 · max(above_t − uzl, 0) + k1 · above_t, above_t)
        held_t = lower_{t−1} + percolation_t
        slow_t = k2 · held_t
        discharge_t = quick_t + slow_t
        upper_t = above_t − quick_t
        lower_t = held_t − slow_t
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
    recharge = inflow * share**p.beta
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
