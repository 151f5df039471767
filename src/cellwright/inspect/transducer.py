"""What a transducer does on a source: what it writes, and where in the source it looks for each symbol."""

from __future__ import annotations

import math
from unicodedata import normalize

import numpy as np
import torch

from cellwright.data.special_tokens import UNKNOWN
from cellwright.inspect.capture import capturing
from cellwright.inspect.recording import Answers, Array, Recording, percent, pieces, tokens_of
from cellwright.models.transducer import END
from cellwright.tasks.transduce.predictor import TransducePredictor
from cellwright.tasks.transduce.run import TransduceRun

MARK = "■"
"""Stands for the end of an answer."""
NAMES = ["the symbol written", "the next best"]
MEANING = "The probability of each symbol that was written, and of the most probable other one, told those before."


@torch.inference_mode()
def record(run: TransduceRun, text: str, reasons: bool = True) -> Recording:
    """The letters of the encoder over the source and of the decoder over the answer, and the attention.

    Raises InputError for a source without symbols, or with too many. There are no reasons to ask for.
    """
    text = normalize("NFC", text.strip())  # as the predictor reads it
    model, predictor = run.model, TransducePredictor(run)
    numbers, spans = tokens_of(run.source, text)
    tokens, between = pieces(text, spans)
    rows, lengths = torch.tensor([numbers]), torch.tensor([len(numbers)])
    (found,) = predictor.search(rows, lengths)
    symbols = found[0].symbols
    encoder, decoder = [model.encoder], [model.lower, model.upper]
    with capturing([*encoder, *decoder]) as captured:
        targets = torch.tensor([symbols], dtype=torch.int64)
        decoded = model.decode(model.encode(rows, lengths), targets, torch.tensor([len(symbols)]))
    attention: Array = decoded.alignment[0].numpy()  # (W, S): W symbols written, the end among them
    prediction = predictor.prediction(tokens, numbers, found, decoded.alignment[0])
    shares: Array = decoded.logits[0].double().softmax(-1).float().numpy()
    copied: Array = 1 - (decoded.own.double() - decoded.logits.double())[0].exp().numpy()
    return Recording(
        run=str(run.path),
        text=text,
        cell=model.encoder.cell,
        answer=prediction.target or "nothing",
        share=math.exp(found[0].log_probability),
        prediction=prediction.as_json(),
        step="symbol",
        tokens=tokens,
        between=between,
        known=np.array([number != UNKNOWN for number in numbers]),
        answers=_answers(run, shares, copied, [*symbols, END], tokens, attention),
        letters=[*captured.letters(encoder, "encoder"), *captured.letters(decoder, "decoder", written=True)],
        written=[*prediction.target_symbols, MARK],
        attention=attention,
    )


def _answers(
    run: TransduceRun, shares: Array, copied: Array, symbols: list[int], source: list[str], attention: Array
) -> Answers:
    """(W, V) probabilities, the share of each that is copied, the W symbols written."""
    values, said = [], []
    for row, lent, symbol, looked in zip(shares, copied, symbols, attention, strict=True):
        other = max((k for k in range(len(row)) if k not in (symbol, UNKNOWN)), key=row.__getitem__)
        place = int(looked.argmax())
        values.append((row[symbol], row[other]))
        said.append(
            f"{percent(row[symbol])}, “{_name(run, other)}” would have {percent(row[other])}; "
            + (f"{percent(lent[symbol])} of it copied; " if run.config.model.copying else "")
            + f"it looked at “{source[place]}” most, {percent(looked[place])}"
        )
    return Answers(NAMES, np.array(values, dtype=np.float32), said, MEANING)


def _name(run: TransduceRun, symbol: int) -> str:
    return MARK if symbol == END else run.target.symbols([symbol])[0]
