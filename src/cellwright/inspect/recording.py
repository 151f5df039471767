"""What a model does on one text or series: every letter of every layer at every step, its answers, and why.

recording = record(load_run("runs/first"), "很好用")    # of `inspect.recorders`, whatever the run's task
recording.of(layer=0, direction="forward").values["f"]    # (T, H): the forget gate of each unit at each token
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from cellwright.cells import Definition
from cellwright.data.special_tokens import UNKNOWN
from cellwright.data.tokenizer import Tokenizer
from cellwright.errors import InputError
from cellwright.inspect.attribution import Attributions
from cellwright.pauses import BETWEEN, Pace

MOST_TOKENS = 2000
"""The answers on the T beginnings of a text take T²/2 steps: with 2000 tokens as many as some 30,000 reviews."""
BATCH_TOKENS = BETWEEN
WHITE_SPACE = {" ": "␣", "\n": "↵", "\t": "⇥"}

Direction = Literal["forward", "reverse"]
Array = NDArray[np.float32]


@dataclass(frozen=True)
class Letters:
    """What one direction of one layer computed: each letter of the cell's equations, states included, (T, H).

    stack    encoder or decoder, where a model has both
    written  whether its steps are those of what the model wrote rather than of what it read
    """

    layer: int
    direction: Direction
    values: Mapping[str, Array]
    stack: str = ""
    written: bool = False

    @property
    def place(self) -> str:
        """layer 0; decoder layer 0."""
        return f"{self.stack} layer {self.layer}".lstrip()

    @property
    def key(self) -> str:
        """layer0.forward; decoder.layer0.forward."""
        return ".".join([*filter(None, [self.stack]), f"layer{self.layer}", self.direction])

    @property
    def name(self) -> str:
        """layer 0, forward."""
        return f"{self.place}, {self.direction}"


@dataclass(frozen=True)
class Answers:
    """The answer step by step: after each token that was read, or with each symbol that was written.

    names    the K things that it is told in: classes, tags, tokens, channels
    values   (T, K)
    said     T times the answer in words
    meaning  of the values, in a sentence
    shares   whether the values are shares of 1, such as probabilities
    exclude  whether at each step one of the names is the answer, as with tags: they are drawn as a map
    """

    names: list[str]
    values: Array
    said: list[str]
    meaning: str
    shares: bool = True
    exclude: bool = False


@dataclass(frozen=True)
class Channels:
    """What a series is: names of its C channels, and their values (T, C), NaN where one is missing.

    `unit` says what the values are in, to end a sentence.
    """

    names: list[str]
    values: Array
    unit: str


@dataclass(frozen=True, kw_only=True)
class Recording:
    """A text, or a series, as a run reads it; T steps.

    answer         to all of it, in words
    lead           what stands before the answer: next, where it is what comes next
    share          how probable that answer is; None where it has no probability
    prediction     the answer as `cellwright predict --json` gives it
    step           what a step is called: token, word, symbol, step
    tokens         the T pieces of the text, as they stand in it; of a series the numbers of its steps
    between        what stands before each and belongs to none: white space
    known          (T,) whether the vocabulary has them
    answers        the answer step by step, of `written` where there is something written
    letters        one a direction of each layer: layer 0 forward, layer 0 reverse, layer 1 forward, …
    tags           the tag of each token, where the model gives some
    bits           (T,) minus log₂ of the probability of each token, where the model tells it
    written        what the model wrote: a transducer's symbols and its end, the tokens that come back from a code
    attention      (written, T): how much each looked at each token; rows sum to 1
    channels       of a series
    attributions  what each token did for `answer`, where it is known and was asked for
    """

    run: str
    text: str
    cell: Definition
    answer: str
    share: float | None
    prediction: Mapping[str, Any]
    lead: str = ""
    step: str = "token"
    tokens: list[str]
    between: list[str]
    known: NDArray[np.bool_]
    answers: Answers
    letters: list[Letters]
    tags: list[str] = field(default_factory=list)
    bits: Array | None = None
    written: list[str] = field(default_factory=list)
    attention: Array | None = None
    channels: Channels | None = None
    attributions: Attributions | None = None

    def of(self, layer: int, direction: Direction, stack: str = "") -> Letters:
        """The letters of one direction of one layer; LookupError where there is none."""
        for letters in self.letters:
            if (letters.layer, letters.direction, letters.stack) == (layer, direction, stack):
                return letters
        wanted = Letters(layer, direction, {}, stack).name
        raise LookupError(f"no {wanted}; there are {'; '.join(each.name for each in self.letters)}")

    def steps_of(self, letters: Letters) -> list[str]:
        """The tokens or the written symbols that the letters are of."""
        return self.written if letters.written else self.tokens


def pieces(text: str, spans: Sequence[tuple[int, int]]) -> tuple[list[str], list[str]]:
    """The tokens of a text as they stand in it, and what stands before each and belongs to none."""
    starts = [0, *(end for _, end in spans)]
    between = [text[before:start] for before, (start, _) in zip(starts, spans, strict=False)]
    return [text[start:end] for start, end in spans], between


def tokens_of(tokenizer: Tokenizer, text: str) -> tuple[list[int], list[tuple[int, int]]]:
    """The numbers of the tokens, and from where to where in the text each goes. Raises InputError."""
    ((numbers, spans),) = tokenizer.encode_with_spans([text])
    check_count(len(numbers), "token")
    return numbers, spans


def token_name(tokenizer: Tokenizer, token: int) -> str:
    """What a token is called where it stands alone: white space by a sign of its own."""
    text = "unknown" if token == UNKNOWN else tokenizer.decode([token])
    return WHITE_SPACE.get(text, text)


def check_count(count: int, step: str) -> None:
    """Raise InputError for a text of no step, or of too many."""
    if count == 0:
        raise InputError("the text has no token: there is nothing to inspect; give it a word or more")
    if count > MOST_TOKENS:
        what = "series" if step == "step" else "text"
        raise InputError(f"the {what} has {count:,} {step}s; expected at most {MOST_TOKENS:,}: inspect a part of it")


def beginnings(steps: int) -> Iterator[torch.Tensor]:
    """The lengths of a text's beginnings, 1 … T, as many at a time as can be read together, padding included."""
    shorter, pace = 0, Pace(BATCH_TOKENS)  # shorter than those that come next
    while shorter < steps:
        # The most n of which n · (shorter + n) is within the budget.
        count = max(1, int((math.sqrt(shorter**2 + 4 * pace.tokens()) - shorter) / 2))
        pace.pause(count * (shorter + count))
        yield torch.arange(shorter + 1, min(shorter + count, steps) + 1)
        shorter += count


def rows_with_gradients(steps: int) -> int:
    """How many texts of T steps are read together between two pauses where gradients, too, are taken."""
    return max(1, BATCH_TOKENS // (4 * steps))  # with them a step takes four times as long


def up_to_here(names: list[str], shares: Array) -> list[str]:
    """In words the most probable of the names at each step. (T, K)."""
    return [
        f"up to here the answer is {names[k]}, {percent(row[k])}"
        for row, k in zip(shares, shares.argmax(1), strict=True)
    ]


def percent(share: float) -> str:
    """83.4 %."""
    return f"{100 * share:.1f} %"
