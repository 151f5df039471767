"""What of a table can be scored."""

import numpy as np

from cellwright.data.series import SeriesTable
from cellwright.errors import InputError
from cellwright.tasks.series.target import SeriesTarget


def check_scored(table: SeriesTable, target: SeriesTarget, split: str) -> None:
    """Raise InputError where every value to be forecast or restored is missing: a mean over none would be perfect."""
    if target.steps_are is None:
        return
    begin = int(target.ahead)  # no step comes before the first
    rows = zip(table.values, table.firsts, strict=True)
    if all(np.isnan(values[max(first, begin) :]).all() for values, first in rows):
        where = "" if split == "all" else f"in the {split} split "
        raise InputError(
            f"{table.source}: {where}every value to be {target.steps_are} is missing; expected at least one: leave out "
            "the steps that have none"
        )
