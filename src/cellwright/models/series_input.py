"""What a model of series sees of a step, its values and which of them were there; and the layers that read it."""

import torch
from torch import Tensor, nn

from cellwright.models.dropout import Dropout, between
from cellwright.models.series_architecture import SeriesModelConfig
from cellwright.nn import Recurrent


def series_layers(config: SeriesModelConfig, inputs: int, *, bidirectional: bool) -> Recurrent:
    """The recurrent layers of a model of series, as its options say, for this many inputs a step."""
    return Recurrent(
        config.cell,
        inputs,
        config.hidden_size,
        num_layers=config.num_layers,
        bidirectional=bidirectional,
        dropout=between(config.num_layers, config.dropout),
        recurrent_dropout=config.recurrent_dropout,
        batch_first=True,
    )


class SeriesInput(nn.Module):
    """Values and masks (B, T, C) to the features (B, T, I) of a recurrent layer; noise and dropout in training.

    I is C, or 2·C where values can be missing: then the mask stands beside them (Che et al. 2018, Recurrent neural
    networks for multivariate time series with missing values, section 2.2: GRU-forward with GRU-simple's mask).
    """

    def __init__(self, config: SeriesModelConfig) -> None:
        super().__init__()
        self.noise = config.noise
        self.masked = config.masked
        self.size = config.channels * (2 if config.masked else 1)
        self.dropout = Dropout(config.input_dropout)

    def forward(self, values: Tensor, known: Tensor) -> Tensor:
        """values (B, T, C), known (B, T, C) -> (B, T, I)."""
        if self.training and self.noise:
            values = values + self.noise * torch.randn_like(values)
        features: Tensor = self.dropout(values)
        return torch.cat([features, known], dim=-1) if self.masked else features
