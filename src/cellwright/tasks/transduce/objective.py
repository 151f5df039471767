"""What a transducer learns: each symbol of a target, told the source and the symbols before."""

from collections.abc import Sequence

import torch
from torch import Tensor

from cellwright.data.pair_batches import PairBatch
from cellwright.models.beam import greedy_search
from cellwright.models.embedding import begin_from
from cellwright.models.transducer import Transducer, negative_log_likelihood
from cellwright.models.transducer_architecture import TransducerConfig
from cellwright.tasks.task import Metric, Objective, Step
from cellwright.tasks.transduce.run import Symbols
from cellwright.tasks.vectors import Start


class TransduceObjective(Objective):
    """Smoothed cross-entropy in training; in validation the share of sources whose greedy answer is not right."""

    metric = Metric("sequence_error", higher_is_better=False)

    def __init__(
        self,
        model: TransducerConfig,
        symbols: Symbols,
        label_smoothing: float,
        *,
        start: Start | None = None,
        counterparts: Sequence[int] | None = None,
    ) -> None:
        """Note what is learned by what.

        start: the vectors that the symbols of sources begin from.
        counterparts: of each source id the target id that copying it gives, UNKNOWN for none; a model that copies needs
            them to begin.
        """
        self.start = start
        self.counterparts = counterparts
        self.config = model
        self.symbols = symbols
        self.label_smoothing = label_smoothing

    def model(self) -> Transducer:
        """A new transducer."""
        return Transducer(self.config)

    def begin(self, model: Transducer) -> None:
        """Give it the vectors, and what is a copy of what."""
        if self.start is not None:
            begin_from(model.source_embedding, *self.start, model.fixed)
        if model.copying is not None and self.counterparts is not None:
            model.copying.counterparts.copy_(torch.tensor(self.counterparts))

    def loss(self, model: Transducer, batch: PairBatch) -> Step:
        """Mean smoothed cross-entropy of a symbol or end of the targets, in nats."""
        symbols = int(batch.target_lengths.sum()) + len(batch.targets)
        lost = negative_log_likelihood(_logits(model, batch), batch.targets, batch.target_lengths, self.label_smoothing)
        return Step(lost.sum() / symbols, symbols, int(batch.source_lengths.sum()) + symbols)

    def measure(self, model: Transducer, batch: PairBatch) -> Tensor:
        """(4,): the sum of losses of the first targets, their symbols and ends, wrong answers, sources."""
        lost = negative_log_likelihood(_logits(model, batch), batch.targets, batch.target_lengths).sum()
        limits = self.symbols.limits(batch.source_lengths)
        answers = greedy_search(model, batch.sources, batch.source_lengths, limits)
        wrong = sum(answer not in right for answer, right in zip(answers, batch.references, strict=True))
        symbols = int(batch.target_lengths.sum()) + len(batch.targets)
        return torch.cat([lost[None].double(), lost.new_tensor([symbols, wrong, len(answers)], dtype=torch.float64)])

    def scores(self, sums: Sequence[float]) -> dict[str, float]:
        """Mean cross-entropy of a symbol in nats, and the share of sources whose answer is not right."""
        loss, symbols, wrong, sources = sums
        return {"loss": loss / symbols, "sequence_error": wrong / sources}


def _logits(model: Transducer, batch: PairBatch) -> Tensor:
    logits: Tensor = model(batch.sources, batch.source_lengths, batch.targets, batch.target_lengths)
    return logits
