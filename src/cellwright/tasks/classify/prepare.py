"""From options to what training needs: the splits, encoded, and the description that the run folder keeps."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import cellwright
from cellwright.data.arrays import store_of
from cellwright.data.batches import Labelled, PiecedExample, collate_pieces
from cellwright.data.cache import where_they_lie
from cellwright.data.class_sizes import balanced, rare
from cellwright.data.column import Names
from cellwright.data.feed import costs_of, feeds
from cellwright.data.labels import numbers
from cellwright.data.pieces import InPieces, Whole
from cellwright.data.splits import Given, Splits, counts
from cellwright.data.table import Table
from cellwright.data.token_rows import TokenRows
from cellwright.data.tokenizer import TOGETHER, Tokenizer
from cellwright.data.wording import shortened
from cellwright.evaluation.majority import majority_macro_f1, majority_share
from cellwright.models.architecture import Architecture, ClassifierConfig
from cellwright.models.text_encoding import LongTextOptions, TextEncoder, numbers_of
from cellwright.stages import stage
from cellwright.tasks.autoencode.run import AutoencodeRun
from cellwright.tasks.cell import check_cell
from cellwright.tasks.classify.config import ClassifyConfig
from cellwright.tasks.classify.data import load_splits
from cellwright.tasks.classify.encoder import EncoderRun, adopted, language_of, load_encoder
from cellwright.tasks.classify.objective import ClassifyObjective
from cellwright.tasks.classify.run import ClassifyRunConfig
from cellwright.tasks.lm.prepare import tokenizer_of
from cellwright.tasks.resume import fingerprint, gone_on, kept_options
from cellwright.tasks.task import Baseline, Prepared
from cellwright.tasks.texts import TOKENIZER, load_tokenizer, train_tokenizer
from cellwright.tasks.vectors import Vocabulary, begun

if TYPE_CHECKING:
    from cellwright.models.text_encoding import Texts


def prepare(
    config: ClassifyConfig, before: ClassifyRunConfig | None, given: Given[Table] | None = None
) -> Prepared[ClassifyConfig, ClassifyRunConfig]:
    """Read the data, unless `given`; take the tokenizer from the run when resuming, or make one. Raises InputError."""
    # A resumed run has its own sizes and tokens, and what --pretrain makes takes its sizes from here.
    encoder = None if before or config.pretrain else load_encoder(config)
    config = adopted(config, encoder) if encoder else config
    check_cell(config.cell)  # before the data is read
    splits, labels = load_splits(config, given)
    train, validation = splits["train"], splits["validation"]
    weights = balanced(_labels(train), labels) if config.class_weights else None
    tokenizer = _tokenizer(config, before, encoder, train)
    text_encoder = TextEncoder(tokenizer, _long_texts(config))
    tokenised = text_encoder.tokenise(train.texts)
    config, start, said = begun(config, before, lambda: Vocabulary.of(tokenizer, numbers_of(tokenised)))
    sizes = {
        "vocab_size": tokenizer.size,
        "bigram_buckets": _buckets(tokenised, config.bigram_buckets),
        "code_dim": before.model.code_dim if before else _code_dim(config, encoder),
    }
    run = gone_on(before if given else None, config, lambda: _rows(splits)) or _describe(
        config, labels, text_encoder.options, splits, sizes
    )
    pieces, classes = text_encoder.epochs(tokenised, config.seed), _classes(train, labels)
    validated = text_encoder.read(text_encoder.tokenise(validation.texts))
    train_feed, validation_feed = feeds(
        lambda epoch: Labelled(pieces(epoch), classes),
        Labelled(validated, _classes(validation, labels)),
        costs=lambda examples: _costs(examples, config),
        collate=collate_pieces,
        budget=config.batch_tokens,
        seed=config.seed,
        store=store_of(train.texts),
    )
    return Prepared(
        config,
        run,
        ClassifyObjective(run.model, config, weights, start),
        train=train_feed,
        validation=validation_feed,
        baseline=_baseline(train, validation, majority_share if weights is None else majority_macro_f1),
        files={TOKENIZER: tokenizer.to_json().encode()},
        notes=[*_notes(config, splits, labels, tokenizer), *said, *_on_classes(_labels(train), labels, weights)],
        first=language_of(config),
    )


def _long_texts(config: ClassifyConfig) -> LongTextOptions:
    return LongTextOptions(**config.model_dump(include=set(LongTextOptions.model_fields)))


def _baseline(
    train: Table, validation: Table, score: Callable[[Sequence[str], Sequence[str]], float]
) -> Baseline | None:
    if not len(validation):
        return None
    return Baseline(score(_labels(train), _labels(validation)), "always giving the most frequent label")


def _tokenizer(
    config: ClassifyConfig, before: ClassifyRunConfig | None, encoder: EncoderRun | None, train: Table
) -> Tokenizer:
    if before:
        return load_tokenizer(config.out / TOKENIZER, before.model.vocab_size)
    if language := language_of(config):
        return tokenizer_of(language)
    return encoder.tokenizer if encoder else train_tokenizer(train.texts, config)


def _code_dim(config: ClassifyConfig, encoder: EncoderRun | None) -> int | None:
    return (
        encoder.config.model.code_dim
        if isinstance(encoder, AutoencodeRun) and config.truncation == "compress"
        else None
    )


def _describe(
    config: ClassifyConfig,
    labels: list[str],
    long_text: LongTextOptions,
    splits: Splits[Table],
    sizes: dict[str, int | None],
) -> ClassifyRunConfig:
    architecture = config.model_dump(include=set(Architecture.model_fields)) | sizes
    return ClassifyRunConfig(
        cellwright=cellwright.__version__,
        labels=labels,
        long_text=long_text,
        model=ClassifierConfig(classes=len(labels), fixed_vectors=config.freeze_vectors, **architecture),
        fingerprint=fingerprint(_rows(splits)),
        options=kept_options(config),
    )


def _rows(splits: Splits[Table]) -> list[Any]:
    """What a run is trained on, for its fingerprint."""
    return [[split, splits[split].texts, splits[split].labels] for split in ("train", "validation")]


def _buckets(texts: "Texts", most: int) -> int:
    """Buckets for the pairs of neighbours: as many as there are different ones, and no more than `most`."""
    rows = TokenRows.of(numbers_of(texts)) if isinstance(texts, list) else texts.numbers
    found = np.zeros(0, np.int64)
    with stage("counting the pairs of neighbours"):
        for start in range(0, len(rows), TOGETHER):
            some = rows[start : start + TOGETHER]
            within = np.ones(len(some.numbers), bool)  # whether the number has one before it in its text
            within[(some.ends - some.lengths)[some.lengths > 0]] = False
            pairs = (some.numbers[:-1].astype(np.int64) << 32) + some.numbers[1:]
            found = np.union1d(found, pairs[within[1:]])
            if len(found) >= most:
                break
    return min(most, len(found))


def _costs(examples: Sequence[PiecedExample], config: ClassifyConfig) -> NDArray[np.integer]:
    """Padded tokens that each text takes in a batch, at most."""
    if isinstance(examples, Labelled) and isinstance(examples.pieces, Whole | InPieces):
        return examples.pieces.costs(config.max_length)
    return costs_of(lambda example: config.cost(example[0]))(examples)


def _classes(table: Table, labels: list[str]) -> NDArray[np.int32]:
    """The number of each text's label: all that training needs beside the tokens, so that the texts may go."""
    number = {label: index for index, label in enumerate(labels)}
    return Names.of(_labels(table)).numbered(number, store_of(table.texts))


def _labels(table: Table) -> Sequence[str]:
    assert table.labels is not None  # classes_of has checked
    return table.labels


def _on_classes(trained: Sequence[str], labels: list[str], weights: list[float] | None) -> list[str]:
    """What is to be said of labels that look like numbers, and of classes of different sizes."""
    notes = [said for said in (numbers(labels), rare(trained) if weights is None else None) if said]
    if weights is not None:
        order = sorted(zip(weights, labels, strict=True), reverse=True)
        notes.append("a text counts " + shortened([f"{weight:.3g} as {label!r}" for weight, label in order]))
    return notes


def _notes(config: ClassifyConfig, splits: Splits[Table], labels: list[str], tokenizer: Tokenizer) -> list[str]:
    lie = where_they_lie(*(each.texts for each in splits.values()))
    if lie and config.truncation == "sentences":
        lie.append("--truncation sentences draws from whole texts in each epoch: these are read into memory after all")
    return [
        *splits.notes,
        f"{counts(splits)} texts of {len(labels)} classes; {tokenizer.size:,} {tokenizer.kind} in the vocabulary",
        *lie,
    ]
