"""How long a run trains at most, and how patient it is: from its options and from how many steps an epoch has."""

from dataclasses import dataclass
from math import ceil
from typing import Self

from cellwright.data.wording import counted
from cellwright.tasks.config import FitConfig

FEWEST_EPOCHS, MOST_EPOCHS = 6, 100
"""Where nobody chooses: an epoch of many steps is long, and examples that are few are learned by heart."""
WAITED = 0.5
"""Share of its epochs that a run waits for a better score. While the step size is large, scores stand still, and get
better again when it falls: of 3,600 pronunciations from epoch 13 to 23 of 31, more than a quarter."""
LEAST_PATIENCE = 3


@dataclass(frozen=True)
class Plan:
    """The limits of a run, settled before its first step.

    plan = Plan.of(config, steps=236)
    print(plan.describe(validated=True))
    """

    steps: int
    """Optimizer steps of an epoch, in each process."""
    epochs: int
    """Most epochs."""
    patience: int
    """Epochs without a better score after which it ends."""
    minutes: float | None
    """Most minutes; None is no limit."""

    @classmethod
    def of(cls, config: FitConfig, steps: int) -> Self:
        """What the options say; what they leave open goes by how many `steps` an epoch has."""
        epochs = config.max_epochs
        if epochs is None:
            epochs = min(max(ceil(config.usual_steps / steps), FEWEST_EPOCHS), MOST_EPOCHS)
        patience = config.patience
        if patience is None:
            patience = max(ceil(WAITED * epochs), LEAST_PATIENCE)
        return cls(steps, epochs, patience, config.max_minutes)

    def describe(self, validated: bool) -> str:
        """One sentence for the user; validated: epochs are scored and compared."""
        minutes = f" and {self.minutes:g} minutes" if self.minutes is not None else ""
        most = f"{counted(self.epochs, 'epoch')} of {counted(self.steps, 'step')}{minutes}"
        if not validated:
            return f"trains for {most}{' at most' if minutes else ''}"
        return f"trains until no score is better for {counted(self.patience, 'epoch')}, at most {most}"
