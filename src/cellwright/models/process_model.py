"""A cell that reads columns by name, as a rainfall-runoff model does, with its parameters learned.

    p_k = low_k + (high_k - low_k) · σ(free_k + W_2 tanh(W_1 s + b_1) + b_2)
    y_t = cell(x_1 … x_t; p)                                                t = 1 … T

where s are the static covariates of a series; without any, p is the same for all. Of a range that is above 0 and wider
than tenfold the logarithm takes the place of p, low and high. A network that gives the parameters of a process model is
that of Tsai et al. (2021), From calibration to parameter learning; of HBV, of Feng et al. (2022), Differentiable,
learnable, regionalized process-based models with multiphysical outputs.
"""

from typing import cast

import torch
from torch import Tensor, nn

from cellwright.models.series_architecture import SeriesModelConfig
from cellwright.nn import Recurrent

Range = tuple[float, float]
RANGES: dict[str, dict[str, Range]] = {
    # As Feng et al. (2022) learn them; sfcf, which they leave out, around 1.
    "hbv": {
        "tt": (-2.5, 2.5),
        "cfmax": (0.5, 10.0),
        "sfcf": (0.4, 1.2),
        "cfr": (0.0, 0.1),
        "cwh": (0.0, 0.2),
        "fc": (50.0, 1000.0),
        "lp": (0.2, 1.0),
        "beta": (1.0, 6.0),
        "perc": (0.0, 10.0),
        "uzl": (0.0, 100.0),
        "k0": (0.05, 0.9),
        "k1": (0.01, 0.5),
        "k2": (0.001, 0.2),
    },
    # Around what Perrin et al. (2003) found in four of five catchments: 100 to 1200, -5 to 3, 20 to 300, 1.1 to 2.9.
    "gr4j": {"x1": (20.0, 3000.0), "x2": (-8.0, 6.0), "x3": (5.0, 800.0), "x4": (0.5, 4.0)},
}
"""Of the parameters of the library's cells."""
TENFOLD = 10.0


class ProcessModel(nn.Module):
    """A simulation by a cell without weights, of which parameters are learned.

    config = SeriesModelConfig(
        objective="simulate", cell="gr4j", channels=3, masked=False, quantiles=(0.5,), units=(1.0,),
        roles=Roles(past=2, simulated=True), ranges=RANGES["gr4j"],
    )
    model = ProcessModel(config)
    found = model(values, known, lengths)    # (B, T, 3) and their mask, (B) int64 -> (B, T, 1, 1)
    """

    low: Tensor
    span: Tensor
    ratio: Tensor

    def __init__(self, config: SeriesModelConfig) -> None:
        super().__init__()
        self.config = config
        self.recurrent = Recurrent(config.cell, config.roles.past, 1, batch_first=True)
        self.free = nn.Parameter(torch.zeros(len(config.ranges)))
        self.regional: nn.Module | None = None
        if config.roles.static:
            last = nn.Linear(config.hidden_size, len(config.ranges))
            self.regional = nn.Sequential(nn.Linear(config.roles.static, config.hidden_size), nn.Tanh(), last)
        ranges = config.ranges.values()
        # By how much it spans, by how often it is the low end; one of the two is nothing. Both stand in the config.
        wide = [low > 0 and high >= TENFOLD * low for low, high in ranges]
        span = [0.0 if often else high - low for often, (low, high) in zip(wide, ranges, strict=True)]
        ratio = [high / low if often else 1.0 for often, (low, high) in zip(wide, ranges, strict=True)]
        for name, numbers in (("low", [low for low, _ in ranges]), ("span", span), ("ratio", ratio)):
            self.register_buffer(name, torch.tensor(numbers), persistent=False)

    def forward(self, values: Tensor, known: Tensor, lengths: Tensor) -> Tensor:
        """values (B, T, C), known (B, T, C), lengths (B) int64 -> (B, T, 1, 1), in deviations of the target.

        The inputs are in their own units, and none is missing; the target is not read.
        """
        end = values.shape[-1] - self.config.roles.static
        inputs = values[..., end - self.config.roles.past : end]  # in the order of the cell's
        output, _ = self.recurrent(inputs, lengths=lengths, parameters=self.parameters_of(values))  # (B, T, 1)
        return cast(Tensor, output[..., None] / self.config.units[0])

    def parameters_of(self, values: Tensor) -> dict[str, Tensor]:
        """values (B, T, C) -> the parameters (B,) of each series, by name."""
        free = self.free.expand(values.shape[0], -1)
        if self.regional is not None:
            free = free + self.regional(values[:, 0, -self.config.roles.static :])
        place = free.sigmoid()
        found = self.low * self.ratio**place + self.span * place
        return dict(zip(self.config.ranges, found.unbind(-1), strict=True))
