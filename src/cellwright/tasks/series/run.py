"""The run folder of a model of series."""

from dataclasses import dataclass

from torch import nn

from cellwright.data.readers.series_options import SeriesOptions
from cellwright.data.scaling import Scaling
from cellwright.models.series_architecture import SeriesModelConfig
from cellwright.tasks.run import Run, RunConfig
from cellwright.tasks.series.config import SeriesConfig
from cellwright.tasks.series.process import unused_by_process


class SeriesRunConfig(RunConfig):
    """The content of `config.json`."""

    task: str = "series"
    labels: list[str]
    """The classes, in the order of the model's outputs; none unless the objective is classify."""
    channels: list[str]
    """Names of the channels, in the order of the model's inputs."""
    scaling: Scaling
    """What the model's numbers are in units of: each channel's mean and deviation."""
    numbers: Scaling | None = None
    """Mean and deviation of the number to learn, in the training split (regress)."""
    model: SeriesModelConfig

    @property
    def unused(self) -> frozenset[str]:
        """Options that the run's model has no use for: those of networks, of a process model."""
        return unused_by_process(bool(self.model.roles.static)) if self.model.is_process else super().unused

    @property
    def learned(self) -> SeriesConfig:
        """The options of the training."""
        # As of a resumed run: whether options go together was asked when it was started.
        return SeriesConfig.model_validate(self.options | {"out": "", "resume": True})

    @property
    def reading(self) -> SeriesOptions:
        """How files are read that the run is to answer: as those that it was trained on, labels or not."""
        return self.learned.reading_like(self.channels)._replace(labelled=False)


@dataclass(frozen=True)
class SeriesRun(Run[SeriesRunConfig, nn.Module]):
    """A trained model of series."""
