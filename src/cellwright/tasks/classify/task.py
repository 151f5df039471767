"""Classification: each text gets a label."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cellwright.evaluation.report import CONFUSION
from cellwright.tasks.classify import run as folder_of
from cellwright.tasks.classify.config import ClassifyConfig, Columns
from cellwright.tasks.classify.predictor import ClassifyPredictor
from cellwright.tasks.classify.prepare import prepare
from cellwright.tasks.classify.run import ClassifyRun, ClassifyRunConfig
from cellwright.tasks.task import Prepared, Split, Task
from cellwright.tasks.texts import TOKENIZER

if TYPE_CHECKING:
    from cellwright.evaluation.comparison import Comparison


class Classify(Task[ClassifyConfig, ClassifyRunConfig, ClassifyRun]):
    """Give each text a label."""

    name = ClassifyConfig.task
    run_config = ClassifyRunConfig
    files = (TOKENIZER,)
    pictures = (CONFUSION,)
    columns = tuple(Columns.model_fields)

    def prepare(
        self, config: ClassifyConfig, before: ClassifyRunConfig | None
    ) -> Prepared[ClassifyConfig, ClassifyRunConfig]:
        """Read and encode the texts."""
        return prepare(config, before)

    def load(self, folder: Path, config: ClassifyRunConfig) -> ClassifyRun:
        """Read weights and tokenizer."""
        return folder_of.load(folder, config)

    def predictor(self, run: ClassifyRun) -> ClassifyPredictor:
        """Labels with probabilities."""
        return ClassifyPredictor(run)

    def evaluate(
        self,
        run: ClassifyRun,
        data: str,
        split: Split,
        columns: Mapping[str, Any],
        say: Callable[[str], None],
        baselines: bool = True,
    ) -> Comparison:
        """Score beside the majority class and a linear model of character n-grams."""
        from cellwright.tasks.classify.evaluate import evaluate  # scikit-learn, which predictions need not load

        return evaluate(run, data, split, columns, say, baselines)


TASK = Classify()
