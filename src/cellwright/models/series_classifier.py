"""Series classification."""

from torch import Tensor

from cellwright.models.series_architecture import SeriesModelConfig
from cellwright.models.series_pooled import PooledSeries


class SeriesClassifier(PooledSeries):
    """Logits of each class for numeric series.

    model = SeriesClassifier(SeriesModelConfig(channels=12, masked=False, classes=9))
    logits = model(values, known, lengths)    # (B, T, C) and their mask, (B) int64 -> (B, classes)
    """

    def __init__(self, config: SeriesModelConfig) -> None:
        super().__init__(config, config.classes)

    def forward(self, values: Tensor, known: Tensor, lengths: Tensor) -> Tensor:
        """values (B, T, C), known (B, T, C), lengths (B) int64 -> logits (B, classes)."""
        return self.read(values, known, lengths)
