"""Documents one behind the other, against lists of them."""

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cellwright.data import documents
from cellwright.data.documents import Documents
from cellwright.data.tokenizer import Tokenizer
from cellwright.tasks.lm.stream import Stream, tokenised

TEXTS = st.lists(st.text("ab .好\n", max_size=30), min_size=1, max_size=5)


def read(texts: list[str]) -> tuple[Stream, list[int], Tokenizer]:
    """In pieces of a few characters, and as a list of all tokens, the marks among them."""
    tokenizer = Tokenizer.train(["ab .好\n"], "characters", min_frequency=1)
    size = documents.SIZE
    try:
        documents.SIZE = 3
        stream = tokenised(tokenizer, Documents.of(texts))
    finally:
        documents.SIZE = size
    return stream, [number for row in tokenizer.encode(texts) for number in (0, *row)], tokenizer


@given(TEXTS)
def test_it_holds_all_tokens_behind_their_marks(texts: list[str]) -> None:
    stream, numbers, tokenizer = read(texts)
    assert stream.at(np.arange(stream.size)).tolist() == numbers
    assert (stream.size, stream.tokens) == (len(numbers), len(numbers) - len(texts))
    counts = Counter(numbers)
    assert stream.frequencies(tokenizer.size).tolist() == [counts[number] for number in range(tokenizer.size)]
    values = np.arange(tokenizer.size) / 8
    assert stream.mapped(values).tolist() == [number / 8 for number in numbers[1:]]


@given(TEXTS, st.integers(0, 9))
def test_an_order_moves_whole_documents(texts: list[str], number: int) -> None:
    stream, _, tokenizer = read(texts)
    drawn = stream.drawn(3, number)
    found = drawn.at(np.arange(stream.size)).tolist()
    if len(texts) == 1:
        found = found[-drawn.start :] + found[: -drawn.start] if drawn.start else found
    assert sorted(split(found)) == sorted(tokenizer.encode(texts))


def split(numbers: list[int]) -> list[list[int]]:
    """The tokens behind each mark."""
    rows: list[list[int]] = []
    for number in numbers:
        rows.append([]) if number == 0 else rows[-1].append(number)
    return rows
