"""The made-up pairs follow the rules of real nouns."""

import pytest

import inflection

# As Turkish has them.
FORMS = [
    ("kitap", "SG", "PSS1", "ACC", "kitabımı"),
    ("çocuk", "SG", "", "DAT", "çocuğa"),
    ("çocuk", "PL", "PSS2", "LOC", "çocuklarında"),
    ("süt", "SG", "", "LOC", "sütte"),
    ("süt", "SG", "", "ACC", "sütü"),
    ("göz", "SG", "PSS3", "ABL", "gözünden"),
    ("ev", "PL", "", "GEN", "evlerin"),
    ("kız", "SG", "PSS3", "DAT", "kızına"),
    ("okul", "SG", "PSS1", "NOM", "okulum"),
]


@pytest.mark.parametrize("form", FORMS, ids=[form[-1] for form in FORMS])
def test_known_forms(form):
    *asked, expected = form
    assert inflection.inflected(*asked) == expected


def test_pairs_are_many_and_always_the_same():
    made = inflection.pairs(200, seed=0)
    assert made == inflection.pairs(200, seed=0) != inflection.pairs(200, seed=1)
    assert len({(stem, features) for stem, features, _ in made}) == 200
