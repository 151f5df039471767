"""From options to what training needs: the splits, as numbers, and the description that the run folder keeps."""

from collections.abc import Iterable
from itertools import chain

import cellwright
from cellwright.data.feed import feeds
from cellwright.data.readers.values import listed
from cellwright.data.sentences import Sentences
from cellwright.data.special_tokens import KNOWN
from cellwright.data.splits import SPLITS, Splits, counts
from cellwright.data.words import Lexicon, WordExample, collate_words
from cellwright.evaluation.tagging import FrequentTags, score_tags
from cellwright.models.tagger_architecture import TaggerArchitecture, TaggerConfig
from cellwright.tasks.cell import check_cell
from cellwright.tasks.resume import fingerprint, kept_options
from cellwright.tasks.tag.config import TagConfig
from cellwright.tasks.tag.data import load_splits
from cellwright.tasks.tag.objective import TagObjective, known_and_new
from cellwright.tasks.tag.run import LEXICON, TagRunConfig, load_lexicon
from cellwright.tasks.tag.scheme import odd_ones, scheme_for
from cellwright.tasks.task import Baseline, Prepared


def prepare(config: TagConfig, before: TagRunConfig | None) -> Prepared[TagConfig, TagRunConfig]:
    """Read the data; take the words from the run when resuming, else collect them. Raises InputError."""
    check_cell(config.cell)  # before the data is read
    splits = load_splits(config)
    train, validation = splits["train"], splits["validation"]
    if before:
        lexicon = load_lexicon(config.out, before.model)
    else:
        lexicon = Lexicon.train(train.tokens, size=config.vocab_size, min_frequency=config.min_frequency)
    run = _describe(config, splits, lexicon)
    examples = _examples(train, run, lexicon)
    train_feed, validation_feed = feeds(
        lambda epoch: examples,
        _examples(validation, run, lexicon),
        cost=lambda example: len(example.words),
        collate=collate_words,
        budget=config.batch_tokens,
        seed=config.seed,
    )
    return Prepared(
        config,
        run,
        TagObjective(run, config, known_and_new(run.tags, chain.from_iterable(validation.tags))),
        train=train_feed,
        validation=validation_feed,
        baseline=_frequent(train, validation, run) if len(validation) else None,
        files={LEXICON: lexicon.to_json().encode()},
        notes=_notes(splits, run, lexicon),
    )


def _describe(config: TagConfig, splits: Splits[Sentences], lexicon: Lexicon) -> TagRunConfig:
    train = splits["train"]
    tags = sorted({tag for row in train.tags for tag in row})
    labels = sorted(set(train.labels or []))
    chosen = config.model_dump(include=set(TaggerArchitecture.model_fields))
    sizes = {"vocab_size": len(lexicon.vocabulary) + KNOWN, "alphabet": len(lexicon.alphabet) + KNOWN}
    scheme = scheme_for(config, train)
    crf = scheme != "plain" if config.crf is None else config.crf
    rows = [
        [split, splits[split].tokens, splits[split].tags, splits[split].labels] for split in ("train", "validation")
    ]
    return TagRunConfig(
        cellwright=cellwright.__version__,
        tags=tags,
        labels=labels,
        scheme=scheme,
        model=TaggerConfig(tags=len(tags), classes=len(labels), crf=crf, **sizes | chosen),
        fingerprint=fingerprint(rows),
        options=kept_options(config),
    )


def _examples(sentences: Sentences, run: TagRunConfig, lexicon: Lexicon) -> list[WordExample]:
    """Number words, tags and labels, those that training has not seen behind all that it has."""
    tags = known_and_new(run.tags, chain.from_iterable(sentences.tags))
    labels = known_and_new(run.labels, sentences.labels or [])
    numbers, of_label = ({name: number for number, name in enumerate(names)} for names in (tags, labels))
    said = None if sentences.labels is None else [of_label[label] for label in sentences.labels]
    return lexicon.examples(sentences.tokens, [[numbers[tag] for tag in row] for row in sentences.tags], said)


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
    notes = [
        *splits.notes,
        *odd_ones(splits["train"], run),
        f"{counts(splits)} sentences; {len(run.tags)} tags, {chosen}, {read}{labels}; "
        f"{len(lexicon.vocabulary):,} words and {len(lexicon.alphabet):,} characters",
    ]
    for kind, known in (("tag", run.tags), ("label", run.labels)):
        other = chain.from_iterable(_said(splits[split], kind) for split in SPLITS[1:])
        if new := known_and_new(known, other)[len(known) :]:
            notes.append(f"no training sentence has the {kind} {listed(new)}, so that no model can learn it")
    return notes


def _said(sentences: Sentences, kind: str) -> Iterable[str]:
    return chain.from_iterable(sentences.tags) if kind == "tag" else sentences.labels or []
