"""A trained run put to use: `Predictor.load("runs/first").predict(["很好用"])`."""

from cellwright.serve.predictor import Prediction, Predictor

__all__ = ["Prediction", "Predictor"]
