"""From options to what training needs: the splits, as numbers, and the description that the run folder keeps."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

import cellwright
from cellwright.data.arrays import Growing, ends_of, store_of
from cellwright.data.cache import where_they_lie
from cellwright.data.column import Names
from cellwright.data.feed import feeds
from cellwright.data.lists import flat, frequencies, lengths_of
from cellwright.data.readers.values import listed
from cellwright.data.sentences import Sentences
from cellwright.data.special_tokens import KNOWN
from cellwright.data.splits import SPLITS, Given, Splits, counts
from cellwright.data.token_rows import TokenRows
from cellwright.data.wording import counted
from cellwright.data.words import Lexicon, WordRows, collate_words, normal
from cellwright.evaluation.tagging import FrequentTags, score_tags
from cellwright.models.tagger_architecture import TaggerArchitecture, TaggerConfig
from cellwright.tasks.cell import check_cell
from cellwright.tasks.resume import fingerprint, gone_on, kept_options
from cellwright.tasks.tag.config import TagConfig
from cellwright.tasks.tag.data import load_splits
from cellwright.tasks.tag.objective import TagObjective, known_and_new
from cellwright.tasks.tag.run import LEXICON, TagRunConfig, load_lexicon
from cellwright.tasks.tag.scheme import odd_ones, scheme_for
from cellwright.tasks.task import Baseline, Prepared
from cellwright.tasks.vectors import Vocabulary, begun


def prepare(
    config: TagConfig, before: TagRunConfig | None, given: Given[Sentences] | None = None
) -> Prepared[TagConfig, TagRunConfig]:
    """Read the data, unless `given`; take the words from the run when resuming, or collect them. Raises InputError."""
    check_cell(config.cell)  # before the data is read
    splits = load_splits(config, given)
    train, validation = splits["train"], splits["validation"]
    lexicon = load_lexicon(config.out, before.model) if before else _lexicon(train, config)
    config, start, said = begun(config, before, lambda: _words(lexicon, train))
    run = gone_on(before if given else None, config, lambda: _rows(splits)) or _describe(config, splits, lexicon, given)
    examples = _examples(train, run, lexicon)
    train_feed, validation_feed = feeds(
        lambda epoch: examples,
        _examples(validation, run, lexicon),
        costs=WordRows.costs,
        collate=collate_words,
        budget=config.batch_tokens,
        seed=config.seed,
        store=store_of(train.tokens),
    )
    return Prepared(
        config,
        run,
        TagObjective(run, config, known_and_new(run.tags, frequencies(validation.tags)), start),
        train=train_feed,
        validation=validation_feed,
        baseline=_frequent(train, validation, run) if len(validation) else None,
        files={LEXICON: lexicon.to_json().encode()},
        notes=[*_notes(splits, run, lexicon), *said],
    )


def _describe(
    config: TagConfig, splits: Splits[Sentences], lexicon: Lexicon, given: Given[Sentences] | None
) -> TagRunConfig:
    train = splits["train"]
    tags = sorted(frequencies(train.tags)) if given is None else list(given.labels)
    labels = sorted(set(train.labels or []))
    chosen = config.model_dump(include=set(TaggerArchitecture.model_fields))
    sizes = {"vocab_size": len(lexicon.vocabulary) + KNOWN, "alphabet": len(lexicon.alphabet) + KNOWN}
    features = tuple(len(values) + KNOWN for values in lexicon.features)
    scheme = scheme_for(config, train)
    crf = scheme != "plain" if config.crf is None else config.crf
    return TagRunConfig(
        cellwright=cellwright.__version__,
        tags=tags,
        labels=labels,
        scheme=scheme,
        model=TaggerConfig(
            tags=len(tags),
            classes=len(labels),
            crf=crf,
            fixed_vectors=config.freeze_vectors,
            features=features,
            **sizes | chosen,
        ),
        fingerprint=fingerprint(_rows(splits)),
        options=kept_options(config),
    )


def _lexicon(train: Sentences, config: TagConfig) -> Lexicon:
    """The words of the training sentences, as the options say."""
    size, least = config.vocab_size, config.min_frequency

    def collect(growing: Growing) -> str:
        return Lexicon.train(train.told, size=size, min_frequency=least).to_json()

    made = store_of(train.tokens).of(lambda: ["lexicon", size, least]).made("lexicon", {}, collect)
    return Lexicon.from_json(made.told, config.data)


def _words(lexicon: Lexicon, train: Sentences) -> Vocabulary:
    running = Counter(number for tokens in train.tokens for number in lexicon.words(tokens))
    return Vocabulary(lexicon.vocabulary, normal, running, "words")


def _rows(splits: Splits[Sentences]) -> list[Any]:
    """What a run is trained on, for its fingerprint."""
    found = [splits[split] for split in ("train", "validation")]
    told = [[each.features for each in found]] if found[0].features else []
    return [*([s, r.tokens, r.tags, r.labels] for s, r in zip(SPLITS, found, strict=False)), *told]


def _examples(sentences: Sentences, run: TagRunConfig, lexicon: Lexicon) -> WordRows:
    """Number words, tags and labels, those that training has not seen behind all that it has."""
    store, tags = store_of(sentences.tokens), Names.of(flat(sentences.tags))
    numbers = tags.numbered(_numbers(run.tags, tags.counted()), store)
    rows = TokenRows(numbers, ends_of(lengths_of(sentences.tags), store))
    labels = None if sentences.labels is None else Names.of(sentences.labels)
    said = None if labels is None else labels.numbered(_numbers(run.labels, labels.counted()), store)
    return lexicon.examples(sentences.told, rows, said)


def _numbers(known: Sequence[str], found: Iterable[str]) -> dict[str, int]:
    return {name: number for number, name in enumerate(known_and_new(known, found))}


def _frequent(train: Sentences, validation: Sentences, run: TagRunConfig) -> Baseline:
    """What epochs are compared by, of a tagger that looks at nothing."""
    baseline = FrequentTags(train)
    tags, labels = baseline.tags(validation.tokens), baseline.labels(len(validation))
    labelled = " and each sentence the most frequent label" if run.labels else ""
    return Baseline(
        score_tags(validation, tags, labels, run.scheme).compared, f"giving each word its most frequent tag{labelled}"
    )


def _notes(splits: Splits[Sentences], run: TagRunConfig, lexicon: Lexicon) -> list[str]:
    read = "each scored by itself" if run.scheme == "plain" else f"read as spans ({run.scheme})"
    chosen = "chosen together (CRF)" if run.model.crf else "chosen one by one"
    labels = f", {len(run.labels)} labels of whole sentences" if run.labels else ""
    features = f", {counted(len(lexicon.features), 'feature')} of each word" if lexicon.features else ""
    notes = [
        *splits.notes,
        *odd_ones(splits["train"], run),
        f"{counts(splits)} sentences; {len(run.tags)} tags, {chosen}, {read}{labels}; "
        f"{len(lexicon.vocabulary):,} words and {len(lexicon.alphabet):,} characters{features}",
        *where_they_lie(*(each.tokens for each in splits.values())),
    ]
    for kind, known in (("tag", run.tags), ("label", run.labels)):
        other = chain.from_iterable(_said(splits[split], kind) for split in SPLITS[1:])
        if new := known_and_new(known, other)[len(known) :]:
            notes.append(f"no training sentence has the {kind} {listed(new)}, so that no model can learn it")
    return notes


def _said(sentences: Sentences, kind: str) -> Iterable[str]:
    return frequencies(sentences.tags) if kind == "tag" else sentences.labels or []
