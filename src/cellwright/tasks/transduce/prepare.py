"""From options to what training needs: pairs as symbol numbers, and the description that the run folder keeps."""

from collections.abc import Sequence

import cellwright
from cellwright.data.arrays import Growing, store_of
from cellwright.data.cache import where_they_lie
from cellwright.data.feed import feeds
from cellwright.data.pair_batches import PairRows, collate_pairs
from cellwright.data.pairs import Pairs
from cellwright.data.splits import counts
from cellwright.data.symbols import Kind, have_features, tokenize, usual_kind, without_features
from cellwright.data.tokenizer import FEATURED, Tokenizer
from cellwright.evaluation.transduction import symbol_by_symbol, usual_counterparts
from cellwright.models.transducer_architecture import TransducerArchitecture, TransducerConfig
from cellwright.tasks.cell import check_cell
from cellwright.tasks.resume import fingerprint, kept_options
from cellwright.tasks.task import Baseline, Prepared
from cellwright.tasks.texts import collected
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
    config, start, said = begun(config, before, lambda: Vocabulary.of(source, examples.sources))
    each, copies = examples.one_by_one(), counterparts(source, target)
    config, told = settled(config, before, lambda: copied_share(each, copies))
    run = _describe(config, vocabularies, train, validation)
    train_feed, validation_feed = feeds(
        lambda epoch: each,
        encode_pairs(validation, source, target),
        costs=PairRows.costs,
        collate=collate_pairs,
        budget=config.batch_tokens,
        seed=config.seed,
        store=examples.store,
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
            *where_they_lie(*(each.sources for each in splits.values())),
        ],
    )


def make_vocabularies(train: Pairs, config: TransduceConfig) -> tuple[Tokenizer, Tokenizer]:
    """Those of source and target, as the options say."""
    sources, targets = train.sources, train.targets.items
    asked, least = [config.source_symbols, config.features is not None], config.min_frequency
    return (
        collected(sources, [*asked, MOST, least], lambda: _vocabulary(sources, _source_kind(sources, config), least)),
        collected(targets, [config.target_symbols, MOST, 1], lambda: _vocabulary(targets, config.target_symbols, 1)),
    )


def _source_kind(sources: Sequence[str], config: TransduceConfig) -> str:
    """What sources are cut into: a feature is a symbol among characters, as it is among tokens anyway."""
    featured = config.features is not None or (config.source_symbols == "auto" and have_features(sources))
    kind = config.source_symbols
    if kind == "auto":
        kind = usual_kind(map(without_features, sources) if featured else sources)
    return FEATURED if featured and kind == "characters" else kind


def encode_pairs(pairs: Pairs, source: Tokenizer, target: Tokenizer) -> PairRows:
    """The symbol numbers of each source and its targets."""
    rows = source.rows(pairs.sources), target.rows(pairs.targets.items)
    return PairRows.of(*rows, pairs.targets.sizes, store_of(pairs.sources))


def _vocabulary(texts: Sequence[str], kind: str, minimum: int) -> Tokenizer:
    return Tokenizer.train(texts, usual_kind(texts) if kind == "auto" else kind, size=MOST, min_frequency=minimum)


def usual_of(train: Pairs, symbols: Symbols) -> dict[str, str]:
    """The usual counterpart of each symbol, for the baseline."""
    store = store_of(train.sources)

    def count(growing: Growing) -> dict[str, str]:
        pairs = (
            (symbols.bare(source), tokenize(target, symbols.target))
            for source, targets in zip(train.sources, train.targets, strict=True)
            for target in targets
        )
        return usual_counterparts(pairs, store)

    how = [symbols.source, symbols.features, symbols.target]
    usual: dict[str, str] = store.of(lambda: how).made("counterparts", {}, count).told
    return usual


def _longest(targets: Sequence[str], kind: Kind) -> int:
    """Symbols of the longest."""

    def measure(growing: Growing) -> int:
        return max(len(tokenize(target, kind)) for target in targets)

    longest: int = store_of(targets).of(lambda: kind).made("longest", {}, measure).told
    return longest


def _describe(
    config: TransduceConfig, vocabularies: tuple[Tokenizer, Tokenizer], train: Pairs, validation: Pairs
) -> TransduceRunConfig:
    source, target = vocabularies
    kinds: list[Kind] = ["tokens" if each.kind == "tokens" else "characters" for each in vocabularies]
    featured = source.kind == FEATURED or config.features is not None
    return TransduceRunConfig(
        cellwright=cellwright.__version__,
        model=TransducerConfig(
            source_vocab_size=source.size,
            target_vocab_size=target.size,
            fixed_vectors=config.freeze_vectors,
            **config.model_dump(include=set(TransducerArchitecture.model_fields)),
        ),
        symbols=Symbols(
            source=kinds[0], target=kinds[1], longest=_longest(train.targets.items, kinds[1]), features=featured
        ),
        decoding=DecodingOptions(**config.model_dump(include=set(DecodingOptions.model_fields))),
        fingerprint=fingerprint([[pairs.sources, pairs.targets] for pairs in (train, validation)]),
        options=kept_options(config),
    )


def _symbol_by_symbol(train: Pairs, validation: Pairs, symbols: Symbols) -> Baseline:
    """Sequence error of the baseline on the validation split."""
    usual = usual_of(train, symbols)
    wrong = sum(
        symbol_by_symbol(usual, symbols.bare(source)) not in (tokenize(target, symbols.target) for target in targets)
        for source, targets in zip(validation.sources, validation.targets, strict=True)
    )
    return Baseline(wrong / len(validation), "giving each symbol its most frequent counterpart")
