"""How well is a text predicted?"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from cellwright.data.cache import where_they_lie
from cellwright.data.documents import Documents
from cellwright.data.splits import Split
from cellwright.data.unseen import sentences
from cellwright.errors import InputError
from cellwright.evaluation.language_model_report import LanguageModelReport
from cellwright.evaluation.ngrams import kneser_ney, unigram
from cellwright.evaluation.perplexity import PerplexityScores
from cellwright.models.language_model import SCORED_AT_ONCE
from cellwright.stages import stage
from cellwright.tasks.lm.data import SOURCE
from cellwright.tasks.lm.feed import LaneFeed
from cellwright.tasks.lm.run import LanguageRun
from cellwright.tasks.lm.stream import Stream, tokenised
from cellwright.tasks.splits import options_for, say_all

COUNTED, ASKED = 4 * 10**6, 4 * 10**6
"""Training tokens of which runs are counted, and tokens that are asked for at once: each takes some hundred bytes."""
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
    texts = Documents.of(table.texts)
    pieces, stream = texts.pieces, tokenised(run.tokenizer, texts)
    if stream.tokens < 1:
        raise InputError(f"{data}: no token to score in the {split} split; expected some text")
    say_all(sentences([run.tokenizer.unseen(pieces, as_written=True)]), say)
    characters, spelling = sum(map(len, pieces)), run.spelling(pieces)

    def scored(nats: NDArray[np.float64]) -> PerplexityScores:
        # The sum that torch forms of a whole tensor, of a mapped one too.
        return PerplexityScores(float(torch.from_numpy(nats).sum()), len(nats), characters, spelling)

    with stage(f"scoring {characters:,} characters"):
        model = scored(_predicted(run, stream))
    order = ORDERS[run.tokenizer.kind]
    train = SOURCE.trained(run, table, split, say, baselines)
    say_all(where_they_lie(table.texts, *([] if train is None else [train.texts])), say)
    if train is None:
        return LanguageModelReport(model, order)
    learned = tokenised(run.tokenizer, Documents.of(train.texts))
    if learned.size > COUNTED:
        say(f"the {order}-grams are counted of the first {COUNTED:,} of the {learned.size:,} training tokens")
    frequent = stream.mapped(unigram(learned.frequencies(run.tokenizer.size)))
    counted = [scored(nats) for nats in (_counted(learned, stream, order, run.tokenizer.size), frequent)]
    return LanguageModelReport(model, order, *counted)


def _predicted(run: LanguageRun, stream: Stream) -> NDArray[np.float64]:
    """Nats of each token but the first mark, by the model, where the texts lie."""
    found, end = stream.store.empty(stream.size - 1, np.float64), 0
    for nats in run.model.nats_of(window for (window,) in LaneFeed(stream, 1, SCORED_AT_ONCE, None).epoch(0, 0, 1)[0]):
        found[end : end + len(nats)] = nats.numpy()
        end += len(nats)
    return found


def _counted(train: Stream, test: Stream, order: int, vocabulary: int) -> NDArray[np.float64]:
    """The same by counting runs of so many tokens, some of the test at once: each is told those before it."""
    learned = train.at(np.arange(min(train.size, COUNTED)))
    found = test.store.empty(test.size - 1, np.float64)
    for begin in range(0, len(found), ASKED):
        asked = np.arange(max(0, begin + 2 - order), min(begin + ASKED, len(found)) + 1)
        nats = kneser_ney(learned, test.at(asked), order=order, vocabulary=vocabulary)
        new = found[begin : begin + ASKED]
        new[:] = nats[-len(new) :]
    return found
