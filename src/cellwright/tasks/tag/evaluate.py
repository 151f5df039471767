"""How good is a tagger on sentences that have tags?"""

from collections.abc import Callable, Mapping
from typing import Any

from cellwright.data import unseen
from cellwright.data.readers.values import listed
from cellwright.data.sentences import Sentences
from cellwright.data.splits import Split, what_flatters
from cellwright.evaluation.tagging import FrequentTags, TagComparison, score_tags
from cellwright.tasks.splits import check_split, nothing_on, options_for, say_all, training_split
from cellwright.tasks.tag.data import load_splits, open_file
from cellwright.tasks.tag.predictor import TagPredictor
from cellwright.tasks.tag.run import TagRun


def evaluate(
    run: TagRun,
    data: str,
    split: Split,
    columns: Mapping[str, Any],
    say: Callable[[str], None],
    baselines: bool,
) -> TagComparison:
    """Score the run beside each word's most frequent tag; see `Task.evaluate`."""
    sentences = _sentences(run, data, split, columns, say)
    _say_what_is_unknown(run, sentences, say)
    say_all(unseen.sentences(run.lexicon.unseen(sentences.tokens)), say)
    train = training_split(
        lambda: load_splits(run.config.options["data"], run.config.options), "sentences", say, baselines
    )
    if train is not None and split != "train":
        seen = set(map(tuple, train.tokens))
        known = sum(tuple(tokens) in seen for tokens in sentences.tokens)
        say_all(what_flatters(known, len(sentences), "sentences"), say)
    answers = TagPredictor(run).tag(sentences.tokens)
    labels = [answer.label or "" for answer in answers] if run.config.labels else None
    tags = [answer.tags for answer in answers]
    if train is None:
        return TagComparison(score_tags(sentences, tags, labels, run.config.scheme))
    frequent = FrequentTags(train)
    own = frequent.tags(sentences.tokens), frequent.labels(len(sentences))
    return TagComparison(
        score_tags(sentences, tags, labels, run.config.scheme, frequent.known),
        score_tags(sentences, *own, run.config.scheme, frequent.known),
    )


def _sentences(
    run: TagRun, data: str, split: Split, columns: Mapping[str, Any], say: Callable[[str], None]
) -> Sentences:
    options = options_for(run, data, columns)
    check_split(data, split)
    if split == "all":
        found, notes = open_file(data, options)
        for note in notes:
            say(note)
    else:
        found = load_splits(data, options)[split]
    if not any(found.tokens):
        raise nothing_on(data, split, "sentence", "sentence")
    return found


def _say_what_is_unknown(run: TagRun, sentences: Sentences, say: Callable[[str], None]) -> None:
    kinds = {
        "tags": (run.config.tags, {tag for row in sentences.tags for tag in row}),
        "labels": (run.config.labels, set(sentences.labels or [])),
    }
    for kind, (known, found) in kinds.items():
        if new := sorted(found - set(known)):
            say(f"{len(new)} of the {len(found)} {kind} are none that the run knows and count as wrong: {listed(new)}")
