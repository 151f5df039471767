"""How a model reads texts that are long: the one place where texts become the tokens of a model.

    text_encoder = TextEncoder(tokenizer, LongTextOptions(truncation="head", max_length=64))
    pieces = text_encoder.encode(texts)    # of each text its pieces, each a list of token numbers

Training, evaluation and prediction all read through it, with the `LongTextOptions` that the run's `config.json` keeps.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

from cellwright.longtext.sample import sample
from cellwright.longtext.tokens import TokenisedText
from cellwright.longtext.truncate import head, head_and_tail, tail, without_middle
from cellwright.longtext.windows import windows

if TYPE_CHECKING:  # the command line reads the options here without torch and tokenizers
    from cellwright.data.batches import Pieces
    from cellwright.data.pieces import Tokenised
    from cellwright.data.tokenizer import Tokenizer

    Texts = Tokenised | list[TokenisedText]

Way = Literal["head", "tail", "head+tail", "middle", "windows", "sentences", "compress"]


class LongTextOptions(BaseModel):
    """What the user chooses for texts of more than `max_length` tokens."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    truncation: Way | None = None
    """Shorten long texts: keep the head, the tail, both, or all but the middle; read windows, or their codes; draw
    sentences."""
    max_length: int = Field(default=256, ge=1)
    """Most tokens read of a text with --truncation, of a window with --truncation windows or compress; without, texts
    are read whole."""
    head_share: float = Field(default=0.25, ge=0, le=1)
    """Share of the head with --truncation head+tail."""
    overlap: int = Field(default=0, ge=0)
    """Most tokens that a window repeats of the one before."""
    samples: int = Field(default=5, ge=1)
    """Draws of --truncation sentences whose scores are averaged; in training it is one, another each epoch."""
    shuffle: bool = False
    """Leave the sentences of --truncation sentences in the order drawn rather than in the text's."""

    def cost(self, pieces: Pieces) -> int:
        """Padded tokens that the pieces take in a batch, at most."""
        return len(pieces[0]) if len(pieces) == 1 else len(pieces) * self.max_length


def numbers_of(texts: Texts) -> Sequence[Sequence[int]]:
    """Return the token numbers of each text."""
    return [text.numbers for text in texts] if isinstance(texts, list) else texts.numbers


class TextEncoder:
    """Texts to pieces, each with at most `max_length` tokens unless texts are read whole."""

    def __init__(self, tokenizer: Tokenizer, options: LongTextOptions) -> None:
        self.tokenizer = tokenizer
        self.options = options

    def encode(self, texts: Sequence[str]) -> list[Pieces]:
        """Return each text's pieces, at least one; an empty text is one empty piece. The same for the same text."""
        if self.options.truncation is None:
            return [[numbers] for numbers in self.tokenizer.encode(texts)]
        return [self._pieces(text, self._draws) for text in self._with_spans(texts)]

    def tokenise(self, texts: Sequence[str]) -> Texts:
        """Return all tokens of each text, for `epochs` and `read`, as arrays where the texts lie.

        Those whose sentences are drawn anew each epoch are in memory, with all that is needed to cut them.
        """
        from cellwright.data.pieces import shortened, whole

        match self.options.truncation:
            case None:
                return whole(texts, self.tokenizer)
            case "sentences":
                return self._with_spans(texts)
            case _:
                return shortened(texts, self.tokenizer, self._cut, self.options.model_dump())

    def epochs(self, texts: Texts, seed: int) -> Callable[[int], Sequence[Pieces]]:
        """Return the pieces to train on, as a function of the epoch: with sampled sentences another draw each time."""
        if isinstance(texts, list):
            return lambda epoch: [self._pieces(text, [f"seed {seed}, epoch {epoch}"]) for text in texts]
        return lambda epoch: texts.pieces

    def read(self, texts: Texts) -> Sequence[Pieces]:
        """Return each text's pieces as `encode` does; those of arrays as views."""
        return [self._pieces(text, self._draws) for text in texts] if isinstance(texts, list) else texts.pieces

    @property
    def _draws(self) -> list[str]:
        return [f"sample {draw}" for draw in range(self.options.samples)]

    def _with_spans(self, texts: Sequence[str]) -> list[TokenisedText]:
        encoded = self.tokenizer.encode_with_spans(texts)
        return [TokenisedText(text, *tokens) for text, tokens in zip(texts, encoded, strict=True)]

    def _cut(self, texts: Sequence[str]) -> list[tuple[Sequence[int], Pieces]]:
        return [(text.numbers, self._pieces(text, ())) for text in self._with_spans(texts)]

    def _pieces(self, text: TokenisedText, draws: Sequence[str]) -> Pieces:
        limit = self.options.max_length
        if self.options.truncation is None or (len(text.numbers) <= limit and not self.options.shuffle):
            return [text.numbers]
        match self.options.truncation:
            case "head":
                return [head(text.numbers, limit, text.may_cut)]
            case "tail":
                return [tail(text.numbers, limit, text.may_cut)]
            case "head+tail":
                return [head_and_tail(text.numbers, limit, self.options.head_share, text.may_cut)]
            case "middle":
                return [without_middle(text.numbers, limit, text.may_cut)]
            case "windows" | "compress":
                return self._windows(text)
            case "sentences":
                return [self._sample(text, draw) for draw in draws]

    def _windows(self, text: TokenisedText) -> Pieces:
        return windows(
            text.numbers,
            self.options.max_length,
            overlap=self.options.overlap,
            sentence_ends=text.sentence_ends,
            may_cut=text.may_cut,
        )

    def _sample(self, text: TokenisedText, draw: str) -> Sequence[int]:
        # A text from JSON may hold half a surrogate pair.
        digest = hashlib.sha256(text.text.encode("utf-8", "surrogatepass")).hexdigest()
        return sample(
            text.sentences,
            self.options.max_length,
            seed=f"{draw}, {digest}",
            shuffle=self.options.shuffle,
            may_cut=text.may_cut,
        )
