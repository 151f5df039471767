"""A language model: tokens and states to the logarithms of each next token's probabilities and the states after."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from cellwright.models.language_model import LanguageModel
from cellwright.nn import Recurrent
from cellwright.nn.states import as_tuple
from cellwright.onnx.graph import BATCH, TIME, Axes, Graph, ids_of, lengths_of
from cellwright.tasks.lm.run import LanguageRun
from cellwright.tasks.texts import TOKENIZER


class _Logarithms(nn.Module):
    def __init__(self, model: LanguageModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, ids: Tensor, lengths: Tensor, **states: Tensor) -> dict[str, Tensor]:
        given = iter(states.values())
        before = [tuple(next(given)[None] for _ in _layer(self.model, k).cell.states) for k in _numbers(self.model)]
        logarithms, after = self.model(ids.T, [s if len(s) > 1 else s[0] for s in before], lengths=lengths)
        flat = [s[0] for end in after for s in as_tuple(end)]
        named = {f"{name}_next": s for name, s in zip(states, flat, strict=True)}
        return {"log_probabilities": logarithms.transpose(0, 1)} | named


def _numbers(model: LanguageModel) -> range:
    return range(len(model.layers))


def _layer(model: LanguageModel, k: int) -> Recurrent:
    return cast(Recurrent, model.layers[k])


def graph(run: LanguageRun) -> Graph:
    """Ids, lengths and the states of each layer, (B, H) each -> (B, T, V) and the states after."""
    model = run.model
    widths: dict[str, int] = {}
    for k in _numbers(model):
        states = as_tuple(_layer(model, k).initial_state(1))
        widths |= {f"{name}{k}": s.shape[-1] for name, s in zip(_layer(model, k).cell.states, states, strict=True)}
    axes: dict[str, Axes] = {"ids": (BATCH, TIME), "lengths": (BATCH,)} | dict.fromkeys(widths, (BATCH, None))

    def draw(batch: int, time: int) -> dict[str, Tensor]:
        generator = torch.Generator().manual_seed(batch * time)
        ids = ids_of(batch, time, run.config.model.vocab_size, generator)
        found = {"ids": ids, "lengths": lengths_of(batch, time, generator)}
        return found | {name: torch.rand(batch, width, generator=generator) for name, width in widths.items()}

    feed = [
        f"ids are those of {run.path / TOKENIZER}, which Hugging Face tokenizers reads; a document begins with 0",
        f"{', '.join(widths)} are zeros at first, later what the call before gave under their names with _next",
    ]
    return Graph(_Logarithms(model), axes, draw, {}, feed)
