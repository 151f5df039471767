"""A trained run put to use: `Predictor.load("runs/first").predict(["很好用"])`."""

from cellwright.tasks.predictor import Predictor

__all__ = ["Predictor"]
