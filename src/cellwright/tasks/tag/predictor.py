"""Tags for words, from a run folder.

predictor = Predictor.load("runs/slots")
for tagged in predictor.predict(["fly to boston"]):
    print(tagged.tokens, tagged.tags)
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from cellwright.data.readers import by_suffix
from cellwright.data.readers.columns import TokenColumns
from cellwright.data.readers.records import Records
from cellwright.data.readers.rewritten import REWRITTEN, as_written
from cellwright.data.readers.series_options import names_of
from cellwright.data.readers.tagged import FORMATS, tagged_pieces
from cellwright.data.readers.token_lists import features_of
from cellwright.data.readers.values import as_text
from cellwright.data.sentences import Featured, Words, tokens_of
from cellwright.data.unseen import Unseen
from cellwright.data.word_segmentation import words_of
from cellwright.data.words import WordBatch, collate_words
from cellwright.evaluation.spans import spans
from cellwright.models.tagger import TaggerOutput
from cellwright.tasks.files import TELLING, as_the_run, check_written
from cellwright.tasks.predictor import Answered, FileRequest, Piece, Prediction, Predictor, Rewriting
from cellwright.tasks.tag.run import TagRun
from cellwright.tasks.texts import batches_of

BATCH_TOKENS = 16_384  # padding included


@dataclass(frozen=True)
class FoundSpan:
    """A span of words."""

    kind: str
    words: list[str]
    start: int
    """Its first word, from 0."""
    end: int
    """The word after its last."""


@dataclass(frozen=True)
class Tagged(Prediction):
    """What a tagger says of one text."""

    tokens: list[str]
    """The words that the text was cut into."""
    tags: list[str]
    """The tag of each."""
    spans: list[FoundSpan] | None
    """The spans that the tags write; None where they write none."""
    label: str | None
    """The most probable label of the whole; None where the run has no labels."""
    probability: float | None
    """That label's, in [0, 1]."""

    def line(self, text: str) -> str:
        """Return word/tag word/tag, behind the label, its probability and a tab each where there is a label."""
        tagged = " ".join(f"{token}/{tag}" for token, tag in zip(self.tokens, self.tags, strict=True))
        return tagged if self.label is None else f"{self.label}\t{self.probability:.4f}\t{tagged}"


class TagPredictor(Predictor[Tagged]):
    """A trained tagger that takes texts, or sentences that are words already."""

    reads = (
        "Texts are cut at white space; one without any, in Chinese, Japanese or Thai, into words that were frequent in "
        "training."
    )
    roles = ("tokens", "feature_columns")
    formats = TELLING
    replaced = ("tags",)

    def __init__(self, run: TagRun, *, batch_tokens: int = BATCH_TOKENS) -> None:
        """batch_tokens: most words of a batch, padding included; a longer sentence is a batch of its own."""
        if batch_tokens < 1:
            raise ValueError(f"TagPredictor: batch_tokens is {batch_tokens}; expected at least 1")
        self.run: TagRun = run
        self.batch_tokens = batch_tokens

    def request(self, path: str, given: Mapping[str, Any], *, several: bool = False) -> FileRequest:
        """The words of a file of a token a line or of word/tag, else the texts, or lists of tokens, of a column."""
        options = as_the_run(self.run.config.options, given, path)
        kind = options["format"] or by_suffix(Path(path), FORMATS)
        if kind not in FORMATS or kind in ("jsonl", "parquet"):
            return super().request(path, given, several=several)
        check_written(given, path)
        features = tuple(names_of(options["feature_columns"]))
        columns = TokenColumns(options["tokens"], options["tags"], tagged=False, features=features)
        read = partial(_sentences, path, columns, options["encoding"], kind)
        if Path(path).is_file():
            written = replace(columns, label=options["sentence_label"])
            again = Rewriting(kind, partial(as_written, Path(path), written, options["encoding"], kind))
            return FileRequest(read, again if kind in REWRITTEN else None)
        kept = list(read())  # a pipe can be read once
        return FileRequest(lambda: iter(kept))

    def settled(self, first: Records, options: Mapping[str, Any]) -> Mapping[str, Any]:
        """Tokens stand in "tokens", where the first row has it, else in "text"."""
        return {**options, "tokens": options["tokens"] or ("tokens" if first.has("tokens") else "text")}

    def cells(self, records: Records, options: Mapping[str, Any]) -> list[str | Words]:
        """The texts of a column, or its lists of tokens, and beside these their features."""
        column, names = options["tokens"], names_of(options["feature_columns"])
        values = enumerate(records.values(column))
        found: list[str | Words] = [_text_or_tokens(value, column, records.where(row)) for row, value in values]
        if not all(map(records.has, names)):
            return found
        lists = [records.values(name) for name in names]
        return [
            Featured([*each], features_of(names, [values[row] for values in lists], len(each), records.where(row)))
            if names and isinstance(each, list)
            else each
            for row, each in enumerate(found)
        ]

    def predict(self, texts: Sequence[str | Words]) -> list[Tagged]:
        """Cut each text into words, unless it is words already, and tag them; a text without words has no tags.

        Behind a word of a text may stand its features, each with a + before it, in the order of the run's columns.
        """
        return self.tag(self._words(texts))

    def unseen(self, texts: Sequence[str | Words]) -> list[Unseen]:
        """Count the words, the characters and the features that the run does not know."""
        return self.run.lexicon.unseen(self._words(texts))

    def answered(self, texts: Sequence[str | Words], first: int) -> Answered[Tagged]:
        """Both of texts that are cut once."""
        words = self._words(texts)
        return Answered(self.tag(words), self.run.lexicon.unseen(words))

    def _words(self, texts: Sequence[str | Words]) -> list[Words]:
        return [words_of(text, self.run.lexicon) if isinstance(text, str) else text for text in texts]

    def tag(self, sentences: Sequence[Words]) -> list[Tagged]:
        """Tag the words of each sentence."""
        return self._tag(sentences, None)

    def tag_surely(self, sentences: Sequence[Words]) -> tuple[list[Tagged], list[NDArray[np.float32]]]:
        """Tag likewise, and return of each sentence of T words how probable each one's tag is by itself, (T,)."""
        sure: list[Any] = [None] * len(sentences)
        return self._tag(sentences, sure), sure

    @torch.inference_mode()
    def probabilities(self, sentences: Sequence[Words]) -> list[NDArray[np.float64]]:
        """Of each sentence (T, K) probabilities of the run's tags, each word's by itself."""
        found: list[Any] = [None] * len(sentences)
        for indices, batch, read in self._read(sentences):
            shares = self.run.model.probabilities(read.emissions, batch.lengths).double().numpy()
            for index, share in zip(indices, shares, strict=True):
                found[index] = share[: len(sentences[index])]
        return found

    @torch.inference_mode()
    def _tag(self, sentences: Sequence[Words], sure: list[Any] | None) -> list[Tagged]:
        """Tag each; sure: takes how probable tags are, which costs a pass over all words."""
        answers: list[Any] = [None] * len(sentences)
        for indices, batch, (emissions, logits) in self._read(sentences):
            best = self.run.model.decode(emissions, batch.lengths)  # (B, T)
            if sure is not None:
                shares = self.run.model.probabilities(emissions, batch.lengths).gather(-1, best[..., None])
                for index, share in zip(indices, shares.squeeze(-1).float().numpy(), strict=True):
                    sure[index] = share[: len(sentences[index])]
            labels = [None] * len(indices) if logits is None else logits.double().softmax(-1)
            for index, row, label in zip(indices, best.tolist(), labels, strict=True):
                answers[index] = self._answer([*tokens_of(sentences[index])], row, label)
        return answers

    def _read(self, sentences: Sequence[Words]) -> Iterator[tuple[list[int], WordBatch, TaggerOutput]]:
        """Yield what the model says of some sentences at a time, with their indices."""
        for indices in batches_of([len(words) for words in sentences], self.batch_tokens):
            batch = collate_words(self.run.lexicon.examples([sentences[i] for i in indices])[:])
            yield indices, batch, self.run.model(batch)

    def _answer(self, words: list[str], row: list[int], shares: torch.Tensor | None) -> Tagged:
        config = self.run.config
        tags = [config.tags[tag] for tag in row[: len(words)]]
        found = None
        if config.scheme != "plain":
            found = [FoundSpan(kind, words[start:end], start, end) for kind, start, end in spans(tags)]
        if shares is None:
            return Tagged(words, tags, found, None, None)
        best = int(shares.argmax())
        return Tagged(words, tags, found, config.labels[best], float(shares[best]))


def _sentences(path: str, columns: TokenColumns, encoding: str, format: str) -> Iterator[Piece]:
    """The sentences of files, some at a time. Raises InputError."""
    for some in tagged_pieces(path, columns, encoding, format):
        yield Piece(some.told, [[("text", text)] for text in some.texts], some.notes)


def _text_or_tokens(value: object, column: str, where: str) -> str | list[str]:
    """A cell's text, or its list of tokens. Raises InputError for anything else."""
    if isinstance(value, list):
        return [as_text(token, column, where) for token in value]
    return as_text(value, column, where)
