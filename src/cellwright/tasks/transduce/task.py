"""Transduction: each source, a sequence of symbols, is turned into another sequence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cellwright.evaluation.report import ALIGNMENT
from cellwright.tasks.task import Prepared, Split, Task
from cellwright.tasks.transduce import run as folder_of
from cellwright.tasks.transduce.config import TransduceConfig
from cellwright.tasks.transduce.predictor import TransducePredictor
from cellwright.tasks.transduce.run import SOURCE, TARGET, TransduceRun, TransduceRunConfig

if TYPE_CHECKING:
    from cellwright.evaluation.transduction import Transduction


class Transduce(Task[TransduceConfig, TransduceRunConfig, TransduceRun]):
    """Turn each source into a target."""

    name = TransduceConfig.task
    run_config = TransduceRunConfig
    files = (SOURCE, TARGET)
    pictures = (ALIGNMENT,)
    columns = ("source", "target", "features")
    answering = "search"

    def prepare(
        self, config: TransduceConfig, before: TransduceRunConfig | None
    ) -> Prepared[TransduceConfig, TransduceRunConfig]:
        """Read and encode the pairs."""
        from cellwright.tasks.transduce.prepare import prepare  # torchmetrics, which predictions need not load

        return prepare(config, before)

    def load(self, folder: Path, config: TransduceRunConfig) -> TransduceRun:
        """Read weights and vocabularies."""
        return folder_of.load(folder, config)

    def predictor(self, run: TransduceRun) -> TransducePredictor:
        """The best answers to each source, with their alignments."""
        return TransducePredictor(run)

    def evaluate(
        self,
        run: TransduceRun,
        data: str,
        split: Split,
        columns: Mapping[str, Any],
        say: Callable[[str], None],
        baselines: bool = True,
    ) -> Transduction:
        """Score beside symbol-by-symbol replacement and copying."""
        from cellwright.tasks.transduce.evaluate import evaluate  # torchmetrics and Matplotlib

        return evaluate(run, data, split, columns, say, baselines)


TASK = Transduce()
