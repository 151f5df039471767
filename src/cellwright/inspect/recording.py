"""What a classifier does on one text: every letter of every layer at every token, its answers, and why.

recording = record(load_run("runs/first"), "很好用")
recording.of(layer=0, direction="forward").values["f"]    # (T, H): the forget gate of each unit at each token
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cellwright.cells import Definition
from cellwright.data.tokenizer import Tokenizer
from cellwright.errors import InputError
from cellwright.inspect.contributions import Contributions, integrated_gradients
from cellwright.tasks.classify.run import ClassifyRun

MOST_TOKENS = 2000
"""The answers on the T beginnings of a text take T²/2 steps: with 2000 tokens as many as some 30,000 reviews."""
BATCH_TOKENS = 16_384

Direction = Literal["forward", "reverse"]
Array = NDArray[np.float32]


@dataclass(frozen=True)
class Letters:
    """What one direction of one layer computed: each letter of the cell's equations, states included, (T, H)."""

    layer: int
    direction: Direction
    values: Mapping[str, Array]

    @property
    def name(self) -> str:
        """layer 0, forward."""
        return f"layer {self.layer}, {self.direction}"


@dataclass(frozen=True, kw_only=True)
class Glance:
    """A text as a run reads it; T tokens, K classes.

    tokens         the T pieces of the text, as they stand in it
    between        what stands before each and belongs to none: white space
    known          (T,) whether the vocabulary has them
    probabilities  (T, K) of each class, after the text's first token, its first two, …, all of it
    letters        one a direction of each layer: layer 0 forward, layer 0 reverse, layer 1 forward, …
    meaning        of the probabilities, in a sentence
    """

    run: str
    text: str
    cell: Definition
    labels: list[str]
    tokens: list[str]
    between: list[str]
    known: NDArray[np.bool_]
    probabilities: Array
    letters: list[Letters]
    meaning: str = "The probability of each class when the text ends after that token."

    @property
    def label(self) -> str:
        """The most probable class of the whole text."""
        return self.labels[int(self.probabilities[-1].argmax())]

    def of(self, layer: int, direction: Direction) -> Letters:
        """The letters of one direction of one layer; LookupError where there is none."""
        for letters in self.letters:
            if (letters.layer, letters.direction) == (layer, direction):
                return letters
        raise LookupError(f"no layer {layer}, {direction}; there are {'; '.join(each.name for each in self.letters)}")


@dataclass(frozen=True, kw_only=True)
class Recording(Glance):
    """A text as a run reads it, and why it is answered so.

    contributions  what each token did for `label`, the answer to the whole text
    """

    contributions: Contributions


def record(run: ClassifyRun, text: str) -> Recording:
    """Record what `run` does on `text`. Its gates come from the path that predictions take.

    Raises InputError for a text without tokens, with more than MOST_TOKENS, or that the run reads in parts.
    """
    seen = glance(run, text)
    (numbers,) = run.tokenizer.encode([text])
    return Recording(**vars(seen), contributions=_contributions(run, numbers, seen.labels.index(seen.label)))


def glance(run: ClassifyRun, text: str) -> Glance:
    """The same without the contributions, which take longer than all the rest. Raises InputError as `record` does."""
    numbers, spans = _tokens(run, text)
    tokens, between = pieces(text, spans)
    return Glance(
        run=str(run.path),
        text=text,
        cell=run.model.recurrent.cell,
        labels=run.labels,
        tokens=tokens,
        between=between,
        known=np.array([number != run.tokenizer.unknown for number in numbers]),
        probabilities=np.concatenate(list(_answers(run, numbers))),
        letters=_letters(run, numbers),
    )


def pieces(text: str, spans: list[tuple[int, int]]) -> tuple[list[str], list[str]]:
    """The tokens of a text as they stand in it, and what stands before each and belongs to none."""
    starts = [0, *(end for _, end in spans)]
    between = [text[before:start] for before, (start, _) in zip(starts, spans, strict=False)]
    return [text[start:end] for start, end in spans], between


def tokens_of(tokenizer: Tokenizer, text: str) -> tuple[list[int], list[tuple[int, int]]]:
    """The numbers of the tokens, and from where to where in the text each goes. Raises InputError."""
    ((numbers, spans),) = tokenizer.encode_with_spans([text])
    if not numbers:
        raise InputError("the text has no token: there is nothing to inspect; give it a word or more")
    if len(numbers) > MOST_TOKENS:
        raise InputError(
            f"the text has {len(numbers):,} tokens; expected at most {MOST_TOKENS:,}: inspect a part of it"
        )
    return numbers, spans


def _tokens(run: ClassifyRun, text: str) -> tuple[list[int], list[tuple[int, int]]]:
    """The same of a run, which has to read the text whole."""
    numbers, spans = tokens_of(run.tokenizer, text)
    if run.reader.read([text]) != [[numbers]]:
        reading = run.config.reading
        raise InputError(
            f"the text has {len(numbers):,} tokens, and {run.path} was trained with --long {reading.long}, so that it "
            f"reads such a text in parts; expected one of at most {reading.max_length:,} tokens"
        )
    return numbers, spans


@torch.inference_mode()
def _answers(run: ClassifyRun, numbers: list[int]) -> Iterator[Array]:
    """The probabilities of the classes for each beginning of the text, some beginnings at a time."""
    whole, done = torch.tensor(numbers), 0
    while done < len(numbers):
        # The longest of them is as long as the text at most: no batch is over the budget.
        count = max(1, BATCH_TOKENS // len(numbers))
        lengths = torch.arange(done + 1, min(done + count, len(numbers)) + 1)
        longest = int(lengths[-1])
        rows = whole[:longest].masked_fill(torch.arange(longest) >= lengths[:, None], run.tokenizer.pad)
        yield run.model(rows, lengths).double().softmax(-1).float().numpy()
        done += count


def _contributions(run: ClassifyRun, numbers: list[int], label: int) -> Contributions:
    def log_odds(embedded: Tensor) -> Tensor:
        """(R, T, E) -> (R,): ln p / (1 − p) of the class; with two classes, the difference of their logits."""
        logits = run.model.of_embedded(embedded, torch.full((len(embedded),), len(numbers)))
        others = torch.cat([logits[:, :label], logits[:, label + 1 :]], 1)
        return logits[:, label] - others.logsumexp(1)

    embedded = run.model.embedding(torch.tensor(numbers)).detach()
    return integrated_gradients(log_odds, embedded, at_once=max(1, BATCH_TOKENS // len(numbers)))


@torch.inference_mode()
def _letters(run: ClassifyRun, numbers: list[int]) -> list[Letters]:
    embedded = run.model.embedding(torch.tensor([numbers]))
    recorded = run.model.recurrent(embedded, lengths=[len(numbers)], return_gates=True)[2]
    directions: list[Direction] = ["forward", "reverse"]
    directions = directions[: run.model.recurrent.directions]
    return [
        Letters(k // len(directions), directions[k % len(directions)], {n: v[0].numpy() for n, v in values.items()})
        for k, values in enumerate(recorded)
    ]
