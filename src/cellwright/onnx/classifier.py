"""A classifier: token numbers to logits of each label."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn

from cellwright.errors import InputError
from cellwright.models.classifier import Classifier
from cellwright.onnx.graph import BATCH, TIME, Graph, ids_of, lengths_of
from cellwright.tasks.classify.run import ClassifyRun
from cellwright.tasks.texts import TOKENIZER

SEVERAL = ("windows", "compress", "sentences")
"""Ways of reading that make several pieces of a text."""


class _Logits(nn.Module):
    def __init__(self, model: Classifier) -> None:
        super().__init__()
        self.model = model

    def forward(self, ids: Tensor, lengths: Tensor) -> dict[str, Tensor]:
        return {"logits": cast(Tensor, self.model(ids, lengths))}


def graph(run: ClassifyRun) -> Graph:
    """Ids, lengths -> logits. Raises InputError for a run that reads a text in several pieces."""
    long_text, model = run.config.long_text, run.config.model
    if long_text.truncation in SEVERAL or model.join == "recurrent":
        what = f"--truncation {long_text.truncation}" if long_text.truncation in SEVERAL else f"--join {model.join}"
        raise InputError(
            f"{run.path}: was trained with {what}, by which a text is several pieces, and an exported one is read in "
            "one; train with --truncation head, tail, head+tail or middle, or without"
        )

    def draw(batch: int, time: int) -> dict[str, Tensor]:
        generator = torch.Generator().manual_seed(batch * time)
        ids = ids_of(batch, time, model.vocab_size, generator)
        return {"ids": ids, "lengths": lengths_of(batch, time, generator)}

    feed = [
        f"ids are those of {run.path / TOKENIZER}, which Hugging Face tokenizers reads, padded by 0 beyond lengths",
        "softmax over logits gives the probability of each label, in the order of the metadata's labels",
    ]
    if long_text.truncation is not None:
        feed.append(
            f"a text of more than {long_text.max_length} tokens is shortened before, by "
            f"--truncation {long_text.truncation}"
        )
    metadata: dict[str, Any] = {"labels": run.labels, "long_text": long_text.model_dump(mode="json")}
    return Graph(_Logits(run.model), {"ids": (BATCH, TIME), "lengths": (BATCH,)}, draw, metadata, feed)
