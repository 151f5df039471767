"""Codes for texts, and what comes back from them."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from cellwright.data.batches import collate
from cellwright.data.unseen import Unseen
from cellwright.tasks.autoencode.run import AutoencodeRun
from cellwright.tasks.predictor import Prediction, Predictor
from cellwright.tasks.texts import batches_of

BATCH_TOKENS = 4096  # padding included


@dataclass(frozen=True)
class Coded(Prediction):
    """A text's codes, one a window, and the text that the decoder makes of them."""

    reconstruction: str
    """The most probable tokens, the decoder told those that it gave before."""
    exact: float
    """Share of the text's tokens that it brings back in their place; 1 for a text without tokens."""
    codes: list[list[float]]
    """(windows, K): one code for each window of at most `max_length` tokens; a text without tokens has none."""

    def line(self, text: str) -> str:
        """Share brought back, what came back, and the text, with tabs between them."""
        return f"{self.exact:.3f}\t{' '.join(self.reconstruction.split())}\t{' '.join(text.split())}"


@dataclass(frozen=True)
class Window:
    """A window of at most `max_length` tokens, its code, and the tokens that come back."""

    numbers: Sequence[int]
    code: list[float]
    back: list[int]


class AutoencodePredictor(Predictor[Coded]):
    """A trained autoencoder that takes texts."""

    def __init__(self, run: AutoencodeRun) -> None:
        self.run: AutoencodeRun = run

    def predict(self, texts: Sequence[str]) -> list[Coded]:
        """Compress each text and bring it back, in their order."""
        read = [[window for window in pieces if len(window)] for pieces in self.run.text_encoder.encode(texts)]
        coded = iter(self.coded([window for windows in read for window in windows]))
        return [self.prediction([next(coded) for _ in windows]) for windows in read]

    def unseen(self, texts: Sequence[str]) -> list[Unseen]:
        """Count the tokens that the run does not know."""
        return [self.run.tokenizer.unseen(texts)]

    @torch.inference_mode()
    def coded(self, windows: Sequence[Sequence[int]]) -> list[Window]:
        """Compress windows of at least one token, and bring them back."""
        found: dict[int, Window] = {}
        for indices in batches_of([len(window) for window in windows], BATCH_TOKENS):
            batch = collate([(windows[i], None) for i in indices])
            codes = self.run.model.encode(batch.tokens, batch.lengths)  # (B, K)
            backs = self.run.model.decode(codes, batch.lengths)  # (B, T)
            for i, code, back in zip(indices, codes.tolist(), backs.tolist(), strict=True):
                found[i] = Window(windows[i], code, back[: len(windows[i])])
        return [found[i] for i in range(len(windows))]

    def prediction(self, windows: Sequence[Window]) -> Coded:
        """What the windows of a text, in order, make together."""
        pairs = [pair for w in windows for pair in zip(w.numbers, w.back, strict=True)]
        exact = sum(true == back for true, back in pairs) / len(pairs) if pairs else 1.0
        text = self.run.tokenizer.decode([back for _, back in pairs])
        return Coded(text, exact, [window.code for window in windows])
