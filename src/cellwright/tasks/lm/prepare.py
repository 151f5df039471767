"""From options to what training needs: the texts as lanes, and the description that the run folder keeps."""

import json
from collections import Counter
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

import cellwright
from cellwright.data.arrays import Growing
from cellwright.data.cache import where_they_lie
from cellwright.data.documents import Documents
from cellwright.data.special_tokens import UNKNOWN
from cellwright.data.splits import Splits, counts
from cellwright.data.table import Table
from cellwright.data.token_rows import TokenRows
from cellwright.data.tokenizer import Tokenizer
from cellwright.errors import InputError
from cellwright.evaluation.ngrams import unigram
from cellwright.evaluation.perplexity import PerplexityScores
from cellwright.models.language_model import MARK
from cellwright.models.language_model_architecture import LanguageArchitecture, LanguageModelConfig
from cellwright.tasks.cell import check_cell
from cellwright.tasks.lm.config import LanguageConfig
from cellwright.tasks.lm.data import load_splits, open_data
from cellwright.tasks.lm.feed import LaneFeed
from cellwright.tasks.lm.objective import LanguageObjective
from cellwright.tasks.lm.run import CHARACTERS, LanguageRunConfig
from cellwright.tasks.lm.stream import Stream, tokenised
from cellwright.tasks.resume import fingerprint, kept_options
from cellwright.tasks.task import Baseline, Prepared
from cellwright.tasks.texts import TOKENIZER, load_tokenizer, train_tokenizer

BATCH_TOKENS = 2048
"""Where none are chosen; of a short text `LaneFeed` takes fewer."""
VALIDATION_LANES = 8
"""Read side by side, which takes a third of the time of one; the scores of `evaluate` are of one."""
VALIDATION_WINDOW = 256
LARGE_VOCABULARY = 10_000
"""Tokens from which on the adaptive softmax is taken: at 20,000 a step takes a sixth of the time, at 5,000 a third."""


def prepare(config: LanguageConfig, before: LanguageRunConfig | None) -> Prepared[LanguageConfig, LanguageRunConfig]:
    """Read the data; take the tokenizer from the run when resuming, else make one. Raises InputError."""
    check_cell(config.cell, config.forget_bias)  # before the data is read
    splits = load_splits(config)
    texts = {split: Documents.of(splits[split].texts) for split in ("train", "validation")}
    path = config.out / TOKENIZER
    tokenizer = load_tokenizer(path, before.model.vocab_size) if before else _tokenizer(texts["train"], config)
    streams = {split: tokenised(tokenizer, texts[split]) for split in texts}
    counts = streams["train"].frequencies(tokenizer.size)
    _check(config.data, {split: found for split, found in streams.items() if split not in splits.without})
    _check_tokens(config.data, tokenizer, counts)
    run = LanguageRunConfig(
        cellwright=cellwright.__version__,
        model=_describe(config, tokenizer),
        fingerprint=fingerprint([*texts.values()]),
        options=kept_options(config),
    )
    lanes = max(1, (config.batch_tokens or BATCH_TOKENS) // config.bptt)
    return Prepared(
        config,
        run,
        LanguageObjective(run.model),
        train=LaneFeed(streams["train"], lanes, config.bptt, config.seed, config.directions == "both", config.stride),
        validation=_validation(streams["validation"]),
        baseline=_unigram(counts, streams["validation"]) if streams["validation"].size else None,
        files={TOKENIZER: tokenizer.to_json().encode(), CHARACTERS: _characters(texts["train"])},
        notes=_notes(splits, streams, tokenizer, run.model),
    )


def _validation(stream: Stream) -> LaneFeed | None:
    return LaneFeed(stream, VALIDATION_LANES, VALIDATION_WINDOW, None) if stream.size else None


def tokenizer_of(config: LanguageConfig) -> Tokenizer:
    """The tokenizer that a run with these options makes. Raises InputError."""
    return _tokenizer(Documents.of(open_data(config.data, config.model_dump())["train"].texts), config)


def documents(tokenizer: Tokenizer, texts: Sequence[str]) -> list[Tensor]:
    """The token numbers of each text as it is written, its mark first."""
    return marked(tokenizer.rows(texts, as_written=True))


def marked(rows: TokenRows) -> list[Tensor]:
    """The numbers of each row, behind the mark that begins a document."""
    mark = np.array([MARK])
    return [torch.from_numpy(np.concatenate([mark, row], dtype=np.int64)) for row in rows]


def _tokenizer(texts: Documents, config: LanguageConfig) -> Tokenizer:
    return train_tokenizer(texts.pieces, config)


def _describe(config: LanguageConfig, tokenizer: Tokenizer) -> LanguageModelConfig:
    options = config.model_dump(include=set(LanguageArchitecture.model_fields))
    if config.softmax == "auto":
        # Pieces of byte pair encoding are not numbered by how frequent they are.
        large = tokenizer.size >= LARGE_VOCABULARY and tokenizer.kind != "bpe" and not config.tie_weights
        options["softmax"] = "adaptive" if large else "full"
    return LanguageModelConfig(vocab_size=tokenizer.size, **options)


def _check(data: str, streams: dict[str, Stream]) -> None:
    """Raise InputError for a split without a token."""
    for split, found in streams.items():
        if found.tokens < 1:
            raise InputError(
                f"{data}: no token falls to the {split} split; give more text, or other shares by --validation-share "
                "and --test-share"
            )


def _check_tokens(data: str, tokenizer: Tokenizer, counts: NDArray[np.int64]) -> None:
    """Raise InputError for tokens that nothing can be learned from; counts: how often each is to be trained on."""
    kinds = [token for token in np.flatnonzero(counts).tolist() if token != MARK]
    if kinds == [UNKNOWN]:
        raise InputError(
            f"{data}: no token stands as often as --min-frequency asks for; expected some that do: lower it"
        )
    if len(kinds) == 1:
        raise InputError(
            f"{data}: every token to train on is {tokenizer.decode(kinds)!r}; expected at least two different ones, "
            "or there is nothing to predict"
        )


def _unigram(counts: NDArray[np.int64], validation: Stream) -> Baseline:
    """Perplexity of the validation split."""
    nats = validation.mapped(unigram(counts))
    perplexity = PerplexityScores(float(np.sum(nats)), len(nats), len(nats)).perplexity
    return Baseline(perplexity, "guessing each token by how frequent it is")


def _characters(texts: Documents) -> bytes:
    """How often each character stands there, as JSON: counted once where the texts lie on disk."""

    def count(growing: Growing) -> str:
        counts = Counter[str]()
        for piece in texts.pieces:
            counts.update(piece)
        return json.dumps(dict(counts.most_common()), ensure_ascii=True)

    found: str = texts.store.made("characters", {}, count).told
    return found.encode()


def _notes(
    splits: Splits[Table], streams: dict[str, Stream], tokenizer: Tokenizer, model: LanguageModelConfig
) -> list[str]:
    train, validation = (streams[split].tokens for split in ("train", "validation"))
    notes = [*splits.notes]
    if len(splits["train"]) > 1:
        notes.append(f"{counts(splits)} texts, each by itself")
    validated = "none" if "validation" in splits.without else f"{validation:,}"
    notes.append(
        f"{train:,} tokens to train on, {validated} of validation; {tokenizer.size:,} {tokenizer.kind} in the "
        "vocabulary"
    )
    if model.softmax == "adaptive":
        notes.append("the softmax is adaptive, for the vocabulary is large (--softmax full takes all tokens alike)")
    if tokenizer.kind == "words":
        notes.append("words are lower-cased and the space between them is not predicted: their scores flatter")
    return [*notes, *where_they_lie(*(each.texts for each in splits.values()))]
