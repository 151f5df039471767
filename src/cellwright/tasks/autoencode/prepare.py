"""From options to what training needs: windows of texts as token numbers."""

from collections import Counter
from collections.abc import Sequence

import cellwright
from cellwright.data.batches import Example, collate
from cellwright.data.cache import where_they_lie
from cellwright.data.feed import feeds
from cellwright.data.pieces import InPieces, SinglePieces
from cellwright.data.splits import counts
from cellwright.errors import InputError
from cellwright.models.architecture import AutoencoderArchitecture, AutoencoderConfig
from cellwright.models.text_encoding import TextEncoder
from cellwright.tasks.autoencode.config import AutoencodeConfig
from cellwright.tasks.autoencode.data import load_splits
from cellwright.tasks.autoencode.objective import AutoencodeObjective
from cellwright.tasks.autoencode.run import AutoencodeRunConfig
from cellwright.tasks.cell import check_cell
from cellwright.tasks.resume import fingerprint, kept_options
from cellwright.tasks.task import Baseline, Prepared
from cellwright.tasks.texts import TOKENIZER, load_tokenizer, train_tokenizer


def prepare(
    config: AutoencodeConfig, before: AutoencodeRunConfig | None
) -> Prepared[AutoencodeConfig, AutoencodeRunConfig]:
    """Read the data; take the tokenizer from the run when resuming, else make one. Raises InputError."""
    check_cell(config.cell)  # before the data is read
    splits = load_splits(config)
    texts = {split: splits[split].texts for split in ("train", "validation")}
    path = config.out / TOKENIZER
    tokenizer = load_tokenizer(path, before.model.vocab_size) if before else train_tokenizer(texts["train"], config)
    architecture = config.model_dump(include=set(AutoencoderArchitecture.model_fields))
    run = AutoencodeRunConfig(
        cellwright=cellwright.__version__,
        model=AutoencoderConfig(vocab_size=tokenizer.size, **architecture),
        long_text=config.long_text,
        fingerprint=fingerprint(texts),
        options=kept_options(config),
    )
    text_encoder = TextEncoder(tokenizer, run.long_text)
    train, validation = (_windows(text_encoder, texts[split]) for split in ("train", "validation"))
    if not len(train) or not (len(validation) or "validation" in splits.without):
        raise InputError(f"{config.data}: no text of one split has a token; expected texts of words or characters")
    cut = f"{counts(splits)} texts, those to train on in {len(train):,} windows of at most {config.max_length} tokens"
    lie = where_they_lie(*(each.texts for each in splits.values()))
    train_feed, validation_feed = feeds(
        lambda epoch: train,
        validation,
        costs=SinglePieces.costs,
        collate=collate,
        budget=config.batch_tokens,
        seed=config.seed,
        store=train.store,
    )
    return Prepared(
        config,
        run,
        AutoencodeObjective(run.model),
        train=train_feed,
        validation=validation_feed,
        baseline=_most_frequent(train, validation) if len(validation) else None,
        files={TOKENIZER: tokenizer.to_json().encode()},
        notes=[*splits.notes, f"{cut}; {tokenizer.size:,} {tokenizer.kind} in the vocabulary", *lie],
    )


def _windows(text_encoder: TextEncoder, texts: Sequence[str]) -> SinglePieces:
    tokenised = text_encoder.tokenise(texts)
    assert not isinstance(tokenised, list)  # but arrays, as windows are
    assert isinstance(tokenised.pieces, InPieces)
    return tokenised.pieces.one_by_one()


def _most_frequent(train: Sequence[Example], validation: Sequence[Example]) -> Baseline:
    """Share of the validation tokens that are the most frequent one of training."""
    learned, scored = (Counter(token for window, _ in split for token in window) for split in (train, validation))
    (most_frequent, _), *_ = learned.most_common(1)
    return Baseline(scored[most_frequent] / scored.total(), "always giving the most frequent token")
