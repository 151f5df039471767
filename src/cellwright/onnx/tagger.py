"""A tagger: numbers of words and of their characters to scores of each tag.

The best labelling of a conditional random field is left to the caller, for whom its scores are results too: nothing
here writes the field's decoding a second time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from cellwright.data.words import WordBatch
from cellwright.errors import InputError
from cellwright.models.tagger import Tagger
from cellwright.onnx.graph import BATCH, TIME, Axes, Graph, ids_of, lengths_of
from cellwright.tasks.tag.run import LEXICON, TagRun

CHARACTERS = "characters"


class _Scores(nn.Module):
    def __init__(self, model: Tagger) -> None:
        super().__init__()
        self.model = model

    def forward(
        self, words: Tensor, lengths: Tensor, characters: Tensor | None = None, spelled: Tensor | None = None
    ) -> dict[str, Tensor]:
        if characters is None or spelled is None:
            characters, spelled = words[..., None], torch.ones_like(words)  # which the model does not look at
        forms = torch.arange(words.numel()).view(words.shape)  # each word is spelled by itself
        batch = WordBatch(words, lengths, characters.flatten(0, 1), spelled.flatten(), forms, None, None)
        output = self.model(batch)
        found = {"scores": output.emissions}
        if output.logits is not None:
            found["logits"] = output.logits
        if self.model.crf is not None:
            crf = self.model.crf
            found |= {"start": crf.start.clone(), "transitions": crf.transitions.clone(), "end": crf.end.clone()}
        return found


def graph(run: TagRun) -> Graph:
    """Words, lengths, and characters where the model reads them -> scores, logits of the sentence, the field's own."""
    model = run.config.model
    if model.features:
        raise InputError(
            f"{run.path}: a tagger of --feature-columns, which no file of ONNX takes yet; expected a run without"
        )
    axes: dict[str, Axes] = {"words": (BATCH, TIME), "lengths": (BATCH,)}
    if model.char_embedding_dim:
        axes |= {CHARACTERS: (BATCH, TIME, "letters"), "spelled": (BATCH, TIME)}

    def draw(batch: int, time: int) -> Mapping[str, Tensor]:
        generator = torch.Generator().manual_seed(batch * time)
        letters = time + 2
        words = ids_of(batch, time, model.vocab_size, generator)
        found = {"words": words, "lengths": lengths_of(batch, time, generator)}
        if model.char_embedding_dim:
            found[CHARACTERS] = ids_of(batch * time, letters, model.alphabet, generator).view(batch, time, letters)
            spelled = torch.randint(1, letters + 1, (batch, time), generator=generator)
            within = torch.arange(time) < found["lengths"][:, None]
            found["spelled"] = torch.where(within, spelled, 0)
        return found

    metadata: dict[str, Any] = {"tags": run.config.tags, "labels": run.config.labels, "scheme": run.config.scheme}
    feed = [f"words are numbered from 2 on in the order of {run.path / LEXICON}, 1 is an unknown one, 0 pads"]
    if model.char_embedding_dim:
        feed.append("characters are those of each word, numbered likewise; spelled counts them, 0 beyond lengths")
    if model.crf:
        feed.append(
            "the best tags are those of the largest start + scores + transitions [from, to] + end, by Viterbi's "
            "algorithm, in the order of the metadata's tags"
        )
    else:
        feed.append("a word's tag is that of the largest score, in the order of the metadata's tags")
    return Graph(_Scores(run.model), axes, draw, metadata, feed)
