"""Training, on Lightning's Trainer: `fit(ClassifyConfig(data="reviews-zh", out="runs/first"))`."""

from cellwright.training.fit import FitResult, fit, fit_rows

__all__ = ["FitResult", "fit", "fit_rows"]
