"""How options are searched; no torch here, so that the command line can list the options at once."""

from typing import Literal

from pydantic import BaseModel, Field

from cellwright.tasks.config import FIXED

Pruner = Literal["median", "halving", "none"]


class SearchOptions(BaseModel):
    """What a search is told beside the options of `fit`."""

    model_config = FIXED

    trials: int = Field(20, ge=1)
    """Sets of options to try in all, those of earlier calls included."""
    pruner: Pruner = "median"
    """Which trials end early: once five have trained to their end, those whose best score is below the median of the
    others' at an epoch (median); those that are not among the best quarter of the others then (halving); none."""
