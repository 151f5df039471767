"""What an autoencoder does on a text: what comes back of each token, and how probable that and the token itself are."""

from __future__ import annotations

from itertools import chain

import numpy as np
import torch

from cellwright.data.special_tokens import PADDING, UNKNOWN
from cellwright.inspect.capture import capturing
from cellwright.inspect.recording import Answers, Array, Recording, percent, pieces, token_name, tokens_of
from cellwright.tasks.autoencode.predictor import AutoencodePredictor
from cellwright.tasks.autoencode.run import AutoencodeRun

NAMES = ["the token that came back", "the token of the text"]
MEANING = "The probability of each token that came back, and of the token of the text in its place, told those before."


@torch.inference_mode()
def record(run: AutoencodeRun, text: str, reasons: bool = True) -> Recording:
    """The letters of the encoder over the text and of the decoder over what comes back.

    A text that is compressed in windows is shown whole, one window after the other; each begins anew. Raises InputError
    for a text without tokens, or with too many. There are no reasons to ask for.
    """
    model, predictor = run.model, AutoencodePredictor(run)
    numbers, spans = tokens_of(run.tokenizer, text)
    tokens, between = pieces(text, spans)
    windows = predictor.coded(run.text_encoder.encode([text])[0])
    layers = [model.recurrent, model.decoder]
    rows: list[torch.Tensor] = []
    with capturing(layers) as captured:
        for window in windows:
            read, given, length = (torch.tensor([each]) for each in (window.numbers, window.back, len(window.back)))
            rows.append(model.told(model.encode(read, length), given, length)[0].double().log_softmax(-1))
    logarithms: Array = torch.cat(rows).numpy()  # (T, V)
    back = list(chain.from_iterable(window.back for window in windows))
    prediction = predictor.prediction(windows)
    return Recording(
        run=str(run.path),
        text=text,
        cell=model.recurrent.cell,
        answer=prediction.reconstruction,
        share=float(np.exp(logarithms[np.arange(len(back)), back].sum())),
        prediction=prediction.as_json(),
        tokens=tokens,
        between=between,
        known=np.array([number != UNKNOWN for number in numbers]),
        answers=_answers(run, np.exp(logarithms), numbers, back),
        letters=[
            *captured.letters([model.recurrent], "encoder"),
            *captured.letters([model.decoder], "decoder", written=True),
        ],
        written=[_name(run, token) for token in back],
    )


def _answers(run: AutoencodeRun, shares: Array, numbers: list[int], back: list[int]) -> Answers:
    """(T, V) probabilities, the T tokens that were read, and those that came back."""
    steps = np.arange(len(back))
    values = np.stack([shares[steps, back], shares[steps, numbers]], 1).astype(np.float32)
    said = []
    for token, returned, (likely, own) in zip(numbers, back, values, strict=True):
        other = "" if token == returned else f"; “{_name(run, token)}” would have {percent(own)}"
        said.append(f"“{_name(run, returned)}” came back, {percent(likely)}{other}")
    return Answers(NAMES, values, said, MEANING)


def _name(run: AutoencodeRun, token: int) -> str:
    return "padding" if token == PADDING else token_name(run.tokenizer, token)
