"""Turn each text into another: `fit(TransduceConfig(data="words.csv", out="runs/words"))`."""

from cellwright.tasks.transduce.config import TransduceConfig

__all__ = ["TransduceConfig"]
