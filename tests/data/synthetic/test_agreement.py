import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from agreement import assert_agree
from cellwright.data.synthetic import agreement
from cellwright.data.synthetic.agreement import PLURAL, SINGULAR, WORDS


@given(distances=st.lists(st.integers(0, 60), max_size=5), seed=st.integers(0, 2**32))
def test_the_number_is_the_subjects_and_the_distance_as_asked(distances, seed):
    tokens, lengths, numbers = agreement(distances, seed)
    assert tokens.shape == (len(distances), 2 + max(distances, default=0))
    for row, length, number, distance in zip(tokens.tolist(), lengths, numbers, distances, strict=True):
        words = [WORDS[token] for token in row]
        assert words[0] == "the"
        assert words[1] in (SINGULAR, PLURAL)[number]
        assert length == distance + 2
        assert all(words[2:length])
        assert not any(words[length:])


def test_the_clause_is_english_of_every_length():
    words = [" ".join(WORDS[t] for t in row if t) for row in agreement(range(9), seed=4)[0].tolist()]
    nouns = dict.fromkeys((*SINGULAR, *PLURAL), "NOUN")
    kinds = nouns | {"saw": "SAW", "lost": "SAW", "found": "SAW", "wanted": "SAW", "once": "ONCE", "never": "ONCE"}
    kinds |= dict.fromkeys(("old", "red", "small", "quiet", "heavy"), "OLD")
    kinds |= dict.fromkeys(("near", "behind", "with", "under"), "NEAR")
    assert [" ".join(kinds.get(word, word) for word in text.split()[2:]) for text in words] == [
        "",
        "SAW",
        "which SAW",
        "which ONCE SAW",
        "which the NOUN SAW",
        "which the OLD NOUN SAW",
        "which the OLD OLD NOUN SAW",
        "which the NOUN NEAR the NOUN SAW",
        "which the OLD NOUN NEAR the NOUN SAW",
    ]


def test_the_clause_gives_the_number_away_no_more_than_a_coin():
    tokens, _, numbers = agreement([20] * 2000, seed=0)
    plural = torch.tensor([word in PLURAL for word in WORDS])[tokens[:, 2:]].float().mean(1)
    assert abs(torch.corrcoef(torch.stack([plural, numbers.float()]))[0, 1]) < 0.06  # three standard errors
    assert numbers.float().mean().item() == pytest.approx(0.5, abs=0.04)


def test_a_seed_is_a_set():
    assert_agree(agreement([3, 0], seed=1), agreement([3, 0], seed=1), share=0)


def test_a_distance_below_zero_is_refused():
    with pytest.raises(ValueError, match="a distance of -1 words"):
        agreement([3, -1], seed=0)
