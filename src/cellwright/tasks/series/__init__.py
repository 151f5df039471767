"""Learn from numeric series: `fit(SeriesConfig(data="vowels", out="runs/vowels"))`."""

from cellwright.tasks.series.config import SeriesConfig

__all__ = ["SeriesConfig"]
