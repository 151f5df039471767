"""Sentences of tagged tokens, where each stood in its file, and their splits."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from cellwright.data.hash_split import check_shares, split_of
from cellwright.data.splits import SHARE, SPLITS, Splits
from cellwright.data.wording import counted, place

SENTENCES = "tagged sentences"
"""What a built-in set of them holds."""


Features = tuple[str, ...]
"""Of a word: a value of each further column, empty where nothing is said."""


@dataclass(frozen=True)
class Featured:
    """A sentence whose words come with features, as many of each."""

    tokens: list[str]
    features: list[Features]

    def __len__(self) -> int:
        return len(self.tokens)

    def __iter__(self) -> Iterator[str]:
        """Its words alone."""
        return iter(self.tokens)


Words = Sequence[str] | Featured
"""A sentence as a tagger is told it."""


def tokens_of(words: Words) -> Sequence[str]:
    """The words alone."""
    return words.tokens if isinstance(words, Featured) else words


@dataclass(frozen=True)
class Sentences:
    """N sentences in the order of their file; the lists run side by side.

    Each sentence of `tokens` has as many `tags`. `labels` says one thing of each whole sentence, None where nobody
    asked for it. `lines` holds the line on which a sentence begins, counted from 1; `source` is the file or the
    built-in set. `features` are those of each token, None where no columns were asked for."""

    tokens: list[list[str]]
    tags: list[list[str]]
    labels: list[str] | None
    lines: Sequence[int | str]
    source: str
    unit: str = "line"
    features: list[list[Features]] | None = None

    def __post_init__(self) -> None:
        sizes = {
            len(column)
            for column in (self.tokens, self.tags, self.labels, self.lines, self.features)
            if column is not None
        }
        if len(sizes) > 1:
            raise ValueError(f"Sentences: lists of {sorted(sizes)} sentences; expected as many of each")
        for index, (tokens, tags) in enumerate(zip(self.tokens, self.tags, strict=True)):
            if len(tokens) != len(tags):
                raise ValueError(f"{self.where(index)}: {len(tokens)} tokens and {len(tags)} tags; expected as many")

    def __len__(self) -> int:
        return len(self.tokens)

    def where(self, index: int) -> str:
        """Say where a sentence stood, `news.conll, line 7`, to begin a message with."""
        return place(self.source, self.unit, self.lines[index])

    def take(self, indices: Iterable[int]) -> "Sentences":
        """Return the sentences with these indices, in this order."""
        rows = list(indices)
        return Sentences(
            tokens=[self.tokens[row] for row in rows],
            tags=[self.tags[row] for row in rows],
            labels=None if self.labels is None else [self.labels[row] for row in rows],
            lines=[self.lines[row] for row in rows],
            source=self.source,
            unit=self.unit,
            features=None if self.features is None else [self.features[row] for row in rows],
        )

    @property
    def told(self) -> Sequence[Words]:
        """What a tagger is told of each."""
        if self.features is None:
            return self.tokens
        return [Featured(*each) for each in zip(self.tokens, self.features, strict=True)]


def joined(parts: Sequence[Sentences], source: str, places: Sequence[str]) -> Sentences:
    """Make one of the sentences of several files, in order; all have labels, or features, or none.

    source: what names all files. places: of each sentence, which file and line it stood in.
    """
    labels = [each.labels for each in parts if each.labels is not None]
    features = [each.features for each in parts if each.features is not None]
    return Sentences(
        tokens=[tokens for each in parts for tokens in each.tokens],
        tags=[tags for each in parts for tags in each.tags],
        labels=[label for each in labels for label in each] if labels else None,
        lines=places,
        source=source,
        unit="",
        features=[row for each in features for row in each] if features else None,
    )


def split_sentences(sentences: Sentences, *, validation: float = SHARE, test: float = SHARE) -> Splits[Sentences]:
    """Give each sentence to one split, by the hash of its tokens, as `data.hash_split` does with texts.

    Sentences without a token are left out, and counted in the notes. One that stands several times stays as often, on
    one split.

    Raises:
        ValueError: the shares do not leave anything for training.

    """
    check_shares(validation, test)
    rows = with_tokens(sentences)
    indices: dict[str, list[int]] = {split: [] for split in SPLITS}
    for row in rows:
        indices[split_of(" ".join(sentences.tokens[row]), validation, test)].append(row)
    splits = {split: sentences.take(rows) for split, rows in indices.items()}
    return Splits(splits, without_tokens(sentences))


def with_tokens(sentences: Sentences) -> list[int]:
    """Return the rows that hold at least one token."""
    return [row for row, tokens in enumerate(sentences.tokens) if tokens]


def without_tokens(sentences: Sentences) -> list[str]:
    """Return a note on the sentences that are left out, if there are any."""
    empty = [row for row, tokens in enumerate(sentences.tokens) if not tokens]
    if not empty:
        return []
    return [f"{counted(len(empty), 'sentence')} without a token left out, the first on {sentences.where(empty[0])}"]
