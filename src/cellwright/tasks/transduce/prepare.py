"""From options to what training needs: pairs as symbol numbers, and the description that the run folder keeps."""

from collections.abc import Sequence

import cellwright
from cellwright.data.feed import feeds
from cellwright.data.pair_batches import PairRows, collate_pairs
from cellwright.data.pairs import Pairs
from cellwright.data.splits import counts
from cellwright.data.symbols import Kind, have_features, tokenize, usual_kind, without_features
from cellwright.data.tokenizer import FEATURED, Tokenizer
from cellwright.evaluation.edit_distance import score_sequences
from cellwright.evaluation.transduction import symbol_by_symbol
from cellwright.models.transducer_architecture import TransducerArchitecture, TransducerConfig
from cellwright.tasks.cell import check_cell
from cellwright.tasks.resume import fingerprint, kept_options
from cellwright.tasks.task import Baseline, Prepared
from cellwright.tasks.transduce.config import DecodingOptions, TransduceConfig
from cellwright.tasks.transduce.copying import copied_share, counterparts, settled
from cellwright.tasks.transduce.data import load_splits
from cellwright.tasks.transduce.objective import TransduceObjective
from cellwright.tasks.transduce.run import SOURCE, TARGET, Symbols, TransduceRunConfig, load_vocabularies
from cellwright.tasks.vectors import Vocabulary, begun

MOST = 10**6
"""Symbols of a vocabulary."""


def prepare(
    config: TransduceConfig, before: TransduceRunConfig | None
) -> Prepared[TransduceConfig, TransduceRunConfig]:
    """Read the pairs; take the vocabularies from the run when resuming, else make them. Raises InputError."""
    check_cell(config.cell, config.forget_bias)  # before the data is read
    splits = load_splits(config)
    train, validation = splits["train"], splits["validation"]
    vocabularies = load_vocabularies(config.out, before.model) if before else make_vocabularies(train, config)
    source, target = vocabularies
    examples = encode_pairs(train, source, target)
    config, start, said = begun(config, before, lambda: Vocabulary.of(source, (numbers for numbers, _ in examples)))
    copies = counterparts(source, target)
    config, told = settled(config, before, lambda: copied_share(examples, copies))
    run = _describe(config, vocabularies, train, validation)
    each = examples.one_by_one()
    train_feed, validation_feed = feeds(
        lambda epoch: each,
        encode_pairs(validation, source, target),
        costs=PairRows.costs,
        collate=collate_pairs,
        budget=config.batch_tokens,
        seed=config.seed,
    )
    return Prepared(
        config,
        run,
        TransduceObjective(run.model, run.symbols, config.label_smoothing, start=start, counterparts=copies),
        train=train_feed,
        validation=validation_feed,
        baseline=_symbol_by_symbol(train, validation, run.symbols) if len(validation) else None,
        files={SOURCE: source.to_json().encode(), TARGET: target.to_json().encode()},
        notes=[
            *splits.notes,
            f"{counts(splits)} sources; vocabularies of {source.size:,} {source.kind} and {target.size:,} "
            f"{target.kind}",
            *said,
            *told,
        ],
    )


def make_vocabularies(train: Pairs, config: TransduceConfig) -> tuple[Tokenizer, Tokenizer]:
    """Those of source and target, as the options say."""
    targets = [target for each in train.targets for target in each]
    return (
        _vocabulary(train.sources, _source_kind(train.sources, config), config.min_frequency),
        _vocabulary(targets, config.target_symbols, 1),
    )


def _source_kind(sources: Sequence[str], config: TransduceConfig) -> str:
    """What sources are cut into: a feature is a symbol among characters, as it is among tokens anyway."""
    featured = config.features is not None or (config.source_symbols == "auto" and have_features(sources))
    kind = config.source_symbols
    if kind == "auto":
        kind = usual_kind([without_features(source) for source in sources] if featured else sources)
    return FEATURED if featured and kind == "characters" else kind


def encode_pairs(pairs: Pairs, source: Tokenizer, target: Tokenizer) -> PairRows:
    """The symbol numbers of each source and its targets."""
    targets = target.rows([one for targets in pairs.targets for one in targets])
    return PairRows.of(source.rows(pairs.sources), targets, list(map(len, pairs.targets)))


def symbols_of(pairs: Pairs, symbols: Symbols) -> list[tuple[list[str], list[str]]]:
    """Every source with each of its targets, both cut into symbols."""
    return [
        (symbols.bare(source), tokenize(target, symbols.target))
        for source, targets in zip(pairs.sources, pairs.targets, strict=True)
        for target in targets
    ]


def _vocabulary(texts: Sequence[str], kind: str, minimum: int) -> Tokenizer:
    return Tokenizer.train(texts, usual_kind(texts) if kind == "auto" else kind, size=MOST, min_frequency=minimum)


def _describe(
    config: TransduceConfig, vocabularies: tuple[Tokenizer, Tokenizer], train: Pairs, validation: Pairs
) -> TransduceRunConfig:
    source, target = vocabularies
    kinds: list[Kind] = ["tokens" if each.kind == "tokens" else "characters" for each in vocabularies]
    longest = max(len(tokenize(one, kinds[1])) for targets in train.targets for one in targets)
    featured = source.kind == FEATURED or config.features is not None
    return TransduceRunConfig(
        cellwright=cellwright.__version__,
        model=TransducerConfig(
            source_vocab_size=source.size,
            target_vocab_size=target.size,
            fixed_vectors=config.freeze_vectors,
            **config.model_dump(include=set(TransducerArchitecture.model_fields)),
        ),
        symbols=Symbols(source=kinds[0], target=kinds[1], longest=longest, features=featured),
        decoding=DecodingOptions(**config.model_dump(include=set(DecodingOptions.model_fields))),
        fingerprint=fingerprint([[pairs.sources, pairs.targets] for pairs in (train, validation)]),
        options=kept_options(config),
    )


def _symbol_by_symbol(train: Pairs, validation: Pairs, symbols: Symbols) -> Baseline:
    """Sequence error of the baseline on the validation split."""
    answers = symbol_by_symbol(symbols_of(train, symbols), list(map(symbols.bare, validation.sources)))
    right = [[tokenize(target, symbols.target) for target in targets] for targets in validation.targets]
    return Baseline(score_sequences(answers, right).sequence_error, "giving each symbol its most frequent counterpart")
