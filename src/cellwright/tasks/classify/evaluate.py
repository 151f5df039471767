"""How good is a classifier on texts that have labels?"""

from collections.abc import Callable, Mapping
from typing import Any

from cellwright.data.cache import where_they_lie
from cellwright.data.checks import with_known_labels
from cellwright.data.column import answered
from cellwright.data.splits import Split
from cellwright.data.unseen import sentences
from cellwright.evaluation.baselines import MOST_TEXTS
from cellwright.evaluation.classification_report import ClassificationReport, compare
from cellwright.tasks.classify.data import SOURCE
from cellwright.tasks.classify.predictor import ClassifyPredictor
from cellwright.tasks.classify.run import ClassifyRun
from cellwright.tasks.splits import options_for, say_all


def evaluate(
    run: ClassifyRun,
    data: str,
    split: Split,
    columns: Mapping[str, Any],
    say: Callable[[str], None],
    baselines: bool,
) -> ClassificationReport:
    """Score the run beside the majority class and the linear baseline; see `Task.evaluate`."""
    table = SOURCE.scored(data, split, options_for(run, data, columns), say)
    table, notes = with_known_labels(table, run.labels)
    say_all(notes, say)
    train = SOURCE.trained(run, table, split, say, baselines)
    if train is not None and len(train) > MOST_TEXTS:
        say(
            f"the linear baseline is fitted on {MOST_TEXTS:,} of the {len(train):,} training texts, drawn at random; "
            "--no-baseline leaves it out"
        )
    predictor = ClassifyPredictor(run)
    say_all(sentences(predictor.unseen(table.texts)), say)
    predicted = answered(table.texts, run.labels, lambda texts: [each.label for each in predictor.predict(texts)])
    say_all(where_they_lie(table.texts, *([] if train is None else [train.texts])), say)
    return compare(table, predicted, run.labels, train)
