"""Score a run on a table of labelled texts: what `fit` does at its end and `evaluate` does on demand."""

from cellwright.data.checks import check_known
from cellwright.data.source import open_source
from cellwright.data.split import Sides
from cellwright.data.table import Table
from cellwright.evaluation.comparison import Comparison, compare
from cellwright.models.run import RunConfig
from cellwright.serve import Predictor


def own_sides(config: RunConfig) -> Sides:
    """Read again what the run was made of; raises InputError where it is no longer there."""
    return open_source(
        config.training["data"], text=config.text, label=config.label, encoding=config.training["encoding"]
    )


def scored(predictor: Predictor, table: Table, train: Table | None) -> Comparison:
    """Compare the run with the baselines fitted on `train`; raises InputError at a label the run does not know."""
    check_known(table, predictor.labels)
    predicted = [prediction.label for prediction in predictor.predict(table.texts)]
    return compare(table, predicted, predictor.labels, train)
