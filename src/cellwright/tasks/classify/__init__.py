"""Give each text a label: `fit(ClassifyConfig(data="reviews.csv", out="runs/reviews"))`."""

from cellwright.tasks.classify.config import ClassifyConfig

__all__ = ["ClassifyConfig"]
