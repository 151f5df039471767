"""Answers to sources, from a run folder.

predictor = Predictor.load("runs/words")
for prediction in predictor.predict(["read", "lead"]):
    print(prediction.target, [answer.target for answer in prediction.answers])
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from unicodedata import normalize

import torch

from cellwright.data.batches import collate
from cellwright.data.column import Bare
from cellwright.data.readers.records import Records
from cellwright.data.special_tokens import UNKNOWN
from cellwright.data.symbols import have_features, joined, with_features
from cellwright.data.unseen import Unseen
from cellwright.models.beam import Hypothesis, beam_search
from cellwright.tasks.predictor import Prediction, Predictor
from cellwright.tasks.texts import batches_of
from cellwright.tasks.transduce.run import TransduceRun

BATCH_TOKENS = 10_240  # of sources, padding included, and each as often as the search holds beginnings of its answer


@dataclass(frozen=True)
class Answer:
    """One answer to a source."""

    target: str
    score: float
    """What answers are compared by: log P / ((5 + symbols) / 6)^length_penalty."""
    log_probability: float
    """Of its symbols and of ending after them, in nats."""


@dataclass(frozen=True)
class Transduced(Prediction):
    """What a transducer makes of one source."""

    target: str
    """The best answer; empty for a source without symbols."""
    answers: list[Answer]
    """The best answers, the best first."""
    source_symbols: list[str]
    target_symbols: list[str]
    """Of the best answer."""
    alignment: list[list[float]]
    """(target symbols and the end, source symbols): where in the source each symbol of the best answer came from."""
    unknown: list[str]
    """Symbols of the source that training never saw, and that the model could not tell apart."""

    def line(self, text: str) -> str:
        """Answer and source, with a tab between them."""
        return f"{' '.join(self.target.split())}\t{' '.join(text.split())}"


class TransducePredictor(Predictor[Transduced]):
    """A trained transducer that takes sources."""

    roles = ("source", "features")

    def __init__(self, run: TransduceRun) -> None:
        """Predict with a run that is loaded."""
        self.run: TransduceRun = run
        if run.config.symbols.features:
            self.reads = "features stand behind the source, a + before each, as in: walk +V +PST"

    def settled(self, first: Records, options: Mapping[str, Any]) -> Mapping[str, Any]:
        """Features stand in their column, if the run learned from one, unless most of the first sources have some."""
        apart = options["features"] is not None and first.named and not have_features(super().cells(first, options))
        return {**options, "features": options["features"] if apart else None}

    def cells(self, records: Records, options: Mapping[str, Any]) -> list[str]:
        """The sources, and behind them the features of their column."""
        sources, features = super().cells(records, options), options["features"]
        if features is None:
            return list(sources)
        return list(map(with_features, map(str.strip, sources), records.texts(features)))

    def predict(self, texts: Sequence[str]) -> list[Transduced]:
        """Answer each text, in their order; white space at its ends aside."""
        sources = [normalize("NFC", text.strip()) for text in texts]
        read = self.run.source.encode_with_spans(sources)
        numbers = [ids for ids, _ in read]
        parts = [
            [normalize("NFC", text[a:b]) for a, b in spans] for text, (_, spans) in zip(sources, read, strict=True)
        ]
        found = [Transduced("", [Answer("", 0.0, 0.0)], [], [], [], [])] * len(sources)
        filled = [i for i, each in enumerate(numbers) if each]
        beam = self.run.config.decoding.beam_size
        for batch in batches_of([beam * len(numbers[i]) for i in filled], BATCH_TOKENS):
            indices = [filled[i] for i in batch]
            answered = self._answer([parts[i] for i in indices], [numbers[i] for i in indices])
            for i, prediction in zip(indices, answered, strict=True):
                found[i] = prediction
        return found

    def unseen(self, texts: Sequence[str]) -> list[Unseen]:
        """Count the symbols of sources that the run does not know."""
        return [replace(self.run.source.unseen(Bare(texts)), kind="symbols")]

    @torch.inference_mode()
    def _answer(self, sources: Sequence[list[str]], numbers: Sequence[Sequence[int]]) -> list[Transduced]:
        model = self.run.model
        tokens, lengths, *_ = collate([(each, None) for each in numbers])
        found = self.search(tokens, lengths)
        targets, target_lengths, *_ = collate([(hypotheses[0].symbols, None) for hypotheses in found])
        alignment = model.decode(model.encode(tokens, lengths), targets, target_lengths).alignment  # (B, T + 1, S)
        return [
            self.prediction(source, ids, hypotheses, rows[: len(hypotheses[0].symbols) + 1, : len(ids)])
            for source, ids, hypotheses, rows in zip(sources, numbers, found, alignment, strict=True)
        ]

    def search(self, tokens: torch.Tensor, lengths: torch.Tensor) -> list[list[Hypothesis]]:
        """Find the best answers to sources (B, S) int64 of these lengths (B), from 1 on; of each the best first."""
        limits, how = self.run.config.symbols.limits(lengths), self.run.config.decoding
        return beam_search(
            self.run.model,
            tokens,
            lengths,
            limits,
            beam_size=how.beam_size,
            n_best=how.n_best,
            length_penalty=how.length_penalty,
        )

    def prediction(
        self, source: list[str], ids: Sequence[int], found: Sequence[Hypothesis], alignment: torch.Tensor
    ) -> Transduced:
        """What was found for a source of S symbols and their numbers; alignment (T + 1, S) of the best of it."""
        symbols = self.run.config.symbols
        written = [self.run.target.symbols(hypothesis.symbols) for hypothesis in found]
        return Transduced(
            target=joined(written[0], symbols.target),
            answers=[
                Answer(joined(target, symbols.target), hypothesis.score, hypothesis.log_probability)
                for target, hypothesis in zip(written, found, strict=True)
            ],
            source_symbols=source,
            target_symbols=written[0],
            alignment=alignment.tolist(),
            unknown=[part for part, number in zip(source, ids, strict=True) if number == UNKNOWN],
        )
