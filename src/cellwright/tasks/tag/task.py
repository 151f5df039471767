"""Tagging: each word gets a tag, and the sentence a label if asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cellwright.tasks.tag import run as folder_of
from cellwright.tasks.tag.config import Columns, TagConfig
from cellwright.tasks.tag.predictor import TagPredictor
from cellwright.tasks.tag.run import LEXICON, TagRun, TagRunConfig
from cellwright.tasks.task import Prepared, Split, Task

if TYPE_CHECKING:
    from cellwright.evaluation.tagging import TagComparison


class Tag(Task[TagConfig, TagRunConfig, TagRun]):
    """Give each word a tag."""

    name = TagConfig.task
    run_config = TagRunConfig
    files = (LEXICON,)
    columns = tuple(Columns.model_fields)
    suggestions = (
        'predict {run} "words of yours"    (or a file, or lines on standard input; --json has the spans)',
        "evaluate {run} other.conll",
    )

    def prepare(self, config: TagConfig, before: TagRunConfig | None) -> Prepared[TagConfig, TagRunConfig]:
        """Read and number the sentences."""
        from cellwright.tasks.tag.prepare import prepare  # scikit-learn, which predictions need not load

        return prepare(config, before)

    def load(self, folder: Path, config: TagRunConfig) -> TagRun:
        """Read weights and words."""
        return folder_of.load(folder, config)

    def predictor(self, run: TagRun) -> TagPredictor:
        """Tags, spans and labels."""
        return TagPredictor(run)

    def evaluate(
        self,
        run: TagRun,
        data: str,
        split: Split,
        columns: Mapping[str, Any],
        say: Callable[[str], None],
        baselines: bool = True,
    ) -> TagComparison:
        """Score beside each word's most frequent tag."""
        from cellwright.tasks.tag.evaluate import evaluate

        return evaluate(run, data, split, columns, say, baselines)


TASK = Tag()
