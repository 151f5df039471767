"""Beam search against all targets there are."""

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from agreement import SINGLE, assert_agree, double
from cellwright.models.beam import beam_search, greedy_search
from cellwright.models.transducer import Transducer, negative_log_likelihood
from cellwright.models.transducer_architecture import TransducerConfig

SOURCES, LENGTHS = torch.tensor([[2, 3, 4], [5, 2, 0], [0, 0, 0]]), torch.tensor([3, 2, 0])
LIMITS = torch.tensor([4, 3, 2])
SYMBOLS = [2, 3, 4]  # 0 ends a target, 1 is never given out


def model(seed, **options):
    torch.manual_seed(seed)
    made = Transducer(
        TransducerConfig(source_vocab_size=6, target_vocab_size=5, embedding_dim=5, hidden_size=7, **options)
    ).eval()
    if made.copying is not None:
        made.copying.counterparts.copy_(torch.tensor([1, 1, 3, 2, 1, 4]))
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.mul_(4)  # so that targets differ by far more than rounding
    return made


@torch.no_grad()
def log_probability(made, b, target):
    tokens, length = torch.tensor(target, dtype=torch.int64)[None], torch.tensor([len(target)])
    logits = made(SOURCES[b : b + 1], LENGTHS[b : b + 1], tokens, length)
    return -negative_log_likelihood(logits, tokens, length).item()


def score(made, b, target, alpha):
    return log_probability(made, b, target) / ((5 + len(target)) / 6) ** alpha


@pytest.mark.slow
@pytest.mark.parametrize("alpha", [0.0, 0.6, 2.0])
@pytest.mark.parametrize("options", [{"cell": "gru"}, {"input_feeding": True}, {"copying": True}])
def test_a_wide_beam_finds_the_best_of_all_targets(options, alpha):
    made = model(0, **options)
    found = beam_search(made, SOURCES, LENGTHS, LIMITS, beam_size=3**4, n_best=4, length_penalty=alpha)
    exact = double(made)
    for b, limit in enumerate(LIMITS.tolist()):
        every = [list(y) for n in range(limit + 1) for y in itertools.product(SYMBOLS, repeat=n)]
        every.sort(key=lambda y: -score(exact, b, y, alpha))
        assert [each.symbols for each in found[b]] == every[:4]
        assert_agree([each.score for each in found[b]], [score(exact, b, y, alpha) for y in every[:4]], SINGLE)
        assert_agree(found[b][0].log_probability, log_probability(exact, b, every[0]), SINGLE)


@pytest.mark.slow
@given(seed=st.integers(0, 1000), beam_size=st.integers(1, 6), alpha=st.sampled_from([0.0, 0.6, 1.5]))
@settings(max_examples=25)
def test_never_worse_than_greedy_search_and_in_order(seed, beam_size, alpha):
    made = model(seed)
    greedy = greedy_search(made, SOURCES, LENGTHS, LIMITS)
    found = beam_search(made, SOURCES, LENGTHS, LIMITS, beam_size=beam_size, n_best=3, length_penalty=alpha)
    for b, hypotheses in enumerate(found):
        scores = [each.score for each in hypotheses]
        assert scores == sorted(scores, reverse=True)
        assert scores[0] >= score(made, b, greedy[b], alpha) - 1e-4
        assert len({tuple(each.symbols) for each in hypotheses}) == len(hypotheses)
        assert all(len(each.symbols) <= LIMITS[b] and 1 not in each.symbols for each in hypotheses)


def test_greedy_search_takes_the_likeliest_symbol():
    made = model(3)
    for b, found in enumerate(greedy_search(made, SOURCES, LENGTHS, LIMITS)):
        target = []
        while len(target) < LIMITS[b]:
            row = torch.tensor(target, dtype=torch.int64)[None]
            logits = made(SOURCES[b : b + 1], LENGTHS[b : b + 1], row, torch.tensor([len(target)]))[0, -1]
            logits[1] = -torch.inf
            if not (symbol := int(logits.argmax())):
                break
            target.append(symbol)
        assert found == target


@pytest.mark.parametrize("copying", [False, True])
def test_a_row_is_answered_alone_as_in_a_batch(copying):
    made = model(1, copying=copying)
    together = beam_search(made, SOURCES, LENGTHS, LIMITS, beam_size=3, n_best=2, length_penalty=0.6)
    for b in range(3):
        row = slice(b, b + 1)
        (alone,) = beam_search(
            made,
            SOURCES[row, : max(1, int(LENGTHS[b]))],
            LENGTHS[row],
            LIMITS[row],
            beam_size=3,
            n_best=2,
            length_penalty=0.6,
        )
        assert [each.symbols for each in alone] == [each.symbols for each in together[b]]


@pytest.mark.parametrize("wrong", [{"beam_size": 0}, {"n_best": 0}, {"length_penalty": -0.1}])
def test_refused(wrong):
    with pytest.raises(ValueError, match="expected at least 1, 1 and 0"):
        beam_search(model(0), SOURCES, LENGTHS, LIMITS, **{"beam_size": 5, "n_best": 1, "length_penalty": 0.6} | wrong)
