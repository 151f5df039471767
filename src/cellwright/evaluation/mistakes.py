"""The examples that a model is wrong about, the surest first: among these stand the wrong labels of the data."""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellwright.data.arrays import MEMORY, OnDemand, Store, chunks, ends_of, rows_where, store_of
from cellwright.data.column import Names
from cellwright.data.lists import flat, lengths_of
from cellwright.data.sentences import Sentences
from cellwright.data.wording import counted
from cellwright.evaluation.report import Section

SHOWN = 5
"""Mistakes in a report that is printed."""
LONGEST = 60
"""Characters of an example there."""
AROUND = 4
"""Words on each side of one that is tagged wrongly, there."""

ANSWERS = ("expected", "answered", "probability")
"""The right answer, the model's, and the probability that it gives its own."""
NUMBERS = {"position": int, "probability": float}
"""Kinds of the columns that hold no text."""


class Surest:
    """Indices of examples, the most probable first, of equally probable ones the first; sorted when all are asked for.

    A report shows a few, and many examples may be wrong.
    """

    def __init__(self, wrong: NDArray[np.int64], probabilities: NDArray[np.float32]) -> None:
        """wrong: rising. probabilities: of all examples, or of as many as the highest index needs."""
        self._wrong, self._probabilities = wrong, probabilities

    def __len__(self) -> int:
        return len(self._wrong)

    def first(self, count: int) -> NDArray[np.int64]:
        """Return the first of them, at most so many, without the order of all."""
        found = self._wrong[:0]
        for part in chunks(len(self)):
            found = self._sorted(np.concatenate([found, self._wrong[part]]))[:count]
        return found

    @cached_property
    def all(self) -> NDArray[np.int64]:
        """All of them."""
        return self._sorted(self._wrong)

    def _sorted(self, some: NDArray[np.int64]) -> NDArray[np.int64]:
        return some[np.argsort(-self._probabilities[some], kind="stable")]


class Mistakes(OnDemand[dict[str, Any]]):
    """N examples by the names of their columns, of which ANSWERS are the last; put together when they are asked for."""

    called = "mistake"

    def __init__(
        self,
        order: Surest,
        columns: Sequence[str],
        cells: Callable[[int], Sequence[Any]],
        shown: Callable[[int], str],
    ) -> None:
        """order: the examples. cells: of an index, side by side. shown: what the example is, for people."""
        self.columns = list(columns)
        self._order, self._cells, self._shown = order, cells, shown

    @property
    def kinds(self) -> dict[str, type]:
        """What the values of each column are, None aside."""
        return {name: NUMBERS.get(name, str) for name in self.columns}

    def __len__(self) -> int:
        return len(self._order)

    def _item(self, index: int) -> dict[str, Any]:
        return self._row(int(self._order.all[index]))

    def _row(self, example: int) -> dict[str, Any]:
        return dict(zip(self.columns, self._cells(example), strict=True))

    def sections(self) -> list[Section]:
        """Return a table of the first; none where the model is right throughout."""
        if not len(self):
            return []
        first = self._order.first(SHOWN).tolist()
        rows = [
            (*(cut(str(each)) for each in (shown, row["expected"], row["answered"])), f"{row['probability']:.3f}")
            for shown, row in zip(map(self._shown, first), map(self._row, first), strict=True)
        ]
        count = counted(len(self), "mistake")
        return [Section(f"the {SHOWN} surest of {count}" if len(self) > SHOWN else count, ANSWERS, rows)]


def cut(text: str) -> str:
    """Return a text on one line, a long one without its end."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"


def differing(true: Sequence[str], given: Sequence[str], store: Store = MEMORY) -> NDArray[np.int64]:
    """Return the indices at which two rows of strings, of a few, are not the same."""
    one, other = Names.of(true), Names.of(given)
    number = {name: place for place, name in enumerate(dict.fromkeys([*one.names, *other.names]))}
    numbers = [each.numbered(number, store) for each in (one, other)]
    return rows_where(len(one), lambda part: numbers[0][part] != numbers[1][part], store)


def of_labels(
    true: Sequence[str],
    given: Sequence[str],
    probabilities: NDArray[np.float32],
    where: Callable[[int], str],
    examples: tuple[str, Sequence[str]],
) -> Mistakes:
    """Mistakes in labels of whole examples.

    Args:
        true: (N,) the right labels.
        given: (N,) the model's.
        probabilities: (N,) which it gives its own.
        where: says where an example stood.
        examples: the name of the column of the examples, and these (N,).

    """
    name, each = examples

    def cells(index: int) -> Sequence[Any]:
        return where(index), each[index], true[index], given[index], float(probabilities[index])

    order = Surest(differing(true, given, store_of(each)), probabilities)
    return Mistakes(order, ("where", name, *ANSWERS), cells, each.__getitem__)


def of_tags(
    sentences: Sentences,
    tags: Sequence[Sequence[str]],
    labels: Sequence[str] | None,
    probabilities: NDArray[np.float32],
    store: Store = MEMORY,
) -> Mistakes:
    """Mistakes in the tags of words, and in the labels of sentences, which have no word.

    Args:
        sentences: N with their right tags, W words together.
        tags: the model's.
        labels: (N,) the model's, if it gives any.
        probabilities: (W,) which the model gives each of its tags, or (W + N,), of each label behind.
        store: where arrays as long as these lie.

    """
    right, given, ends = flat(sentences.tags), flat(tags), ends_of(lengths_of(sentences.tokens), store)
    words, wrong = len(right), differing(right, given, store)
    if labels is not None and sentences.labels is not None:
        wrong = _joined(wrong, differing(sentences.labels, labels, store), words, store)

    def place_of(index: int) -> tuple[int, int | None]:
        """The sentence, and which of its words, from 0; None where it is the sentence's label."""
        if index >= words:
            return index - words, None
        sentence = int(np.searchsorted(ends, index, side="right"))
        return sentence, index - (int(ends[sentence - 1]) if sentence else 0)

    def cells(index: int) -> Sequence[Any]:
        sentence, place = place_of(index)
        tokens, sure = sentences.tokens[sentence], float(probabilities[index])
        said = sentences.where(sentence), " ".join(tokens)
        if place is not None:
            return *said, tokens[place], place + 1, right[index], given[index], sure
        assert labels is not None and sentences.labels is not None  # noqa: PT018  # else no such index is wrong
        return *said, None, None, sentences.labels[sentence], labels[sentence], sure

    def shown(index: int) -> str:
        sentence, place = place_of(index)
        return _in_context(sentences.tokens[sentence], place)

    columns = ("where", "sentence", "word", "position", *ANSWERS)
    return Mistakes(Surest(wrong, probabilities), columns, cells, shown)


def _joined(one: NDArray[np.int64], other: NDArray[np.int64], further: int, store: Store) -> NDArray[np.int64]:
    """The numbers of both, those of the other so much larger."""
    found = store.empty(len(one) + len(other), np.int64)
    found[: len(one)] = one
    np.add(other, further, out=found[len(one) :])
    return found


def _in_context(tokens: Sequence[str], place: int | None) -> str:
    """A word in brackets between its neighbours; without one the sentence."""
    if place is None:
        return " ".join(tokens)
    begin, end = max(place - AROUND, 0), place + AROUND + 1
    around = [*tokens[begin:place], f"[{tokens[place]}]", *tokens[place + 1 : end]]
    return " ".join([*(["…"] if begin else []), *around, *(["…"] if end < len(tokens) else [])])
