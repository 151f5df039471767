"""What is said of steps, by quantiles of each channel, or by the probability of a 1: by name, as rows and as lines."""

from collections.abc import Sequence
from typing import Any

from cellwright.data.series import Values
from cellwright.models.series_architecture import SeriesModelConfig

Step = dict[str, dict[str, float]]
"""Of each channel by name its quantiles by name."""


def names_of(model: SeriesModelConfig) -> list[str]:
    """The quantiles, or what is said in place of any."""
    return [f"{q:g}" for q in model.quantiles] or ["probability"]


def named(values: Values, channels: Sequence[str], names: Sequence[str]) -> list[Step]:
    """What is said of K steps (K, Q, C), of the first C channels, by name."""
    first = channels[: values.shape[-1]]
    return [
        {channel: dict(zip(names, each, strict=True)) for channel, each in zip(first, step, strict=True)}
        for step in values.swapaxes(1, 2).tolist()
    ]


def rows_of(series: str, counter: str, steps: Sequence[Step], times: Sequence[str] = ()) -> list[dict[str, Any]]:
    """A row a step and channel; `counter` names the column that counts steps from 1 on, behind which `times` stand."""
    return [
        {"series": series, counter: k, **({"time": times[k - 1]} if times else {}), "channel": channel, **values}
        for k, step in enumerate(steps, start=1)
        for channel, values in step.items()
    ]


def as_lines(rows: Sequence[dict[str, Any]]) -> str:
    """A line a row, with tabs between its fields."""
    shown = [[f"{v:.6g}" if isinstance(v, float) else str(v) for v in row.values()] for row in rows]
    return "\n".join("\t".join(row) for row in shown)
