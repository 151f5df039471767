"""GR4J, a conceptual model of a catchment with four parameters."""

from typing import Any

from cellwright.cells.definition import PER_SEQUENCE, cell
from cellwright.cells.language import State, maximum, minimum, tanh


@cell(
    inputs="precipitation evaporation",
    parameters=dict.fromkeys(("x1", "x2", "x3", "x4"), PER_SEQUENCE),
    state="production routing r_1 r_2 r_3 r_4 r_5 r_6 r_7",
    outputs="discharge actual",
)
def gr4j(x: Any, s: Any, p: Any) -> State:
    """GR4J: from precipitation and potential evaporation to discharge, mm a day, by four parameters.

    Perrin, Michel and Andréassian 2003, "Improvement of a parsimonious model for streamflow simulation", section 2. The
    parameters, theirs, come with the call: x1 and x3 what the production and the routing store hold (mm), x2 what
    groundwater gives or takes (mm a day), x4 the time base of the unit hydrographs (days). What leaves the production
    store on a day, r, arrives on that day and those that follow: nine tenths, q9, by the first hydrograph, of which a_k
    has arrived after k days, the rest, q1, by the second, b_k; r_k is the r of k days before. An x4 of more than 4 days
    counts as 4. Long: one equation a line.

        net_t = precipitation_t − evaporation_t
        rain_t = max(net_t, 0)
        wet_t = tanh(rain_t / x1)
        dry_t = tanh(max(−net_t, 0) / x1)
        level_t = production_{t−1} / x1
        stored_t = x1 · (1 − level_t^2) · wet_t / (1 + level_t · wet_t)
        taken_t = production_{t−1} · (2 − level_t) · dry_t / (1 + (1 − level_t) · dry_t)
        filled_t = production_{t−1} + stored_t − taken_t
        percolation_t = filled_t · (1 − (1 + (4 · filled_t / (9 · x1))^4)^(−0.25))
        r_t = percolation_t + rain_t − stored_t
        base = min(x4, 4)
        a_1 = min(1 / base, 1)^2.5
        a_2 = min(2 / base, 1)^2.5
        a_3 = min(3 / base, 1)^2.5
        b_1 = 0.5 · (a_1 + 1 − max(min(2 − 1 / base, 1), 0)^2.5)
        b_2 = 0.5 · (a_2 + 1 − max(min(2 − 2 / base, 1), 0)^2.5)
        b_3 = 0.5 · (a_3 + 1 − max(min(2 − 3 / base, 1), 0)^2.5)
        b_4 = 1 − 0.5 · max(2 − 4 / base, 0)^2.5
        b_5 = 1 − 0.5 · max(2 − 5 / base, 0)^2.5
        b_6 = 1 − 0.5 · max(2 − 6 / base, 0)^2.5
        b_7 = 1 − 0.5 · max(2 − 7 / base, 0)^2.5
        early_t = b_1 · r_t + (b_2 − b_1) · r_{1,t−1} + (b_3 − b_2) · r_{2,t−1} + (b_4 − b_3) · r_{3,t−1}
        late_t = (b_5 − b_4) · r_{4,t−1} + (b_6 − b_5) · r_{5,t−1} + (b_7 − b_6) · r_{6,t−1} + (1 − b_7) · r_{7,t−1}
        q9_t = 0.9 · (a_1 · r_t + (a_2 − a_1) · r_{1,t−1} + (a_3 − a_2) · r_{2,t−1} + (1 − a_3) · r_{3,t−1})
        q1_t = 0.1 · (early_t + late_t)
        exchange_t = x2 · (routing_{t−1} / x3)^3.5
        held_t = max(routing_{t−1} + q9_t + exchange_t, 0)
        slow_t = held_t · (1 − (1 + (held_t / x3)^4)^(−0.25))
        discharge_t = slow_t + max(q1_t + exchange_t, 0)
        actual_t = min(precipitation_t, evaporation_t) + taken_t
        production_t = filled_t − percolation_t
        routing_t = held_t − slow_t
        r_{1,t} = r_t
        r_{2,t} = r_{1,t−1}
        r_{3,t} = r_{2,t−1}
        r_{4,t} = r_{3,t−1}
        r_{5,t} = r_{4,t−1}
        r_{6,t} = r_{5,t−1}
        r_{7,t} = r_{6,t−1}
    """
    net = x.precipitation - x.evaporation
    rain = maximum(net, 0)
    wet = tanh(rain / p.x1)
    dry = tanh(maximum(-net, 0) / p.x1)
    level = s.production / p.x1
    stored = p.x1 * (1 - level**2) * wet / (1 + level * wet)
    taken = s.production * (2 - level) * dry / (1 + (1 - level) * dry)
    filled = s.production + stored - taken
    percolation = filled * (1 - (1 + (4 * filled / (9 * p.x1)) ** 4) ** -0.25)
    r = percolation + rain - stored

    base = minimum(p.x4, 4)
    a_1 = minimum(1 / base, 1) ** 2.5
    a_2 = minimum(2 / base, 1) ** 2.5
    a_3 = minimum(3 / base, 1) ** 2.5
    b_1 = 0.5 * (a_1 + 1 - maximum(minimum(2 - 1 / base, 1), 0) ** 2.5)
    b_2 = 0.5 * (a_2 + 1 - maximum(minimum(2 - 2 / base, 1), 0) ** 2.5)
    b_3 = 0.5 * (a_3 + 1 - maximum(minimum(2 - 3 / base, 1), 0) ** 2.5)
    b_4 = 1 - 0.5 * maximum(2 - 4 / base, 0) ** 2.5
    b_5 = 1 - 0.5 * maximum(2 - 5 / base, 0) ** 2.5
    b_6 = 1 - 0.5 * maximum(2 - 6 / base, 0) ** 2.5
    b_7 = 1 - 0.5 * maximum(2 - 7 / base, 0) ** 2.5
    early = b_1 * r + (b_2 - b_1) * s.r_1 + (b_3 - b_2) * s.r_2 + (b_4 - b_3) * s.r_3
    late = (b_5 - b_4) * s.r_4 + (b_6 - b_5) * s.r_5 + (b_7 - b_6) * s.r_6 + (1 - b_7) * s.r_7
    q9 = 0.9 * (a_1 * r + (a_2 - a_1) * s.r_1 + (a_3 - a_2) * s.r_2 + (1 - a_3) * s.r_3)
    q1 = 0.1 * (early + late)

    exchange = p.x2 * (s.routing / p.x3) ** 3.5
    held = maximum(s.routing + q9 + exchange, 0)
    slow = held * (1 - (1 + (held / p.x3) ** 4) ** -0.25)
    discharge = slow + maximum(q1 + exchange, 0)
    actual = minimum(x.precipitation, x.evaporation) + taken
    return State(
        production=filled - percolation,
        routing=held - slow,
        r_1=r,
        r_2=s.r_1,
        r_3=s.r_2,
        r_4=s.r_3,
        r_5=s.r_4,
        r_6=s.r_5,
        r_7=s.r_6,
        discharge=discharge,
        actual=actual,
    )
