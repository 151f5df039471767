"""Series: what they are, how they go on, and which are unlike the others."""

from cellwright.evaluation.report import CONFUSION
from cellwright.tasks.series.config import Columns, SeriesConfig
from cellwright.tasks.series.objectives import load, predictor_of, spec_of
from cellwright.tasks.series.run import SeriesRunConfig
from cellwright.tasks.task import Task

TASK = Task(
    config=SeriesConfig,
    run_config=SeriesRunConfig,
    load=load,
    predictor=predictor_of,
    columns=tuple(Columns.model_fields),
    pictures=(CONFUSION,),
    right_or_wrong=lambda run: spec_of(run.config.model).name == "classify",
    suggestions=("predict {run} more.csv    (a file of series)", "evaluate {run} other.csv"),
)
