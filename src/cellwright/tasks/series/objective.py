"""What a model of series learns: what all objectives have in common."""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor, nn

from cellwright.data.series_batches import SeriesBatch, SeriesExample, collate_series
from cellwright.models.series_architecture import SeriesModelConfig
from cellwright.tasks.series.config import SeriesConfig
from cellwright.tasks.task import Metric, Objective, Step
from cellwright.tasks.texts import batches_of

BATCH_STEPS = 4096  # padding included: forecasts of many steps ahead are large

Model = Callable[[Tensor, Tensor, Tensor], Tensor]
"""Values and mask (B, T, C), lengths (B): what every model of series is called with, and the baselines too."""


class SeriesObjective(Objective):
    """What all objectives have in common."""

    network: Callable[[SeriesModelConfig], nn.Module]
    """Makes the model."""

    def __init__(self, model: SeriesModelConfig, options: SeriesConfig) -> None:
        self.config = model
        self.options = options

    def model(self) -> nn.Module:
        """A new model of the objective."""
        return type(self).network(self.config)


class SummedObjective(SeriesObjective):
    """A loss that is a sum over steps by their number, the same in training and in validation."""

    metric = Metric("loss", higher_is_better=False)

    def loss(self, model: Model, batch: SeriesBatch) -> Step:
        """The mean over the batch."""
        loss, count = self.sums(model, batch)
        return Step(loss / count.clamp(min=1), int(count), int(batch.lengths.sum()))

    def measure(self, model: Model, batch: SeriesBatch) -> Tensor:
        """(2,): the sum of losses and what it is over."""
        return torch.stack([part.double() for part in self.sums(model, batch)])

    def scores(self, sums: Sequence[float]) -> dict[str, float]:
        """The mean."""
        loss, count = sums
        return {"loss": loss / max(count, 1)}

    @abstractmethod
    def sums(self, model: Model, batch: SeriesBatch) -> tuple[Tensor, Tensor]:
        """The sum of losses of a batch, and what it is over."""


def measured(objective: SeriesObjective, model: Model, examples: Sequence[SeriesExample]) -> float:
    """The objective's score of a model on all of the examples."""
    parts = batches_of([len(example.values) for example in examples], BATCH_STEPS)
    batches = ([examples[i] for i in indices] for indices in parts)
    return objective.scores(summed(objective, model, batches))[objective.metric.name]


@torch.inference_mode()
def summed(objective: SeriesObjective, model: Model, batches: Iterable[Sequence[SeriesExample]]) -> list[float]:
    """The sums that the objective's scores are made of, over all of the examples, of which one batch is held."""
    sums = [objective.measure(model, collate_series(batch)) for batch in batches]
    found: list[float] = torch.stack(sums).sum(0).tolist()
    return found


def answers_of(batch: SeriesBatch) -> Tensor:
    """What is to be learned of each series of a batch whose objective has labels."""
    assert batch.labels is not None  # prepared series have labels
    return batch.labels
