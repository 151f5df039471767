"""What a model of series learns: classes, what follows, or the series themselves."""

from abc import abstractmethod
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from cellwright.data.series_batches import SeriesBatch, SeriesExample, collate_series
from cellwright.models.forecaster import ahead_of, pinball, scored
from cellwright.models.series_architecture import SeriesModelConfig, Target
from cellwright.models.series_autoencoder import errors, scored_steps
from cellwright.tasks.series.config import SeriesConfig
from cellwright.tasks.series.run import make_model
from cellwright.tasks.task import Metric, Objective, Step
from cellwright.tasks.texts import batches_of

BATCH_STEPS = 4096  # padding included: forecasts of many steps ahead are large

Model = Callable[[Tensor, Tensor, Tensor], Tensor]
"""Values and mask (B, T, C), lengths (B): what every model of series is called with, and the baselines too."""


class SeriesObjective(Objective):
    """What all targets have in common."""

    def __init__(self, model: SeriesModelConfig, options: SeriesConfig) -> None:
        self.config = model
        self.options = options

    def model(self) -> nn.Module:
        """A new model of the target."""
        return make_model(self.config)


class ClassifyObjective(SeriesObjective):
    """Smoothed cross-entropy in training, accuracy in validation."""

    metric = Metric("accuracy")

    def loss(self, model: Model, batch: SeriesBatch) -> Step:
        """Mean smoothed cross-entropy of a batch, in nats."""
        logits = model(batch.values, batch.known, batch.lengths)
        loss = cross_entropy(logits, _labels(batch), label_smoothing=self.options.label_smoothing)
        return Step(loss, len(logits), int(batch.lengths.sum()))

    def measure(self, model: Model, batch: SeriesBatch) -> Tensor:
        """(3,): the sum of losses, right answers, series."""
        logits, labels = model(batch.values, batch.known, batch.lengths), _labels(batch)
        loss = cross_entropy(logits, labels, reduction="sum")
        right = (logits.argmax(-1) == labels).sum()
        return torch.stack([loss.double(), right.double(), right.new_tensor(len(logits)).double()])

    def scores(self, sums: Sequence[float]) -> dict[str, float]:
        """Share labelled correctly, and mean cross-entropy in nats."""
        loss, right, series = sums
        return {"loss": loss / series, "accuracy": right / series}


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


class RegressObjective(SummedObjective):
    """Mean squared error of the number of a series, in deviations of the training split's."""

    def sums(self, model: Model, batch: SeriesBatch) -> tuple[Tensor, Tensor]:
        """Of every series."""
        errors = (model(batch.values, batch.known, batch.lengths) - _labels(batch)).square()
        return errors.sum(), errors.new_tensor(len(errors))


class ForecastObjective(SummedObjective):
    """Mean pinball loss of a forecast number, in the channel's deviations."""

    def sums(self, model: Model, batch: SeriesBatch) -> tuple[Tensor, Tensor]:
        """Of every number that is known and scored."""
        counted = scored(batch.known, batch.first, self.config.horizon)  # (B, T, K, C)
        ahead = model(batch.values, batch.known, batch.lengths)  # (B, T, K, C, Q)
        future = ahead_of(batch.values, self.config.horizon)
        loss = pinball(ahead, future, ahead.new_tensor(self.config.quantiles))
        return (loss * counted).sum(), counted.sum()


class FramesObjective(SummedObjective):
    """Negative log likelihood of a frame of zeros and ones, in nats: the sum over its channels."""

    def sums(self, model: Model, batch: SeriesBatch) -> tuple[Tensor, Tensor]:
        """Of every frame of which something is known and scored."""
        counted = scored(batch.known, batch.first, self.config.horizon)  # (B, T, K, C)
        logits = model(batch.values, batch.known, batch.lengths)[..., 0]
        future = ahead_of(batch.values, self.config.horizon)
        loss = binary_cross_entropy_with_logits(logits, future, reduction="none")
        return (loss * counted).sum(), counted.amax(-1).sum()


class AnomalyObjective(SummedObjective):
    """Mean squared error of a step that was restored, in the channels' deviations."""

    def sums(self, model: Model, batch: SeriesBatch) -> tuple[Tensor, Tensor]:
        """Of every step of which something is known and scored."""
        restored = model(batch.values, batch.known, batch.lengths)
        counted = scored_steps(batch.known, batch.first)  # (B, T)
        return (errors(restored, batch.values, batch.known) * counted).sum(), counted.sum()


OBJECTIVES: dict[Target, type[SeriesObjective]] = {
    "classify": ClassifyObjective,
    "regress": RegressObjective,
    "forecast": ForecastObjective,
    "anomaly": AnomalyObjective,
}
"""What is learned of each target, frames apart."""


def make_objective(model: SeriesModelConfig, options: SeriesConfig) -> SeriesObjective:
    """The objective of the target."""
    frames = model.target == "forecast" and model.output == "bernoulli"
    return (FramesObjective if frames else OBJECTIVES[model.target])(model, options)


def measured(objective: SeriesObjective, model: Model, examples: Sequence[SeriesExample]) -> float:
    """The objective's score of a model on all of the examples."""
    return objective.scores(summed(objective, model, examples))[objective.metric.name]


@torch.inference_mode()
def summed(objective: SeriesObjective, model: Model, examples: Sequence[SeriesExample]) -> list[float]:
    """The sums that the objective's scores are made of, over all of the examples."""
    parts = batches_of([len(example.values) for example in examples], BATCH_STEPS)
    sums = [objective.measure(model, collate_series([examples[i] for i in indices])) for indices in parts]
    found: list[float] = torch.stack(sums).sum(0).tolist()
    return found


def _labels(batch: SeriesBatch) -> Tensor:
    assert batch.labels is not None  # prepared series have labels
    return batch.labels
