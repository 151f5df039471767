"""From options to what training needs: the sides, encoded, and the description that the run folder keeps."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import cellwright
from cellwright import cells
from cellwright.data.batches import PiecedExample, Pieces
from cellwright.data.checks import classes_of
from cellwright.data.source import open_source
from cellwright.data.split import Sides
from cellwright.data.table import Table
from cellwright.data.tokenizer import Tokenizer
from cellwright.errors import InputError
from cellwright.models.architecture import Architecture, ClassifierConfig
from cellwright.models.reading import Reader, Reading
from cellwright.models.run import RunConfig, load_config, load_tokenizer
from cellwright.training.config import LIMITS, FitConfig

ELSEWHERE = {"text", "label", "out", "resume", "overwrite"}
"""Options that `config.json` holds in a place of their own, or that concern one call only."""


@dataclass(frozen=True)
class Prepared:
    """What a run is trained from."""

    config: FitConfig
    """The options; of a resumed run its own."""
    run: RunConfig
    tokenizer: Tokenizer
    train: Callable[[int], list[PiecedExample]]
    """Of an epoch, from 0 on."""
    validation: list[PiecedExample]
    majority: float
    """Share of the validation texts with the most frequent training label: the score to beat."""
    notes: list[str]
    """Sentences on the data for the user."""


def prepare(config: FitConfig) -> Prepared:
    """Read the data; take labels, tokenizer and options from the run when resuming, else make them.

    Raises InputError for data that cannot be read or learnt from, and for a resume that does not fit the run.
    """
    cells.get(config.cell)  # refuses an unknown one before the data is read
    before = load_config(config.out) if config.resume else None
    config = merged(config, before) if before else config
    sides = open_source(config.data, text=config.text, label=config.label, encoding=config.encoding)
    labels = classes_of(sides)
    fingerprint = _fingerprint(sides)
    if before and before.fingerprint != fingerprint:
        raise InputError(
            f"{config.data}: its rows are not those that {config.out} was started with; give the same data, or "
            "start anew with --overwrite"
        )
    tokenizer = load_tokenizer(config.out) if before else _train_tokenizer(sides["train"], config)
    run = _describe(
        config, labels, tokenizer, fingerprint, _pairs(tokenizer.encode(sides["train"].texts), config.pairs)
    )
    reader = Reader(tokenizer, run.reading)
    pieces = reader.epochs(sides["train"].texts, config.seed)
    validation = reader.read(sides["validation"].texts)
    return Prepared(
        config,
        run,
        tokenizer,
        train=lambda epoch: _labelled(pieces(epoch), sides["train"], labels),
        validation=_labelled(validation, sides["validation"], labels),
        majority=_majority(sides),
        notes=_notes(sides, labels, tokenizer),
    )


def merged(given: FitConfig, before: RunConfig) -> FitConfig:
    """The options of the run being resumed, with the LIMITS that were given.

    Raises InputError for another option that was given and differs: it would make it another run.
    """
    stored: dict[str, Any] = {**before.training, "text": before.text, "label": before.label}
    for name in sorted(given.model_fields_set - LIMITS):
        value = given.model_dump(mode="json")[name]
        if value != stored[name]:
            raise InputError(
                f"{given.out}: was started with {name} {stored[name]!r}, and {value!r} is given now; leave the "
                "option out to resume, or start another run"
            )
    limits = {name: getattr(given, name) for name in given.model_fields_set & LIMITS}
    return FitConfig.model_validate(stored | limits)


def _pairs(texts: Sequence[Sequence[int]], most: int) -> int:
    """Buckets for the pairs of neighbours: as many as there are different ones, and no more than `most`."""
    return min(most, len({pair for text in texts for pair in pairwise(text)})) if most else 0


def _describe(config: FitConfig, labels: list[str], tokenizer: Tokenizer, fingerprint: str, pairs: int) -> RunConfig:
    architecture = config.model_dump(include=set(Architecture.model_fields)) | {"pairs": pairs}
    return RunConfig(
        cellwright=cellwright.__version__,
        labels=labels,
        text=config.text,
        label=config.label,
        reading=Reading(**config.model_dump(include=set(Reading.model_fields))),
        classifier=ClassifierConfig(vocabulary=tokenizer.size, classes=len(labels), **architecture),
        fingerprint=fingerprint,
        training=config.model_dump(mode="json", exclude=ELSEWHERE),
    )


def _train_tokenizer(table: Table, config: FitConfig) -> Tokenizer:
    return Tokenizer.train(table.texts, config.tokenizer, size=config.vocabulary, minimum=config.minimum)


def _labelled(pieces: Sequence[Pieces], table: Table, labels: list[str]) -> list[PiecedExample]:
    number = {label: index for index, label in enumerate(labels)}
    return list(zip(pieces, [number[label] for label in _labels(table)], strict=True))


def _labels(table: Table) -> list[str]:
    assert table.labels is not None  # classes_of has checked
    return table.labels


def _fingerprint(sides: Sides) -> str:
    rows = [[side, sides[side].texts, sides[side].labels] for side in ("train", "validation")]
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def _majority(sides: Sides) -> float:
    (most_frequent, _), *_ = Counter(_labels(sides["train"])).most_common(1)
    validation = _labels(sides["validation"])
    return validation.count(most_frequent) / len(validation)


def _notes(sides: Sides, labels: list[str], tokenizer: Tokenizer) -> list[str]:
    counts = ", ".join(f"{len(table):,} {side}" for side, table in sides.items())
    return [
        *sides.notes,
        f"{counts} texts of {len(labels)} classes; {tokenizer.size:,} {tokenizer.kind} in the vocabulary",
    ]
