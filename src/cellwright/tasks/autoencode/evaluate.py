"""How well does an autoencoder bring texts back?"""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from cellwright.data.batches import collate
from cellwright.data.splits import Split
from cellwright.data.unseen import sentences
from cellwright.errors import InputError
from cellwright.evaluation.reconstruction import ReconstructionReport, TokenScores
from cellwright.tasks.autoencode.data import SOURCE
from cellwright.tasks.autoencode.objective import AutoencodeObjective
from cellwright.tasks.autoencode.predictor import BATCH_TOKENS, AutoencodePredictor
from cellwright.tasks.autoencode.run import AutoencodeRun
from cellwright.tasks.splits import options_for, say_all
from cellwright.tasks.texts import batches_of


def evaluate(
    run: AutoencodeRun,
    data: str,
    split: Split,
    columns: Mapping[str, Any],
    say: Callable[[str], None],
    baselines: bool,
) -> ReconstructionReport:
    """Score the run beside the frequencies of single tokens; see `Task.evaluate`."""
    table = SOURCE.scored(data, split, options_for(run, data, columns), say)
    windows = _windows(run, table.texts)
    if not windows:
        raise InputError(f"{data}: no text has a token; expected at least one to bring back")
    say_all(sentences([run.tokenizer.unseen(table.texts)]), say)
    train = SOURCE.trained(run, table, split, say, baselines)
    told, free = _told(run, windows), _free(run, windows)
    baseline = None if train is None else _unigram(run, _windows(run, train.texts), windows)
    return ReconstructionReport(len(table), sum(map(len, windows)), told, free, baseline)


def _windows(run: AutoencodeRun, texts: Sequence[str]) -> list[Sequence[int]]:
    return [window for pieces in run.text_encoder.encode(texts) for window in pieces if len(window)]


@torch.inference_mode()
def _told(run: AutoencodeRun, windows: Sequence[Sequence[int]]) -> TokenScores:
    """Each token from those that truly stand before it."""
    objective = AutoencodeObjective(run.config.model)
    sums = torch.zeros(3, dtype=torch.float64)
    for indices in batches_of([len(window) for window in windows], BATCH_TOKENS):
        sums += objective.measure(run.model, collate([(windows[i], None) for i in indices]))
    scores = objective.scores(sums.tolist())
    return TokenScores(scores["exact"], scores["loss"])


def _free(run: AutoencodeRun, windows: Sequence[Sequence[int]]) -> float:
    """Share of tokens brought back when the decoder is told its own."""
    coded = AutoencodePredictor(run).coded(windows)
    pairs = [pair for window in coded for pair in zip(window.numbers, window.back, strict=True)]
    return sum(true == back for true, back in pairs) / len(pairs)


def _unigram(run: AutoencodeRun, train: Sequence[Sequence[int]], windows: Sequence[Sequence[int]]) -> TokenScores:
    """Each token by its frequency in training, one added to every count (Laplace)."""
    counts = Counter(token for window in train for token in window)
    total = math.log(counts.total() + run.tokenizer.size)
    (most_frequent, _), *_ = counts.most_common(1)
    tokens = [token for window in windows for token in window]
    nats = sum(total - math.log(counts[token] + 1) for token in tokens) / len(tokens)
    return TokenScores(tokens.count(most_frequent) / len(tokens), nats)
