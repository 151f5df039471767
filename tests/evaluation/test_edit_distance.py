"""Error rates against the definition of the edit distance."""

from collections import Counter, defaultdict
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellwright.data import arrays
from cellwright.evaluation import transduction
from cellwright.evaluation.edit_distance import EditSums
from cellwright.evaluation.transduction import Comparison, symbol_by_symbol, usual_counterparts


def distance(a, b):
    """Levenshtein's, by its recursion."""

    @cache
    def of(i, j):
        if not i or not j:
            return i + j
        return min(of(i - 1, j) + 1, of(i, j - 1) + 1, of(i - 1, j - 1) + (a[i - 1] != b[j - 1]))

    return of(len(a), len(b))


symbols = st.lists(st.sampled_from(["AH", "A", "H", "ü"]), max_size=6)
answered = st.tuples(symbols, st.lists(symbols.filter(len), min_size=1, max_size=3))


def scores(answers, references, together=2):
    """Of some answers after the others."""
    sums = EditSums()
    for start in range(0, len(answers), together):
        sums.add(answers[start : start + together], references[start : start + together])
    return sums.scores()


@given(st.lists(answered, min_size=1, max_size=6))
def test_is_the_nearest_answer_by_the_definition(rows):
    answers, references = zip(*rows, strict=True)
    found = scores(answers, references)
    assert found == scores(answers, references, len(answers))
    nearest = [min(right, key=lambda r: distance(a, r) / len(r)) for a, right in rows]
    edits = [distance(a, r) for a, r in zip(answers, nearest, strict=True)]
    wrong = sum(a not in right for a, right in rows)
    assert found.sequence_error == pytest.approx(wrong / len(rows))
    lengths = set(map(len, nearest))
    if len(lengths) == 1 or all(len(right) == 1 for _, right in rows):  # else equally near ones differ in length
        assert found.symbol_error == pytest.approx(sum(edits) / sum(map(len, nearest)))
        assert found.symbols == sum(map(len, nearest))


def test_any_right_answer_counts():
    found = scores([["R", "IY", "D"], ["L", "D"]], [[["R", "EH", "D"], ["R", "IY", "D"]], [["L", "EH", "D"]]])
    assert (found.sequence_error, found.symbol_error, found.sequences, found.symbols) == (0.5, 1 / 6, 2, 6)


def test_nothing_to_score_is_refused():
    with pytest.raises(ValueError, match="there is no answer to score"):
        EditSums().scores()


TRAIN = [("ab", "XY"), ("ba", "YX"), ("ab", "ZY"), ("abc", "X")]


def test_symbol_by_symbol_counts_where_both_sides_are_equally_long():
    usual = usual_counterparts(TRAIN)
    assert [symbol_by_symbol(usual, source) for source in ("aab", "ca")] == [["X", "X", "Y"], ["c", "X"]]


@given(
    pairs=st.lists(st.integers(0, 3).flatmap(lambda n: st.tuples(*[st.text("abcd", min_size=n, max_size=n)] * 2))),
    together=st.integers(1, 5),
)
def test_usual_counterparts_are_those_of_counting_each_symbol(pairs, together):
    counts = defaultdict(Counter)
    for source, target in pairs:
        for symbol, counterpart in zip(source, target, strict=True):
            counts[symbol][counterpart] += 1
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(arrays, "CHUNK", together)
        for name in ("TOGETHER", "AT_ONCE"):
            patch.setattr(transduction, name, together)
        assert usual_counterparts(pairs) == {symbol: each.most_common(1)[0][0] for symbol, each in counts.items()}


def test_report_counts_the_best_and_the_candidates():
    found = [[["X"], ["Y"]], [["Z"], ["Q"]], [["Y"]]]
    sources, references = ["a", "a", "c"], [[["Y"]], [["Z"], ["X"]], [["c"]]]
    comparison = Comparison(usual_counterparts(TRAIN))
    for part in (slice(2), slice(2, 3)):
        comparison.add(found[part], sources[part], references[part])
    report = comparison.report()
    said = report.as_json()
    assert (said["model"]["sequence_error"], said["within"], said["candidates"]) == (
        pytest.approx(2 / 3),
        pytest.approx(2 / 3),
        2,
    )
    assert said["copy"]["sequence_error"] == pytest.approx(2 / 3)
    assert said["by_symbol"]["sequence_error"] == pytest.approx(1 / 3)
    assert "aligned" not in said
    assert report.verdict() == (
        "The network gives a right answer to 0.333 of the sources, and has one among its 2 best for 0.667; "
        "symbol by symbol it would be 0.667."
    )
