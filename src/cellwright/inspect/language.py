"""What a language model does on one text: how surprising each token is, every state, and what its units follow.

reading = read_text(load_run("runs/book"), "To be, or not")
reading.bits    # (T,) of each token
found = units_that_follow(load_run("runs/book"))    # on the run's own validation side
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray

from cellwright.errors import InputError
from cellwright.inspect.features import features
from cellwright.inspect.probes import Probe, probe
from cellwright.nn import Recurrent
from cellwright.tasks.lm.prepare import documents, sides_of
from cellwright.tasks.lm.run import LanguageRun

PROBED = 20_000
"""Tokens by which units are found: at 512 units of two states, 160 MB."""
Array = NDArray[np.float32]


@dataclass(frozen=True)
class Reading:
    """A text as a language model reads it; T tokens.

    tokens  the T pieces of the text, as they stand in it
    ends    (T,) the place in the text right after each
    bits    (T,) minus log₂ of the probability of each, told those before
    states  layer and letter, "layer0.c", -> (T, H), after each token
    """

    tokens: list[str]
    ends: NDArray[np.int64]
    bits: Array
    states: Mapping[str, Array]

    @property
    def most_surprising(self) -> NDArray[np.int64]:
        """The places of the tokens, the most surprising first."""
        return np.argsort(-self.bits, kind="stable")


@torch.inference_mode()
def read_text(run: LanguageRun, text: str) -> Reading:
    """Read a text from its beginning. Raises InputError for one without a token."""
    ((numbers, spans),) = run.tokenizer.encode_with_spans([text])
    if not numbers:
        raise InputError("the text has no token: there is nothing to inspect; give it a word or more")
    (document,) = documents(run.tokenizer, [text])
    values = run.model.embedding(document[:, None])  # (T + 1, 1, E)
    states: dict[str, Array] = {}
    for k, layer in enumerate(cast("list[Recurrent]", list(run.model.layers))):
        values, _, (letters,) = layer(values, return_gates=True)
        states |= {f"layer{k}.{name}": letters[name][1:, 0].numpy() for name in layer.cell.states}
    bits = run.model.nats([document]) / np.log(2)
    tokens = [text[start:end] for start, end in spans]
    return Reading(tokens, np.array([end for _, end in spans]), bits.float().numpy(), states)


def arrays(reading: Reading) -> bytes:
    """A NumPy `.npz` file of every number: layer0.c (T, H), …, bits (T,), tokens."""
    content = BytesIO()
    tokens = np.array(reading.tokens)
    np.savez_compressed(content, allow_pickle=False, tokens=tokens, bits=reading.bits, **reading.states)
    return content.getvalue()


def units_that_follow(run: LanguageRun) -> list[Probe]:
    """For each feature of a text the unit that follows it best, on the beginning of the run's validation side.

    Raises InputError where that text is no longer there.
    """
    options: dict[str, Any] = run.config.options
    text = "\n\n".join(sides_of(options["data"], options)["validation"].texts)
    ((_, spans),) = run.tokenizer.encode_with_spans([text])
    reading = read_text(run, text[: spans[PROBED - 1][1]] if len(spans) > PROBED else text)
    values = features(text)
    return probe(reading.states, {name: column[reading.ends - 1] for name, column in values.items()})
