"""Language model: the next token, told the text so far."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cellwright.tasks.lm import run as folder_of
from cellwright.tasks.lm.config import LanguageConfig, TextColumn
from cellwright.tasks.lm.evaluate import evaluate
from cellwright.tasks.lm.predictor import LanguagePredictor
from cellwright.tasks.lm.prepare import prepare
from cellwright.tasks.lm.run import CHARACTERS, LanguageRun, LanguageRunConfig
from cellwright.tasks.task import Prepared, Split, Task
from cellwright.tasks.texts import TOKENIZER

if TYPE_CHECKING:
    from cellwright.evaluation.text_comparison import TextComparison


class Language(Task[LanguageConfig, LanguageRunConfig, LanguageRun]):
    """Predict the next token of a text."""

    name = LanguageConfig.task
    run_config = LanguageRunConfig
    files = (TOKENIZER, CHARACTERS)
    columns = tuple(TextColumn.model_fields)
    suggestions = (
        'generate {run} --prompt "a beginning" --temperature 0.8',
        'predict {run} "a text to score"    (or a file, or lines on standard input)',
        "evaluate {run} other.txt",
    )

    def prepare(
        self, config: LanguageConfig, before: LanguageRunConfig | None
    ) -> Prepared[LanguageConfig, LanguageRunConfig]:
        """Read and encode the texts."""
        return prepare(config, before)

    def load(self, folder: Path, config: LanguageRunConfig) -> LanguageRun:
        """Read weights, tokenizer and counts."""
        return folder_of.load(folder, config)

    def predictor(self, run: LanguageRun) -> LanguagePredictor:
        """Bits a character of each text."""
        return LanguagePredictor(run)

    def evaluate(
        self,
        run: LanguageRun,
        data: str,
        split: Split,
        columns: Mapping[str, Any],
        say: Callable[[str], None],
        baselines: bool = True,
    ) -> TextComparison:
        """Perplexity and bits a character beside n-grams."""
        return evaluate(run, data, split, columns, say, baselines)


TASK = Language()
