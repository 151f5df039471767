"""Training, on Lightning's Trainer: `fit(FitConfig(data="reviews-zh", out="runs/first"))`."""

from cellwright.training.config import FitConfig
from cellwright.training.fit import FitResult, fit

__all__ = ["FitConfig", "FitResult", "fit"]
