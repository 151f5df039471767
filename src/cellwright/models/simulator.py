"""Series simulation: at each step the targets that follow from the inputs up to it, and not from what they were before.

    h_t = recurrent(x_1 … x_t)                                              t = 1 … T
    q(y_t) = rising(W h_t + b)                                              the quantiles, as those of `forecaster.py`

The discharge of a catchment from its weather: Kratzert et al. (2018), Rainfall-runoff modelling using long short-term
memory (LSTM) networks, with their squared error in place of the quantiles' loss.
"""

from torch import Tensor, nn

from cellwright.models.dropout import Dropout
from cellwright.models.forecaster import rising
from cellwright.models.series_architecture import SeriesModelConfig
from cellwright.models.series_input import SeriesInput, SeriesParameters, series_layers


class Simulator(nn.Module):
    """Simulations of numeric series, at every step.

    roles = Roles(past=2, simulated=True)
    config = SeriesModelConfig(objective="simulate", channels=3, masked=False, quantiles=(0.5,), roles=roles)
    model = Simulator(config)
    found = model(values, known, lengths)    # (B, T, 3) and their mask, (B) int64 -> (B, T, 1, 1)
    """

    def __init__(self, config: SeriesModelConfig) -> None:
        super().__init__()
        self.shape = (config.targets, len(config.quantiles))
        self.input = SeriesInput(config)
        self.parameters_given = SeriesParameters(config)
        self.recurrent = series_layers(config, self.input.size, bidirectional=False)
        self.dropout = Dropout(config.dropout)
        self.dense = nn.Linear(config.hidden_size, self.shape[0] * self.shape[1])

    def forward(self, values: Tensor, known: Tensor, lengths: Tensor) -> Tensor:
        """values (B, T, C), known (B, T, C), lengths (B) int64 -> (B, T, targets, Q); of the C no target is read."""
        given = self.parameters_given(values, known)
        output, _ = self.recurrent(self.input(values, known), lengths=lengths, parameters=given)  # (B, T, H)
        return rising(self.dense(self.dropout(output)).unflatten(-1, self.shape))
