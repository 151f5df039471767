"""How good a tagger is, beside what a list of words reaches: each word's most frequent tag."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from cellwright.data.sentences import Sentences
from cellwright.evaluation.baselines import majority_class
from cellwright.evaluation.metrics import Scores, score
from cellwright.evaluation.spans import Scheme, SpanScore, score_spans

Tags = Sequence[Sequence[str]]  # of each sentence the tag of each word


@dataclass(frozen=True)
class TagScores:
    """How well sentences are tagged."""

    words: Scores
    """Of each word's tag by itself; its `texts` are words."""
    spans: SpanScore | None
    """Of spans, where the tags write spans."""
    kinds: dict[str, SpanScore]
    """Of the spans of each kind."""
    sentences: Scores | None
    """Of the labels of whole sentences, where there are any."""

    @property
    def headline(self) -> float:
        """F1 of spans where there are spans, else the share of words tagged rightly."""
        return self.words.accuracy if self.spans is None else self.spans.f1

    def as_json(self) -> dict[str, Any]:
        """The scores, spelled out."""
        spelled: dict[str, Any] = {
            "accuracy": self.words.accuracy,
            "tags": [asdict(each) for each in self.words.classes],
        }
        if self.spans is not None:
            spelled["spans"] = _spelled(self.spans)
            spelled["kinds"] = {kind: _spelled(each) for kind, each in self.kinds.items()}
        if self.sentences is not None:
            spelled["sentence_accuracy"] = self.sentences.accuracy
            spelled["sentence_classes"] = [asdict(each) for each in self.sentences.classes]
        return spelled


def score_tags(true: Sentences, tags: Tags, labels: Sequence[str] | None, scheme: Scheme) -> TagScores:
    """Score the tags, and the labels if there are any, that a tagger gives to sentences with their true ones.

    Tags and labels that the tagger has never seen count as wrong. Raises ValueError for sentences without any word.
    """
    flat, given = ([tag for row in rows for tag in row] for rows in (true.tags, tags))
    total, kinds = (None, {}) if scheme == "plain" else score_spans(true.tags, tags)
    sentences = None
    if labels is not None and true.labels is not None:
        sentences = score(true.labels, labels, sorted({*true.labels, *labels}))
    return TagScores(score(flat, given, sorted({*flat, *given})), total, kinds, sentences)


class FrequentTags:
    """A word has the tag that it had most often in training, another word the most frequent of all tags.

    baseline = FrequentTags(train)
    scores = score_tags(test, baseline.tags(test.tokens), baseline.labels(len(test)), scheme)
    """

    def __init__(self, train: Sentences) -> None:
        counts: dict[str, Counter[str]] = defaultdict(Counter)
        for tokens, tags in zip(train.tokens, train.tags, strict=True):
            for token, tag in zip(tokens, tags, strict=True):
                counts[token][tag] += 1
        self._tag = {token: _most(count) for token, count in counts.items()}
        self._other = _most(sum(counts.values(), Counter()))
        self._label = None if train.labels is None else majority_class(train.labels)

    def tags(self, tokens: Sequence[Sequence[str]]) -> list[list[str]]:
        """Return a tag for each word of each sentence."""
        return [[self._tag.get(token, self._other) for token in row] for row in tokens]

    def labels(self, count: int) -> list[str] | None:
        """Return the most frequent label for each of `count` sentences; None where training had no labels."""
        return None if self._label is None else [self._label] * count


def _most(count: Counter[str]) -> str:
    """Of equally frequent ones the first in the alphabet."""
    return min(count, key=lambda tag: (-count[tag], tag))


def _spelled(score: SpanScore) -> dict[str, float]:
    return {"precision": score.precision, "recall": score.recall, "f1": score.f1, **asdict(score)}
