"""How good is a classifier on texts that have labels?"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellwright.data.arrays import store_of
from cellwright.data.cache import where_they_lie
from cellwright.data.checks import with_known_labels
from cellwright.data.column import Names, answered
from cellwright.data.splits import Split
from cellwright.data.table import Table
from cellwright.data.unseen import sentences
from cellwright.evaluation.baselines import MOST_TEXTS
from cellwright.evaluation.classification_report import ClassificationReport, compare
from cellwright.evaluation.mistakes import of_labels
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
    predicted, probabilities = _answers(predictor, table)
    say_all(where_they_lie(table.texts, *([] if train is None else [train.texts])), say)
    assert table.labels is not None  # with_known_labels has looked
    wrong = of_labels(table.labels, predicted, probabilities, table.where, ("text", table.texts))
    return replace(compare(table, predicted, run.labels, train), mistakes=wrong)


def _answers(predictor: ClassifyPredictor, table: Table) -> tuple[Names, NDArray[np.float32]]:
    """The label of each text, and its probability."""
    probabilities, end = store_of(table.texts).empty(len(table), np.float32), 0

    def answer(texts: Sequence[str]) -> list[str]:
        nonlocal end
        found = predictor.predict(texts)
        probabilities[end : end + len(found)] = [each.probability for each in found]
        end += len(found)
        return [each.label for each in found]

    return answered(table.texts, predictor.labels, answer), probabilities
