"""What a tagger learns: tags, and labels of whole sentences, by the probability of all of them together."""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from cellwright.data.words import WordBatch
from cellwright.evaluation.spans import SpanScore, score_spans
from cellwright.models.dropout import hide
from cellwright.models.embedding import begin_from
from cellwright.models.tagger import Tagger
from cellwright.tasks.tag.config import TagConfig
from cellwright.tasks.tag.run import TagRunConfig
from cellwright.tasks.task import Metric, Objective, Step
from cellwright.tasks.vectors import Start

UNLEARNT = -100  # what torch's cross-entropy leaves out


class TagObjective(Objective):
    """Minus the log of the probability of a sentence's tags and label, in nats a word.

    Epochs are compared by F1 where tags write spans, else by the share of words tagged rightly; where sentences are
    classified too, by joint accuracy: the share of sentences whose tags and label are all right (Goo et al. 2018,
    "Slot-gated modeling for joint slot filling and intent prediction").
    """

    def __init__(self, run: TagRunConfig, options: TagConfig, names: Sequence[str], start: Start | None = None) -> None:
        """names: of the tags of validation examples; those behind the run's own are known to it alone.

        start: the vectors that the words begin from.
        """
        self.start = start
        self.run = run
        self.options = options
        self.names = names
        self.main = "accuracy" if run.scheme == "plain" else "f1"
        self.metric = Metric("joint_accuracy" if run.labels else self.main)

    def model(self) -> Tagger:
        """A new tagger."""
        return Tagger(self.run.model)

    def begin(self, model: Tagger) -> None:
        """Give it the vectors."""
        if self.start is not None:
            begin_from(model.embedding.token, *self.start, model.embedding.fixed)

    def loss(self, model: Tagger, batch: WordBatch) -> Step:
        """Mean over the words of a batch, in nats."""
        shown = batch._replace(words=hide(batch.words, self.options.token_dropout))
        if batch.features is not None:  # or a new one would be read by numbers that nobody has trained
            shown = shown._replace(features=hide(batch.features, self.options.token_dropout))
        total, _, _ = self._negative_log_likelihood(model, shown)
        count = int(batch.lengths.sum())
        return Step(total / count, count, count)

    def measure(self, model: Tagger, batch: WordBatch) -> Tensor:
        """(9,): nats, words, those right, spans right, given and true, sentences, those labelled rightly, those
        whose tags are right too."""
        total, best, logits = self._negative_log_likelihood(model, batch)
        true, given = (self._rows(tags, batch.lengths) for tags in (batch.tags, best))
        right = sum(a == b for row, other in zip(true, given, strict=True) for a, b in zip(row, other, strict=True))
        spans = [0, 0, 0]
        if self.run.scheme != "plain":
            score, _ = score_spans(true, given)
            spans = [score.right, score.given, score.true]
        labelled = [] if logits is None or batch.labels is None else logits.argmax(-1).eq(batch.labels).tolist()
        whole = sum(label and row == other for label, row, other in zip(labelled, true, given, strict=False))
        counts = [float(total), int(batch.lengths.sum()), right, *spans, len(batch.lengths), sum(labelled), whole]
        return torch.tensor(counts, dtype=torch.float64, device=total.device)

    def scores(self, sums: Sequence[float]) -> dict[str, float]:
        """Loss in nats a word, accuracy of words, F1 of spans, accuracy of sentences, and the joint one."""
        total, words, right, spans_right, given, true, sentences, labelled, whole = sums
        scores = {"loss": total / words, "accuracy": right / words}
        if self.run.scheme != "plain":
            scores["f1"] = SpanScore(int(spans_right), int(given), int(true)).f1
        if self.run.labels:
            scores["sentence_accuracy"] = labelled / sentences
            scores["joint_accuracy"] = whole / sentences
        return scores

    def _negative_log_likelihood(self, model: Tagger, batch: WordBatch) -> tuple[Tensor, Tensor, Tensor | None]:
        """Minus the log-probability of a batch's tags and labels, its best tags (B, T), its logits (B, classes).

        A tag that training has not seen has no probability: the first stands in its place. Such a label is left out.
        """
        assert batch.tags is not None  # prepared sentences have tags
        emissions, logits = model(batch)
        tags = batch.tags.masked_fill(batch.tags >= len(self.run.tags), 0)
        total = -model.log_likelihood(emissions, tags, batch.lengths).sum()
        if logits is not None:
            assert batch.labels is not None  # and labels, where the run has some
            labels = batch.labels.masked_fill(batch.labels >= len(self.run.labels), UNLEARNT)
            total = total + cross_entropy(logits, labels, reduction="sum", ignore_index=UNLEARNT)
        best = batch.tags if model.training else model.decode(emissions, batch.lengths)
        return total, best, logits

    def _rows(self, tags: Tensor | None, lengths: Tensor) -> list[list[str]]:
        assert tags is not None  # as above
        rows = zip(tags.tolist(), lengths.tolist(), strict=True)
        return [[self.names[tag] for tag in row[:length]] for row, length in rows]


def known_and_new(known: Sequence[str], found: Iterable[str]) -> list[str]:
    """The names that a run knows, and behind them those found beside, in the order of the alphabet."""
    return [*known, *sorted(set(found) - set(known))]
