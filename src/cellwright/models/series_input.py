"""What a model of series sees of a step, its values and which of them were there; and the layers that read it."""

import torch
from torch import Tensor, nn

from cellwright import cells
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

    Of the C channels those that a simulation is to give are left out, and static ones that the cell reads by
    themselves. I is as many as are left, or twice as many where values can be missing: then the mask stands beside them
    (Che et al. 2018, Recurrent neural networks for multivariate time series with missing values, section 2.2:
    GRU-forward with GRU-simple's mask).
    """

    def __init__(self, config: SeriesModelConfig) -> None:
        super().__init__()
        self.noise = config.noise
        self.masked = config.masked
        apart = config.roles.static if cells.get(config.cell).given else 0
        self.read = slice(-config.inputs, -apart or None)
        self.size = (config.inputs - apart) * (2 if config.masked else 1)
        self.dropout = Dropout(config.input_dropout)

    def forward(self, values: Tensor, known: Tensor) -> Tensor:
        """values (B, T, C), known (B, T, C) -> (B, T, I)."""
        values, known = values[..., self.read], known[..., self.read]
        if self.training and self.noise:
            values = values + self.noise * torch.randn_like(values)
        features: Tensor = self.dropout(values)
        return torch.cat([features, known], dim=-1) if self.masked else features


class SeriesParameters(nn.Module):
    """The parameters that a cell takes with each call, one a unit, as linear layers of the static covariates.

    So reads the entity-aware LSTM (Kratzert et al. 2019) the attributes of a catchment. Other cells take none.
    """

    def __init__(self, config: SeriesModelConfig) -> None:
        super().__init__()
        self.static, self.masked = config.roles.static, config.masked
        size = self.static * (2 if config.masked else 1)
        given = cells.get(config.cell).given
        self.layers = nn.ModuleDict({name: nn.Linear(size, config.hidden_size) for name in given})

    def forward(self, values: Tensor, known: Tensor) -> dict[str, Tensor] | None:
        """values (B, T, C), known (B, T, C), of which the last channels are static -> (B, H) each, by name."""
        if not self.layers:
            return None
        parts = [values, known] if self.masked else [values]
        static = torch.cat([part[:, 0, -self.static :] for part in parts], -1)
        return {name: layer(static) for name, layer in self.layers.items()}
