"""The sentences of a run: a built-in set or files, and whether they can be learned from."""

from collections.abc import Mapping
from typing import Any

from cellwright.data import datasets
from cellwright.data.readers.tagged import read_tagged
from cellwright.data.sentences import SENTENCES, Sentences, split_sentences, with_tokens
from cellwright.data.split import SHARE, SIDES, Parted
from cellwright.errors import InputError
from cellwright.tasks.sides import refuse_for_a_set

OF_FILES = dict.fromkeys(("tokens", "tags", "also_classify", "validation", "test", "format"))
"""Options that say how files are read, and nothing of a built-in set: None where they are not given."""


def open_sides(data: str, options: Mapping[str, Any]) -> Parted[Sentences]:
    """Return "train", "validation" and "test" of a built-in set or of files.

    options: `tokens`, `tags`, `also_classify`, `validation`, `test`, `encoding`, `format` of `TagConfig`; a side that
    has a file of its own is the whole of it. Raises InputError.
    """
    own = {side: options[side] for side in SIDES[1:] if options[side] is not None}
    if data in datasets.names():
        built_in: Parted[Sentences] = datasets.load(data, SENTENCES)
        refuse_for_a_set(data, options, OF_FILES)
        return built_in
    shares = {side: 0.0 if side in own else SHARE for side in SIDES[1:]}
    sides = split_sentences(open_file(data, options), **shares)
    for side, path in own.items():
        whole = open_file(path, options)
        sides[side] = whole.take(with_tokens(whole))
    return sides


def open_file(path: str, options: Mapping[str, Any]) -> Sentences:
    """Read all sentences of a file. Raises InputError."""
    return read_tagged(
        path,
        tokens=options["tokens"],
        tags=options["tags"],
        label=options["also_classify"],
        encoding=options["encoding"],
        format=options["format"],
        built_in=datasets.names(SENTENCES),
    )


def check_learnable(sides: Mapping[str, Sentences]) -> None:
    """Raise InputError where a side is empty, or where there is nothing to tell apart."""
    for side in SIDES:
        if not len(sides[side]):
            counts = ", ".join(f"{each} {len(sides[each])}" for each in SIDES)
            raise InputError(
                f"{sides['train'].source}: no sentence falls to the {side} side ({counts}); each sentence's hash "
                f"decides: give more sentences, or a file with --{side}"
            )
    train = sides["train"]
    for kind, found in (("tag", {t for row in train.tags for t in row}), ("label", set(train.labels or "ab"))):
        if len(found) < 2:
            raise InputError(
                f"{train.source}: every {kind} of the training sentences is {found.pop()!r}; expected at least two to "
                "tell apart"
            )


def seen_in(train: Sentences, other: Sentences) -> int:
    """How many sentences of another side training has seen."""
    seen = {tuple(tokens) for tokens in train.tokens}
    return sum(tuple(tokens) in seen for tokens in other.tokens)
