"""What an objective comes to on all steps of a table: a score that models and baselines have alike."""

from collections.abc import Mapping

from cellwright.data.series import SeriesTable
from cellwright.tasks.series.examples import examples_of, stretches_of
from cellwright.tasks.series.objective import BATCH_STEPS, Model, SummedObjective, summed
from cellwright.tasks.series.run import SeriesRun


def means_of(
    models: Mapping[str, Model], objective: type[SummedObjective], run: SeriesRun, table: SeriesTable, *, ahead: bool
) -> tuple[dict[str, float], int]:
    """The objective's mean of each model over all of the table, and of how many it is the mean."""
    options = run.config.learned
    scores = objective(run.config.model, options)
    found = stretches_of(table, run.config.scaling, options.window, ahead=ahead)
    sums = {
        name: summed(scores, model, (examples_of(rows) for _, rows in found.batches(BATCH_STEPS)))
        for name, model in models.items()
    }
    _, count = next(iter(sums.values()))  # that of all
    return {name: scores.scores(each)[scores.metric.name] for name, each in sums.items()}, int(count)
