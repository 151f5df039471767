"""What of a table can be scored."""

import numpy as np

from cellwright.data.series import SeriesTable
from cellwright.errors import InputError
from cellwright.tasks.series.objective_spec import ObjectiveSpec


def check_scored(table: SeriesTable, spec: ObjectiveSpec, split: str) -> None:
    """Raise InputError where every value to be forecast or restored is missing: a mean over none would be perfect."""
    if spec.steps_are is None:
        return
    begin = int(spec.ahead)  # no step comes before the first
    rows = zip(table.of_targets.values, table.firsts, strict=True)
    if all(np.isnan(values[max(first, begin) :]).all() for values, first in rows):
        where = "" if split == "all" else f"in the {split} split "
        raise InputError(
            f"{table.source}: {where}every value to be {spec.steps_are} is missing; expected at least one: leave out "
            "the steps that have none"
        )
