"""How good is a tagger on sentences that have tags?"""

from collections.abc import Callable, Mapping
from typing import Any

from cellwright.data import unseen
from cellwright.data.readers.values import listed
from cellwright.data.sentences import Sentences
from cellwright.data.splits import Split
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
    if not any(sentences.tokens):
        raise nothing_on(data, split, "sentence")
    _say_what_is_unknown(run, sentences, say)
    say_all(unseen.sentences(run.lexicon.unseen(sentences.told)), say)
    train = SOURCE.trained(run, sentences, split, say, baselines)
    answers = TagPredictor(run).tag(sentences.told)
    labels = [answer.label or "" for answer in answers] if run.config.labels else None
    tags = [answer.tags for answer in answers]
    if train is None:
        return TagReport(score_tags(sentences, tags, labels, run.config.scheme))
    frequent = FrequentTags(train)
    own = frequent.tags(sentences.tokens), frequent.labels(len(sentences))
    return TagReport(
        score_tags(sentences, tags, labels, run.config.scheme, frequent.known),
        score_tags(sentences, *own, run.config.scheme, frequent.known),
    )


def _say_what_is_unknown(run: TagRun, sentences: Sentences, say: Callable[[str], None]) -> None:
    kinds = {
        "tags": (run.config.tags, {tag for row in sentences.tags for tag in row}),
        "labels": (run.config.labels, set(sentences.labels or [])),
    }
    for kind, (known, found) in kinds.items():
        if new := sorted(found - set(known)):
            say(f"{len(new)} of the {len(found)} {kind} are none that the run knows and count as wrong: {listed(new)}")
