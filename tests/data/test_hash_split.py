import hashlib
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellwright.data.hash_split import position, split_of, split_table
from cellwright.data.table import Table


def _table(*rows: tuple[str, str]) -> Table:
    texts, labels = [text for text, _ in rows], [label for _, label in rows]
    return Table(texts, labels, list(range(2, len(rows) + 2)), source="r.csv")


def _kept(splits) -> dict[str, str]:
    return {text: label for split in splits.values() for text, label in zip(split.texts, split.labels, strict=True)}


def test_position_is_the_first_32_bits_of_sha_256():
    assert position("很好") == int(hashlib.sha256("很好".encode()).hexdigest()[:8], 16) / 2**32


def test_the_splits_of_these_texts_never_change():
    """From `printf %s mu | sha256sum`, written down once: a change moves users' test texts into training."""
    greek = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma tau upsilon"
    splits = split_table(_table(*[(word, "x") for word in f"{greek} phi chi psi omega".split()]))
    assert splits["test"].texts == ["mu", "xi", "rho"]
    assert splits["validation"].texts == ["nu", "tau", "omega"]
    assert len(splits["train"]) == 18


def test_shares_are_met_on_average():
    splits = split_table(_table(*[(f"text {k}", "x") for k in range(10_000)]))
    # 5 standard deviations of a binomial: 5 * sqrt(10,000 * 0.1 * 0.9) = 150.
    assert abs(len(splits["test"]) - 1000) < 150
    assert abs(len(splits["validation"]) - 1000) < 150
    assert sum(map(len, splits.values())) == 10_000


def test_other_shares():
    splits = split_table(_table(*[(f"text {k}", "x") for k in range(10_000)]), validation=0, test=0.3)
    assert len(splits["validation"]) == 0
    assert abs(len(splits["test"]) - 3000) < 230


@pytest.mark.parametrize(("validation", "test"), [(0.5, 0.5), (-0.1, 0.1), (0.1, 1)])
def test_shares_that_leave_nothing_are_refused(validation, test):
    with pytest.raises(ValueError, match=f"shares of {validation} for validation and {test} for test"):
        split_table(_table(("a", "x")), validation=validation, test=test)


def test_doubles_are_removed_and_counted():
    splits = split_table(_table(("a", "x"), ("b", "y"), ("a", "x"), (" a\n", "x")))
    assert _kept(splits) == {"a": "x", "b": "y"}
    assert splits.notes[0] == "2 rows left out that repeat an earlier text"


def test_of_doubles_the_first_row_is_kept():
    splits = split_table(_table(("a", "x"), ("a", "x")))
    assert [split.lines for split in splits.values() if split] == [[2]]


@pytest.mark.parametrize(
    ("duplicates", "kept"),
    [
        ("majority", [("b", "y"), ("a", "x"), ("c", "z")]),  # of c, which is a tie, the label that stands first
        ("first", [("b", "y"), ("a", "w"), ("c", "z")]),
        ("drop", [("b", "y")]),
        ("keep", [("b", "y"), ("a", "w"), ("a", "x"), ("a", "x"), ("c", "z"), ("c", "y"), (" b", "y")]),
    ],
)
def test_a_text_with_several_labels_is_settled_as_asked(duplicates, kept):
    rows = [("b", "y"), ("a", "w"), ("a", "x"), ("a", "x"), ("c", "z"), ("c", "y"), (" b", "y"), ("", "y")]
    splits = split_table(_table(*rows), duplicates=duplicates)
    found = [(text, label) for split in splits.values() for text, label in zip(split.texts, split.labels, strict=True)]
    assert sorted(found) == sorted(kept)


def test_how_each_class_changed_is_said():
    rows = [("a", "x"), ("a", "y"), ("a", "x"), ("c", "x"), ("c", "z"), ("d", "y"), ("d", "y")]
    notes = split_table(_table(*rows), validation=0, test=0).notes
    assert notes == [
        "1 row left out that repeats an earlier text",
        "5 rows of 2 texts that stand with different labels, the first on r.csv, line 2: each text is kept once, with "
        "its most frequent label (of equally frequent ones that which stands first); --duplicates drop leaves such "
        "texts out, keep keeps every row",
        "rows of each class, before and after: 'z' 1 → 0, 'y' 3 → 1, 'x' 3 → 2",
    ]
    assert split_table(_table(*rows), validation=0, test=0, duplicates="keep").notes == [
        "1 row kept that repeats an earlier text",
        "5 rows of 2 texts that stand with different labels, the first on r.csv, line 2: all are kept",
    ]


def test_empty_texts_are_removed_and_counted():
    splits = split_table(_table(("a", "x"), ("", "x"), (" \n", "y")))
    assert _kept(splits) == {"a": "x"}
    assert splits.notes[0] == "2 rows without text left out, the first on r.csv, line 3"


def test_nothing_left_out_is_nothing_noted():
    assert split_table(_table(*[(f"text {k}", "x") for k in range(100)])).notes == []


def test_a_label_that_training_lacks_is_noted():
    rows = [(f"text {k}", "x") for k in range(100)]
    tested = split_table(_table(*rows))["test"].texts[:2]
    splits = split_table(_table(*[(text, "rare" if text in tested else label) for text, label in rows]))
    assert splits.notes == [
        "label 'rare' has no row in the training split (of 2 rows), so that no model can learn it",
    ]


def test_texts_without_labels_are_split_too():
    splits = split_table(Table(["a", "b", "a"], None, [1, 2, 3], source="r.txt"))
    assert sorted(text for split in splits.values() for text in split.texts) == ["a", "b"]
    assert all(split.labels is None for split in splits.values())


def test_a_lone_surrogate_has_a_split():
    assert sum(map(len, split_table(_table(("\ud83d", "x"))).values())) == 1


_rows = st.lists(st.tuples(st.text(max_size=3), st.sampled_from("xy")), max_size=30)


@given(rows=_rows)
def test_no_text_stands_in_two_splits_and_every_row_is_kept_or_counted(rows):
    splits = split_table(_table(*rows))
    texts = [text.strip() for split in splits.values() for text in split.texts]
    assert len(texts) == len(set(texts))
    labels: dict[str, Counter[str]] = {}
    for text, label in rows:
        labels.setdefault(text.strip(), Counter())[label] += 1
    labels.pop("", None)
    assert {text.strip(): label for text, label in _kept(splits).items()} == {
        text: counts.most_common(1)[0][0] for text, counts in labels.items()
    }


@given(rows=_rows, more=_rows)
def test_rows_added_move_no_text_to_another_split(rows, more):
    before, after = split_table(_table(*rows)), split_table(_table(*rows, *more))
    split_of = {text.strip(): name for name, split in after.items() for text in split.texts}
    for name, split in before.items():
        assert all(split_of.get(text.strip(), name) == name for text in split.texts)


@given(rows=_rows)
def test_the_order_of_rows_plays_no_part(rows):
    there, back = split_table(_table(*rows)), split_table(_table(*rows[::-1]))
    for name in there:
        assert Counter(map(str.strip, there[name].texts)) == Counter(map(str.strip, back[name].texts))


def test_rows_are_split_as_by_a_dictionary_of_their_texts():
    """Equal texts are found by sorted hashes: the rows are those that comparing all texts finds."""
    texts = [f" text {k % 17}{' ' * (k % 3)}" if k % 5 else " " * (k % 2) for k in range(300)]
    splits = split_table(Table(texts, [str(k % 2) for k in range(300)], list(range(300)), "t"), duplicates="first")
    first: dict[str, int] = {}
    for row, text in enumerate(texts):
        first.setdefault(text.strip(), row)
    expected = {"train": [], "validation": [], "test": []}
    for text, row in first.items():
        if text:
            expected[split_of(text, 0.1, 0.1)].append(row)
    assert {split: list(table.lines) for split, table in splits.items()} == expected
