"""What a language model does on a text: every letter of every layer at every token, and what it expects to follow.

glance = expect(load_run("runs/novel"), "It was a dark")
glance.label, glance.probabilities[-1].max()    # the most probable next token, and how probable it is
"""

from __future__ import annotations

from typing import cast

import numpy as np
import torch

from cellwright.inspect.recording import Array, Glance, Letters, pieces, tokens_of
from cellwright.models.language_model import MARK
from cellwright.nn import Recurrent
from cellwright.tasks.lm.run import LanguageRun

EXPECTED = 6
"""Next tokens that are told."""
NAMES = {" ": "␣", "\n": "↵", "\t": "⇥"}


@torch.inference_mode()
def expect(run: LanguageRun, text: str) -> Glance:
    """The letters of the layers that read from the left, and the tokens that are most probable after the text.

    Its classes are these tokens; their probabilities after each token of the text sum to less than 1. Raises InputError
    for a text without tokens or with too many.
    """
    numbers, spans = tokens_of(run.tokenizer, text)
    tokens, between = pieces(text, spans)
    layers = cast("list[Recurrent]", list(run.model.layers))
    values = run.model.embedding(torch.tensor([[MARK], *([number] for number in numbers)]))  # (1 + T, 1, E)
    letters = []
    for k, layer in enumerate(layers):
        values, _, (recorded,) = layer(values, return_gates=True)
        letters.append(Letters(k, "forward", {name: each[1:, 0].numpy() for name, each in recorded.items()}))
    probabilities: Array = run.model.softmax(values[1:, 0]).exp().numpy()  # (T, V)
    best = np.argsort(-probabilities[-1], kind="stable")[:EXPECTED]
    return Glance(
        run=str(run.path),
        text=text,
        cell=layers[0].cell,
        labels=[_name(run, int(token)) for token in best],
        tokens=tokens,
        between=between,
        known=np.array([number != run.tokenizer.unknown for number in numbers]),
        probabilities=probabilities[:, best],
        letters=letters,
        meaning="The probability that a token comes next, of the tokens that are most probable after the whole text.",
    )


def _name(run: LanguageRun, token: int) -> str:
    if token in (MARK, run.tokenizer.unknown):
        return "end of the text" if token == MARK else "unknown"
    text = run.tokenizer.decode([token])
    return NAMES.get(text, text)
