"""What a classifier does on a text: the class after each token, and what each token contributed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from cellwright.data.special_tokens import UNKNOWN
from cellwright.errors import InputError
from cellwright.inspect.attribution import Attributions, integrated_gradients, log_odds
from cellwright.inspect.beginnings import outputs_of_beginnings
from cellwright.inspect.capture import capturing
from cellwright.inspect.recording import (
    Answers,
    Array,
    Recording,
    pieces,
    rows_with_gradients,
    tokens_of,
    up_to_here,
)
from cellwright.tasks.classify.run import ClassifyRun


def record(run: ClassifyRun, text: str, reasons: bool = True) -> Recording:
    """Record what `run` does on `text`; `reasons`: with the attributions, which take longer than all the rest.

    Raises InputError for a text without tokens, with more than MOST_TOKENS, or that the run reads in parts.
    """
    numbers, spans = _tokens(run, text)
    tokens, between = pieces(text, spans)
    with torch.inference_mode(), capturing([run.model.recurrent]) as captured:
        run.model(torch.tensor([numbers]), torch.tensor([len(numbers)]))
    shares = np.concatenate(list(_answers(run, numbers)))
    best = int(shares[-1].argmax())
    label, share = run.labels[best], float(shares[-1, best])
    named = dict(zip(run.labels, shares[-1].tolist(), strict=True))
    return Recording(
        run=str(run.path),
        text=text,
        cell=run.model.recurrent.cell,
        answer=label,
        share=share,
        prediction={"label": label, "probability": share, "probabilities": named},
        tokens=tokens,
        between=between,
        known=np.array([number != UNKNOWN for number in numbers]),
        answers=Answers(run.labels, shares, up_to_here(run.labels, shares), meaning("text", "token")),
        letters=captured.letters([run.model.recurrent]),
        attributions=_attributions(run, numbers, best) if reasons else None,
    )


def meaning(what: str, step: str) -> str:
    """Of the answers to beginnings."""
    return f"The probability of each class when the {what} ends after that {step}."


def _tokens(run: ClassifyRun, text: str) -> tuple[list[int], list[tuple[int, int]]]:
    """As `tokens_of`, of a run that has to read the text whole."""
    numbers, spans = tokens_of(run.tokenizer, text)
    [read] = run.text_encoder.encode([text])
    if any(piece != numbers for piece in read):
        long_text = run.config.long_text
        short = f"one of at most {long_text.max_length:,} tokens{', and one sentence' if long_text.shuffle else ''}"
        raise InputError(
            f"the text has {len(numbers):,} tokens, and {run.path} was trained with --truncation "
            f"{long_text.truncation}, so that it reads such a text in parts; expected {short}"
        )
    return numbers, spans


@torch.inference_mode()
def _answers(run: ClassifyRun, numbers: list[int]) -> Iterator[Array]:
    """The probabilities of the classes for each beginning of the text, some beginnings at a time."""
    embedded = run.model.embedding(torch.tensor(numbers))  # of a token and the one before it: in any beginning the same
    for output, lengths in outputs_of_beginnings(run.model.recurrent, embedded):
        yield run.model.of_outputs(output, lengths).double().softmax(-1).float().numpy()


def _attributions(run: ClassifyRun, numbers: list[int], label: int) -> Attributions:
    def score(embedded: Tensor) -> Tensor:
        """(R, T, E) -> (R,)."""
        return log_odds(run.model.of_embedded(embedded, torch.full((len(embedded),), len(numbers))), label)

    embedded = run.model.embedding(torch.tensor(numbers)).detach()
    return integrated_gradients(score, embedded, at_once=rows_with_gradients(len(numbers)))
