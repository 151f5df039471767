"""How good is a tagger on sentences that have tags?"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellwright.data import unseen
from cellwright.data.arrays import store_of
from cellwright.data.cache import where_they_lie
from cellwright.data.column import Names, NamesBuilder
from cellwright.data.lists import Lists, frequencies, lengths_of, said_of
from cellwright.data.readers.values import listed
from cellwright.data.sentences import Sentences, Words
from cellwright.data.splits import Split
from cellwright.evaluation.mistakes import of_tags
from cellwright.evaluation.tagging import FrequentTags, TagReport, score_tags
from cellwright.tasks.splits import nothing_on, options_for, say_all
from cellwright.tasks.tag.data import SOURCE
from cellwright.tasks.tag.predictor import TagPredictor
from cellwright.tasks.tag.run import TagRun


def evaluate(
    run: TagRun,
    data: str,
    split: Split,
    columns: Mapping[str, Any],
    say: Callable[[str], None],
    baselines: bool,
) -> TagReport:
    """Score the run beside each word's most frequent tag; see `Task.evaluate`."""
    sentences = SOURCE.scored(data, split, options_for(run, data, columns), say)
    if not lengths_of(sentences.tokens).any():
        raise nothing_on(data, split, "sentence")
    _say_what_is_unknown(run, sentences, say)
    say_all(unseen.sentences(run.lexicon.unseen(sentences.told)), say)
    train = SOURCE.trained(run, sentences, split, say, baselines)
    tags, labels, sure = _answers(run, sentences)
    wrong = of_tags(sentences, tags, labels, sure, store_of(sentences.tokens))
    say_all(where_they_lie(sentences.tokens, *([] if train is None else [train.tokens])), say)
    if train is None:
        return TagReport(score_tags(sentences, tags, labels, run.config.scheme), mistakes=wrong)
    frequent = FrequentTags(train)
    own = frequent.tags(sentences.tokens), frequent.labels(len(sentences))
    return TagReport(
        score_tags(sentences, tags, labels, run.config.scheme, frequent.known),
        score_tags(sentences, *own, run.config.scheme, frequent.known),
        wrong,
    )


def _answers(run: TagRun, sentences: Sentences) -> tuple[Lists, Names | None, NDArray[np.float32]]:
    """The tags of each sentence, its label, if the run has any, and how probable these are; some sentences at once.

    Probabilities are those of all words, and of the labels behind them.
    """
    predictor, names = TagPredictor(run), run.config.labels
    store = store_of(sentences.tokens)
    labels = NamesBuilder(names, len(sentences) if names else 0, store)
    words, count = 0, int(lengths_of(sentences.tokens).sum(dtype=np.int64))
    sure, end = store.empty(count + len(labels.strings), np.float32), count

    def answer(some: Sequence[Words]) -> list[list[str]]:
        nonlocal words, end
        found, shares = predictor.tag_surely(some)
        for each in shares:
            sure[words : words + len(each)] = each
            words += len(each)
        if names:
            labels.add(each.label for each in found if each.label is not None)
            sure[end : end + len(found)] = [each.probability for each in found]
            end += len(found)
        return [each.tags for each in found]

    tags = said_of(sentences.tokens, run.config.tags, answer, sentences.told)
    return tags, labels.strings if names else None, sure


def _say_what_is_unknown(run: TagRun, sentences: Sentences, say: Callable[[str], None]) -> None:
    kinds = {
        "tags": (run.config.tags, set(frequencies(sentences.tags))),
        "labels": (run.config.labels, set(sentences.labels or [])),
    }
    for kind, (known, found) in kinds.items():
        if new := sorted(found - set(known)):
            say(f"{len(new)} of the {len(found)} {kind} are none that the run knows and count as wrong: {listed(new)}")
