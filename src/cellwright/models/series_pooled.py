"""What labels and numbers of series have in common: recurrent layers → pooling → dense layer."""

from typing import cast

from torch import Tensor, nn

from cellwright.models.dropout import Dropout
from cellwright.models.pooling import make_pooling
from cellwright.models.series_architecture import SeriesModelConfig
from cellwright.models.series_input import SeriesInput, series_layers


class PooledSeries(nn.Module):
    """Numeric series to K numbers each; what those mean is a subclass's."""

    def __init__(self, config: SeriesModelConfig, outputs: int) -> None:
        super().__init__()
        self.config = config
        features = config.hidden_size * (2 if config.bidirectional else 1)
        self.input = SeriesInput(config)
        self.recurrent = series_layers(config, self.input.size, bidirectional=config.bidirectional)
        self.pool = make_pooling(config.pooling, features, config.bidirectional)
        self.dropout = Dropout(config.dropout)
        self.dense = nn.Linear(features, outputs)

    def read(self, values: Tensor, known: Tensor, lengths: Tensor) -> Tensor:
        """values (B, T, C), known (B, T, C), lengths (B) int64 -> (B, K)."""
        output, _ = self.recurrent(self.input(values, known), lengths=lengths)  # (B, T, D·H)
        return cast(Tensor, self.dense(self.dropout(self.pool(output, lengths))))
