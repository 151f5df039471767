import math
from collections import Counter

import pytest

from cellwright.evaluation.perplexity import CODE_POINTS, PerplexityScores, Speller


def test_scores_are_the_definitions():
    scores = PerplexityScores(nats=12.0, tokens=4, characters=10)
    assert scores.loss == 3.0
    assert scores.perplexity == math.exp(3)
    assert scores.bits_a_character == pytest.approx(1.2 / math.log(2))
    assert scores.as_json() == {
        "loss": 3.0,
        "perplexity": math.exp(3),
        "bits_a_character": pytest.approx(1.7312, abs=1e-4),
        "tokens": 4,
        "characters": 10,
    }


def test_a_uniform_model_of_256_costs_8_bits_whatever_a_token_is():
    one, two = PerplexityScores(5 * math.log(256), 5, 5), PerplexityScores(5 * math.log(256), 2, 5)
    assert one.bits_a_character == two.bits_a_character == pytest.approx(8)
    assert one.perplexity == pytest.approx(256)


def test_spelling_counts_for_bits_a_character_alone():
    scores = PerplexityScores(nats=12.0, tokens=4, characters=10, spelling=3.0)
    assert scores.loss == 3.0
    assert scores.bits_a_character == pytest.approx(1.5 / math.log(2))


def test_a_hopeless_model_has_a_perplexity_all_the_same():
    assert PerplexityScores(1e9, 1, 1).perplexity > 1e300


def test_spelling_takes_the_share_of_each_character():
    speller = Speller(Counter("aab a"))
    nats = [-math.log(n / (5 + CODE_POINTS)) for n in (4, 2, 2, 1)]  # a, b, space, never seen
    assert speller.nats(["ab", "é"], ended=True) == pytest.approx(nats[0] + nats[1] + nats[3] + 2 * nats[2])
    assert speller.nats(["é"], ended=False) == pytest.approx(nats[3])
    assert speller.nats([], ended=True) == 0
