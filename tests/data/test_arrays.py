"""Arrays as long as the data are the same wherever they lie, and however few rows are taken at once."""

from collections import Counter
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellwright.data import arrays
from cellwright.data.arrays import MEMORY, chunks, counting, ends_of, gathered, rows_where
from cellwright.data.batches import LengthBucketSampler
from cellwright.data.cache import Cache
from cellwright.data.column import Names
from cellwright.data.feed import Epoch
from cellwright.data.hash_split import among, split_table, with_text
from cellwright.data.readers import read

NUMBERS = st.lists(st.integers(-(2**31), 2**31 - 1), max_size=20)


@pytest.fixture(params=["memory", "disk"])
def store(request, tmp_path):
    return MEMORY if request.param == "memory" else Cache(tmp_path / "cache")


@contextmanager
def rows_at_once(count):
    """Whatever the store; hypothesis calls a test more often than a fixture."""
    before, arrays.CHUNK = arrays.CHUNK, count
    yield
    arrays.CHUNK = before


@pytest.mark.parametrize("at_once", [1, 3, 100])
def test_parts_are_all_that_was_asked_for(store, at_once):
    numbers = np.array([5, 3, 8, 3, 0, 9, 3])
    rows = np.array([6, 0, 2, 2])
    with rows_at_once(at_once):
        assert [row for part in chunks(7, 2) for row in range(part.start, part.stop)] == [2, 3, 4, 5, 6]
        assert gathered(numbers, rows, store).tolist() == [3, 5, 8, 8]
        assert rows_where(7, lambda part: numbers[part] == 3, store).tolist() == [1, 3, 6]
        assert rows_where(7, lambda part: numbers[part] > 9, store).tolist() == []
        assert ends_of(numbers, store).tolist() == [5, 8, 16, 19, 19, 28, 31]
        assert gathered(numbers, rows[:0], store).tolist() == []
        assert counting(5, store, first=3).tolist() == [3, 4, 5, 6, 7]


@given(st.lists(st.sampled_from(["a", "b", "", "ü"]), max_size=20), st.integers(1, 5))
def test_names_are_their_strings(strings, at_once):
    names = Names.of(strings)
    with rows_at_once(at_once):
        assert list(names) == strings
        assert names == strings
        assert [names[k] for k in range(len(names))] == strings
        assert names[1:3] == strings[1:3]
        assert names.take(np.arange(len(strings))[::-1]) == strings[::-1]
        assert names.rows_of(["a", "ü"]).tolist() == [k for k, each in enumerate(strings) if each in "aü" and each]
        assert names.renamed({"a": "b"}) == [each.replace("a", "b") for each in strings]
        assert names.numbered({"a": 7, "": 0}).tolist() == [{"a": 7, "": 0}.get(each, -1) for each in strings]
        assert Counter(names) == Counter(strings)
    assert names != [*strings, "a"]


def as_they_were(lengths, budget, seed, epoch):
    """The batches as they are defined: all at once, and as lists."""
    bits = [max(length, 1).bit_length() for length in lengths]
    steps = [1 << max(bit - 4, 0) for bit in bits]
    widths = np.array([-(-max(length, 1) // step) * step for length, step in zip(lengths, steps, strict=True)])
    random = np.random.default_rng((seed, epoch))
    shuffled = random.permutation(len(lengths))
    descending = shuffled[np.argsort(-widths[shuffled], kind="stable")].tolist()
    batches = []
    while descending:
        rows = max(1, budget // int(widths[descending[0]]))
        batches.append(descending[:rows])
        descending = descending[rows:]
    return [batches[k] for k in random.permutation(len(batches))]


@given(
    st.lists(st.integers(0, 200), min_size=1, max_size=60), st.integers(1, 400), st.integers(0, 9), st.integers(1, 70)
)
def test_batches_are_those_of_all_rows_at_once(lengths, budget, seed, at_once):
    with rows_at_once(at_once):
        for epoch in range(2):
            found = LengthBucketSampler(np.array(lengths, np.int32), budget, seed=seed).batches(epoch)
            assert list(found) == as_they_were(lengths, budget, seed, epoch)


def test_batches_on_disk_are_those_in_memory(tmp_path):
    lengths = np.random.default_rng(0).integers(0, 90, 1000)
    found = LengthBucketSampler(lengths, 300, seed=2, store=Cache(tmp_path))
    assert list(found.batches(5)) == as_they_were(lengths.tolist(), 300, 2, 5)


@given(st.lists(st.lists(st.integers(0, 99), min_size=1, max_size=7), max_size=5), st.integers(2, 4))
def test_a_share_is_every_so_manieth_example_of_each_batch(batches, world_size):
    for rank in range(world_size):
        found = Epoch([], batches).share(rank, world_size)
        assert list(found.batches) == [batch[rank::world_size] or batch[:1] for batch in batches]
        assert [k for k in range(len(batches)) if k in found.idle] == [
            k for k, batch in enumerate(batches) if not batch[rank::world_size]
        ]


ROWS = "text,label\n" + "".join(
    f"{text},{label}\n"
    for k in range(60)
    for text, label in ((f"text {k % 40}", "ab"[k % 7 == 0]), (f"  näh {k}", "c"), ("", "a"))
)


@pytest.mark.parametrize("at_once", [7, 1000])
@pytest.mark.parametrize("duplicates", ["majority", "first", "drop", "keep"])
def test_splits_on_disk_are_those_in_memory(tmp_path, file, at_once, duplicates):
    path = file("a.csv", ROWS)
    expected = split_table(read(path), duplicates=duplicates)
    with rows_at_once(at_once):
        table = read(path, store=Cache(tmp_path / "cache"))
        found = split_table(table, duplicates=duplicates)
    assert found.notes == expected.notes
    for split, rows in expected.items():
        assert len(rows)
        assert (found[split].texts, found[split].labels) == (list(rows.texts), list(rows.labels))
        assert [found[split].where(k) for k in range(len(rows))] == [rows.where(k) for k in range(len(rows))]
    with rows_at_once(at_once):
        assert with_text(table)[0].texts == with_text(read(path))[0].texts
        assert among(table, found["train"]) == sum(
            text.strip() in {each.strip() for each in expected["train"].texts} for text in read(path).texts
        )
