"""How well is a text predicted?"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cellwright.data.splits import Split
from cellwright.data.unseen import sentences
from cellwright.errors import InputError
from cellwright.evaluation.language_model_report import LanguageModelReport
from cellwright.evaluation.ngrams import kneser_ney
from cellwright.evaluation.perplexity import PerplexityScores
from cellwright.stages import stage
from cellwright.tasks.lm.data import SOURCE
from cellwright.tasks.lm.prepare import documents
from cellwright.tasks.lm.run import LanguageRun
from cellwright.tasks.splits import options_for, say_all

ORDERS = {"characters": 6, "bpe": 4, "words": 4}
"""Of the n-gram model: longer ones predict no better on a million characters (tiny Shakespeare, Chinese news)."""


def evaluate(
    run: LanguageRun,
    data: str,
    split: Split,
    columns: Mapping[str, Any],
    say: Callable[[str], None],
    baselines: bool,
) -> LanguageModelReport:
    """Score the run beside n-grams and the frequency of tokens; see `Task.evaluate`.

    Each text is told what stands before in it, from its first token on; the end of each but the last is predicted too.
    """
    table = SOURCE.scored(data, split, options_for(run, data, columns), say)
    texts = table.texts
    encoded = documents(run.tokenizer, texts)
    if sum(len(document) - 1 for document in encoded) < 1:
        raise InputError(f"{data}: no token to score in the {split} split; expected some text")
    say_all(sentences([run.tokenizer.unseen(texts, as_written=True)]), say)
    characters, spelling = sum(map(len, texts)), run.spelling(texts)

    def scored(nats: Tensor) -> PerplexityScores:
        return PerplexityScores(float(nats.sum()), len(nats), characters, spelling)

    with stage(f"scoring {characters:,} characters"):
        model = scored(run.model.nats(encoded))
    order = ORDERS[run.tokenizer.kind]
    train = SOURCE.trained(run, table, split, say, baselines)
    if train is None:
        return LanguageModelReport(model, order)
    learned = documents(run.tokenizer, train.texts)
    counted = [scored(_counted(learned, encoded, n, run.tokenizer.size)) for n in (order, 1)]
    return LanguageModelReport(model, order, *counted)


def _counted(train: Sequence[Tensor], test: Sequence[Tensor], order: int, vocabulary: int) -> Tensor:
    """Nats of each token but the first mark."""
    nats = kneser_ney(*(np.concatenate(part) for part in (train, test)), order=order, vocabulary=vocabulary)
    return torch.from_numpy(nats[1:])
