"""Give each word a tag: `fit(TagConfig(data="pos-zh", out="runs/pos"))`."""

from cellwright.tasks.tag.config import TagConfig

__all__ = ["TagConfig"]
