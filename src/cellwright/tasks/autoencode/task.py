"""Sequence autoencoding: each text gets a short code, and is brought back from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cellwright.evaluation.reconstruction import Reconstruction
from cellwright.tasks.autoencode import run as folder_of
from cellwright.tasks.autoencode.config import AutoencodeConfig
from cellwright.tasks.autoencode.evaluate import evaluate
from cellwright.tasks.autoencode.predictor import AutoencodePredictor
from cellwright.tasks.autoencode.prepare import prepare
from cellwright.tasks.autoencode.run import AutoencodeRun, AutoencodeRunConfig
from cellwright.tasks.task import Prepared, Split, Task
from cellwright.tasks.texts import TOKENIZER


class Autoencode(Task[AutoencodeConfig, AutoencodeRunConfig, AutoencodeRun]):
    """Compress texts and bring them back."""

    name = AutoencodeConfig.task
    run_config = AutoencodeRunConfig
    files = (TOKENIZER,)
    columns = ("text",)

    def prepare(
        self, config: AutoencodeConfig, before: AutoencodeRunConfig | None
    ) -> Prepared[AutoencodeConfig, AutoencodeRunConfig]:
        """Read the texts and cut them into windows."""
        return prepare(config, before)

    def load(self, folder: Path, config: AutoencodeRunConfig) -> AutoencodeRun:
        """Read weights and tokenizer."""
        return folder_of.load(folder, config)

    def predictor(self, run: AutoencodeRun) -> AutoencodePredictor:
        """Codes, and what comes back from them."""
        return AutoencodePredictor(run)

    def evaluate(
        self,
        run: AutoencodeRun,
        data: str,
        split: Split,
        columns: Mapping[str, Any],
        say: Callable[[str], None],
        baselines: bool = True,
    ) -> Reconstruction:
        """Score beside the frequencies of single tokens."""
        return evaluate(run, data, split, columns, say, baselines)


TASK = Autoencode()
