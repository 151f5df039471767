"""How good a tagger is, beside what a list of words reaches: each word's most frequent tag."""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from cellwright.data.column import Names
from cellwright.data.lists import Lists, flat, frequencies, said_of
from cellwright.data.sentences import Sentences
from cellwright.data.wording import counted
from cellwright.evaluation.majority import majority_class
from cellwright.evaluation.metrics import ClassScore, Scores, score
from cellwright.evaluation.mistakes import Mistakes
from cellwright.evaluation.report import Report, Section
from cellwright.evaluation.spans import Scheme, SpanScore, score_spans

MOST_MISTAKES = 12
Tags = Sequence[Sequence[str]]  # of each sentence the tag of each word


@dataclass(frozen=True)
class Share:
    """Some of a number of words."""

    right: int
    words: int

    @property
    def accuracy(self) -> float:
        """Share of them; 0 of none."""
        return self.right / self.words if self.words else 0.0


@dataclass(frozen=True)
class TagScores:
    """How well sentences are tagged."""

    count: int
    """Number of sentences."""
    words: Scores
    """Of each word's tag by itself; its `texts` are words."""
    spans: SpanScore | None
    """Of spans, where the tags write spans."""
    kinds: dict[str, SpanScore]
    """Of the spans of each kind."""
    sentences: Scores | None
    """Of the labels of whole sentences, where there are any."""
    joint: float | None = None
    """Share of the sentences whose tags are all right and whose label is too, where there are labels."""
    unseen: Share | None = None
    """Words tagged rightly of those that training has not seen, where that is known."""

    @property
    def headline(self) -> float:
        """F1 of spans where there are spans, else the share of words tagged rightly."""
        return self.words.accuracy if self.spans is None else self.spans.f1

    @property
    def compared(self) -> float:
        """What taggers are compared by: the headline, where sentences are labelled the joint accuracy."""
        return self.headline if self.joint is None else self.joint

    def as_json(self) -> dict[str, Any]:
        """The scores, spelled out."""
        spelled: dict[str, Any] = {
            "accuracy": self.words.accuracy,
            "tags": [asdict(each) for each in self.words.classes],
        }
        if self.spans is not None:
            spelled["spans"] = _spelled(self.spans)
            spelled["kinds"] = {kind: _spelled(each) for kind, each in self.kinds.items()}
        if self.unseen is not None:
            spelled["unseen_words"] = {"accuracy": self.unseen.accuracy, **asdict(self.unseen)}
        if self.sentences is not None:
            spelled["sentence_accuracy"] = self.sentences.accuracy
            spelled["sentence_classes"] = [asdict(each) for each in self.sentences.classes]
            spelled["joint_accuracy"] = self.joint
        return spelled


def score_tags(
    true: Sentences,
    tags: Tags,
    labels: Sequence[str] | None,
    scheme: Scheme,
    known: Callable[[str], bool] | None = None,
) -> TagScores:
    """Score the tags, and the labels if there are any, that a tagger gives to sentences with their true ones.

    known: whether training has seen a word. Tags and labels that the tagger has never seen count as wrong.

    Raises ValueError for sentences without any word.
    """
    total, kinds = (None, {}) if scheme == "plain" else score_spans(true.tags, tags)
    sentences, joint = None, None
    if labels is not None and true.labels is not None:
        sentences = score(true.labels, labels, sorted({*true.labels, *labels}))
        each = zip(true.tags, tags, true.labels, labels, strict=True)
        joint = sum([*row] == [*other] and label == said for row, other, label, said in each) / len(true)
    unseen = None if known is None else _unseen(true, tags, known)
    right, given = flat(true.tags), flat(tags)
    words_of = score(right, given, sorted({*right, *given}))
    return TagScores(len(true), words_of, total, kinds, sentences, joint, unseen)


def _unseen(true: Sentences, tags: Tags, known: Callable[[str], bool]) -> Share:
    """Of the words that training has not seen."""
    right = words = 0
    for row in zip(true.tokens, true.tags, tags, strict=True):
        found = [a == b for word, a, b in zip(*row, strict=True) if not known(word)]
        right, words = right + sum(found), words + len(found)
    return Share(right, words)


@dataclass(frozen=True)
class TagReport(Report):
    """Scores of a tagger and of each word's most frequent tag; the latter None where training cannot be read."""

    model: TagScores
    frequent: TagScores | None = None
    mistakes: Mistakes | None = None

    @property
    def counted(self) -> str:
        """How many sentences."""
        return counted(self.model.count, "sentence")

    def sections(self) -> list[Section]:
        """The scores, of each tag or kind of span, of each label, and what is mistaken for what."""
        model = self.model
        sections = [_models(self)]
        if model.spans is not None:
            rows = [(kind or "(no name)", *_shares(each), f"{each.true:,}") for kind, each in model.kinds.items()]
            sections.append(Section("each kind of span", ("precision", "recall", "F1", "spans"), rows))
        else:
            sections.append(_classes("each tag", "words", model.words))
        if model.sentences is not None:
            sections.append(_classes("each label of a sentence", "sentences", model.sentences))
        return [*sections, _mistakes(model.words)]

    def as_json(self) -> dict[str, Any]:
        """The comparison as `evaluate --json` prints it."""
        return {
            "sentences": self.model.count,
            "words": self.model.words.texts,
            "model": self.model.as_json(),
            "most_frequent_tag": self.frequent and self.frequent.as_json(),
        }

    def verdict(self) -> str:
        """What the network adds to the most frequent tags."""
        name = "accuracy of words" if self.model.spans is None else "F1 of spans"
        if self.frequent is None:
            return f"The network reaches {self.model.headline:.3f} {name}."
        gain = self.model.headline - self.frequent.headline
        if gain < 0:
            return (
                f"Each word's most frequent tag is {-gain:.3f} ahead of the network: train longer, or with another "
                "--learning-rate or --batch-tokens."
            )
        return f"The network adds {gain:.3f} to the {name} of each word's most frequent tag."


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
        self._other = _most(frequencies(train.tags))
        self._label = None if train.labels is None else majority_class(train.labels)

    def tags(self, tokens: Tags) -> Lists:
        """Return a tag for each word of each sentence."""
        names = sorted({self._other, *self._tag.values()})
        return said_of(
            tokens, names, lambda some: [[self._tag.get(token, self._other) for token in row] for row in some]
        )

    def known(self, token: str) -> bool:
        """Whether the word stood in training."""
        return token in self._tag

    def labels(self, count: int) -> Names | None:
        """Return the most frequent label for each of `count` sentences; None where training had no labels."""
        return None if self._label is None else Names.repeated(self._label, count)


def _most(count: Counter[str]) -> str:
    """Of equally frequent ones the first in the alphabet."""
    return min(count, key=lambda tag: (-count[tag], tag))


def _models(comparison: TagReport) -> Section:
    """A row of scores a model; as many columns as there are scores."""
    named = {"this model": comparison.model, "most frequent tag": comparison.frequent}
    columns: dict[str, list[str]] = {}
    for scores in (each for each in named.values() if each is not None):
        if scores.spans is not None:
            for column, share in zip(("precision", "recall", "F1"), _shares(scores.spans), strict=True):
                columns.setdefault(column, []).append(share)
        columns.setdefault("words", []).append(f"{scores.words.accuracy:.4f}")
        if scores.unseen is not None:
            columns.setdefault(f"unseen ({scores.unseen.words:,})", []).append(f"{scores.unseen.accuracy:.4f}")
        if scores.sentences is not None:
            columns.setdefault("sentences", []).append(f"{scores.sentences.accuracy:.4f}")
        if scores.joint is not None:
            columns.setdefault("joint", []).append(f"{scores.joint:.4f}")
    names = [name for name, scores in named.items() if scores is not None]
    return Section("scores", tuple(columns), list(zip(names, *columns.values(), strict=True)))


def _shares(score: SpanScore | ClassScore) -> tuple[str, ...]:
    return tuple(f"{share:.3f}" for share in (score.precision, score.recall, score.f1))


def _classes(title: str, what: str, scores: Scores) -> Section:
    rows = [(each.label, *_shares(each), f"{each.support:,}") for each in scores.classes]
    return Section(title, ("precision", "recall", "F1", what), rows)


def _mistakes(scores: Scores) -> Section:
    """The most frequent ones: a matrix of 44 tags nobody reads."""
    counts = {
        (true, given): count
        for true, row in zip(scores.labels, scores.confusion, strict=True)
        for given, count in zip(scores.labels, row, strict=True)
        if true != given and count
    }
    most = sorted(counts, key=lambda pair: (-counts[pair], pair))[:MOST_MISTAKES]
    return Section("most frequent mistakes", ("given", "words"), [(a, b, f"{counts[a, b]:,}") for a, b in most])


def _spelled(score: SpanScore) -> dict[str, float]:
    return {"precision": score.precision, "recall": score.recall, "f1": score.f1, **asdict(score)}
