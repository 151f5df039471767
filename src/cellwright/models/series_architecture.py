"""What a user chooses of a model of series, and what the data adds to it; no torch here, as in `architecture.py`."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from cellwright.data.series import Roles
from cellwright.models.architecture import Bidirectional, Dropped, Pooled

ObjectiveName = Literal["classify", "regress", "forecast", "simulate", "anomaly"]
Output = Literal["quantiles", "bernoulli"]


class WithObjective(BaseModel):
    """What is learned from series."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    objective: ObjectiveName = "classify"
    """What to learn: a class or a number of each series, the steps that follow, what other columns make of one, or how
    unlike the others it is."""


# The last of the bases is the first in the help.
class SeriesArchitecture(Pooled, Dropped, Bidirectional, WithObjective):
    """What the user chooses of a model of series."""

    noise: float = Field(0.0, ge=0)
    """Standard deviation of the noise added in training to each value, in the channel's own deviations."""
    input_dropout: float = Field(0.0, ge=0, lt=1)
    """Share of the values dropped in training."""
    recurrent_dropout: float = Field(0.0, ge=0, lt=1)
    """Share of the hidden units that the next step does not see in training, the same in all steps of a series."""
    likelihood: Output = "quantiles"
    """What to forecast: quantiles of numbers, or how likely each channel is 1 rather than 0."""
    horizon: int = Field(1, ge=1)
    """Steps ahead to forecast."""
    season_length: int | None = Field(None, ge=2)
    """Steps after which things repeat: forecasts begin from the value a season before, not the last."""
    code_dim: int = Field(8, ge=1)
    """Numbers that a series is compressed to, and restored from."""


class SeriesModelConfig(SeriesArchitecture):
    """What a model of series is made of; written to a run's `config.json`, enough to build the same module again."""

    channels: int = Field(ge=1)
    """Numbers a step."""
    masked: bool
    """Whether the model is told which values are missing; else there are none."""
    classes: int = Field(0, ge=0)
    """Number of labels (classify)."""
    quantiles: tuple[float, ...] = ()
    """Rising, in (0, 1); the middle one is the forecast (forecast, simulate)."""
    roles: Roles = Roles()
    """Which of the channels are covariates (forecast, simulate)."""
    units: tuple[float, ...] = ()
    """Deviations of the targets in the training split, that the outputs of a process model are divided by; of a network
    nothing (simulate)."""
    ranges: dict[str, tuple[float, float]] = {}
    """What each parameter of a process model lies between (simulate)."""

    @property
    def is_process(self) -> bool:
        """Whether a cell without weights makes the output, from what it holds since the first step of a series."""
        return bool(self.units)

    @property
    def targets(self) -> int:
        """How many channels, the first, are forecast or simulated."""
        return self.channels - self.roles.covariates

    @property
    def inputs(self) -> int:
        """How many channels, the last, the recurrent layers read: no target that is simulated."""
        return self.roles.covariates if self.roles.simulated else self.channels
