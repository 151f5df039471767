"""Features of a text by hand, and units that are found among others."""

import numpy as np
import pytest

from cellwright.inspect.features import features
from cellwright.inspect.probes import BLOCK, correlations, probe

MARKED = {
    'say "no" twice': ("in quotation marks", "00001110000000"),
    '"a\n\nb "c"': ("in quotation marks", "111000110"),
    "他说“好”吧": ("in quotation marks", "001100"),
    "f(a[0]) }": ("open brackets", "011221000"),
    "ab\ncd": ("characters since the line began", "12012"),
    "ab cd": ("characters since the word began", "12012"),
    "Hi. No": ("characters since the sentence ended", "120123"),
    "aB1 \n": ("at a capital letter", "01000"),
}


@pytest.mark.parametrize("text", MARKED)
def test_a_feature_by_hand(text):
    name, expected = MARKED[text]
    assert "".join(f"{value:.0f}" for value in features(text)[name]) == expected


def test_no_text_has_no_values():
    assert {len(values) for values in features("").values()} == {0}


def test_correlations_are_numpys():
    draw = np.random.default_rng(0)
    units, values = draw.normal(size=(50, 4)), draw.normal(size=50)
    units[:, 2] = 3.0
    found = correlations(units, values)
    assert found[2] == 0
    for unit in (0, 1, 3):
        assert found[unit] == pytest.approx(np.corrcoef(units[:, unit], values)[0, 1])


def test_the_unit_that_follows_a_feature_is_found_and_chance_is_found_out():
    draw = np.random.default_rng(1)
    steps = 20 * BLOCK
    followed, ignored = (draw.integers(0, 2, steps).astype(float) for _ in range(2))
    c = draw.normal(size=(steps, 300))
    c[:, 123] -= 4 * followed
    found = {
        each.feature: each for each in probe({"h": draw.normal(size=(steps, 9)), "c": c}, {"f": followed, "i": ignored})
    }
    assert (found["f"].letter, found["f"].unit) == ("c", 123)
    assert found["f"].held_out == pytest.approx(-np.sqrt(4 / 5), abs=0.02)  # the share of the variance that it makes
    assert abs(found["i"].held_out) < 0.05


def test_a_feature_that_never_changes_has_no_unit():
    assert probe({"h": np.random.default_rng(0).normal(size=(3 * BLOCK, 2))}, {"none": np.zeros(3 * BLOCK)}) == []
