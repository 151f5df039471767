"""Series regression: one number of each series, in deviations from the mean of those learned from.

Tan et al. (2021), Time series extrinsic regression, names the task and its archive.
"""

from torch import Tensor

from cellwright.models.series_architecture import SeriesModelConfig
from cellwright.models.series_pooled import PooledSeries


class SeriesRegressor(PooledSeries):
    """A number for numeric series.

    model = SeriesRegressor(SeriesModelConfig(objective="regress", channels=12, masked=False))
    numbers = model(values, known, lengths)    # (B, T, C) and their mask, (B) int64 -> (B)
    """

    def __init__(self, config: SeriesModelConfig) -> None:
        super().__init__(config, 1)

    def forward(self, values: Tensor, known: Tensor, lengths: Tensor) -> Tensor:
        """values (B, T, C), known (B, T, C), lengths (B) int64 -> (B)."""
        return self.read(values, known, lengths)[:, 0]
