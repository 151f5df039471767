from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import DataLoader

from cellwright.data.batches import (
    LEAST_TOKENS,
    MOST_TOKENS,
    USUAL_STEPS,
    Batch,
    LengthBucketSampler,
    collate,
    collate_pieces,
    usual_budget,
)
from cellwright.data.feed import LengthBuckets, costs_of

lengths = st.lists(st.integers(0, 60), min_size=1, max_size=80)
budgets = st.integers(1, 200)
epochs = st.integers(0, 5)


def _flat(batches: list[list[int]]) -> list[int]:
    return [index for batch in batches for index in batch]


def _skewed(count: int) -> list[int]:
    """Lengths as texts have them: most short, a few long."""
    return np.random.default_rng(7).lognormal(4, 0.8, count).astype(int).tolist()


@given(lengths, budgets, epochs)
def test_every_text_stands_in_one_batch_of_each_epoch(lengths, budget, epoch):
    assert sorted(_flat(LengthBucketSampler(lengths, budget).batches(epoch))) == list(range(len(lengths)))


@given(lengths, budgets, epochs)
def test_the_budget_is_kept_but_for_a_text_that_is_longer_by_itself(lengths, budget, epoch):
    for batch in LengthBucketSampler(lengths, budget).batches(epoch):
        padded = len(batch) * max(lengths[index] for index in batch)
        assert padded <= budget or len(batch) == 1


@given(lengths, budgets, epochs)
def test_a_batch_of_empty_texts_is_within_the_budget_too(lengths, budget, epoch):
    assert max(map(len, LengthBucketSampler(lengths, budget).batches(epoch))) <= budget


@given(lengths, budgets, st.integers(0, 2**40), epochs)
def test_the_same_seed_and_epoch_give_the_same_batches_whatever_went_before(lengths, budget, seed, epoch):
    one, other = LengthBucketSampler(lengths, budget, seed=seed), LengthBucketSampler(lengths, budget, seed=seed)
    one.set_epoch(epoch + 1)
    list(one)
    torch.manual_seed(epoch)
    one.set_epoch(epoch)
    assert list(one) == other.batches(epoch)


@given(lengths, budgets)
def test_every_epoch_has_as_many_batches_as_len_says(lengths, budget):
    sampler = LengthBucketSampler(lengths, budget)
    assert {len(sampler.batches(epoch)) for epoch in range(4)} == {len(sampler)}


@given(lengths, budgets, st.integers(1, 5), epochs)
def test_processes_share_each_batch_of_one(lengths, budget, world_size, epoch):
    feed = LengthBuckets(lambda number: lengths, lambda length: length, list, budget, 3)
    whole = feed.epoch(epoch, 0, 1)
    shares = [feed.epoch(epoch, rank, world_size) for rank in range(world_size)]
    assert not any(number in whole.idle for number in range(len(whole.batches)))
    for number, batch in enumerate(whole.batches):
        own = [share.batches[number] for share in shares if number not in share.idle]
        assert sorted(_flat(own)) == sorted(batch)
        assert len({len(part) for part in own} | {len(batch) // world_size}) <= 2
        idle = [share.batches[number] for share in shares if number in share.idle]
        assert len(own) == min(len(batch), world_size)
        assert all(len(part) == 1 and part[0] in batch for part in idle)


def test_another_epoch_takes_the_batches_in_another_order_and_other_texts_together():
    sampler = LengthBucketSampler(_skewed(2000), 2048)
    first, second = ({frozenset(batch) for batch in sampler.batches(epoch)} for epoch in (0, 1))
    assert len(first & second) < 0.1 * len(first)
    assert sampler.batches(0)[0] != sampler.batches(1)[0]


def test_another_seed_gives_other_batches():
    lengths = _skewed(2000)
    assert LengthBucketSampler(lengths, 2048, seed=1).batches(0) != LengthBucketSampler(lengths, 2048, seed=2).batches(
        0
    )


def test_batches_come_in_no_order_of_length():
    lengths = _skewed(5000)
    means = [np.mean([lengths[index] for index in batch]) for batch in LengthBucketSampler(lengths, 2048).batches(0)]
    # 4 standard deviations of the correlation of independent draws
    assert abs(np.corrcoef(means, range(len(means)))[0, 1]) < 4 / np.sqrt(len(means))


def test_little_is_spent_on_padding_and_little_of_the_budget_left():
    """Filled at random under the same budget, batches of these lengths are 33 % tokens; by length, 94 %."""
    lengths = _skewed(5000)
    batches = LengthBucketSampler(lengths, 4096).batches(0)
    padded = sum(len(batch) * max(lengths[index] for index in batch) for batch in batches)
    assert sum(lengths) / padded > 0.92
    assert padded / (4096 * len(batches)) > 0.9


def test_the_rest_of_an_epoch_is_what_a_resumed_run_has_yet_to_do():
    sampler = LengthBucketSampler(_skewed(300), 1024, seed=5)
    sampler.set_epoch(3)
    walk = iter(sampler)
    for _ in range(4):
        next(walk)
    assert list(walk) == LengthBucketSampler(_skewed(300), 1024, seed=5).batches(3)[4:]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([], 8), "0 lengths, the least None; expected some"),
        (([3, -1], 8), "2 lengths, the least -1; expected some, from 0 on"),
        (([3], 0), "a budget of 0 tokens; expected at least 1"),
    ],
)
def test_arguments_out_of_range(arguments, message):
    with pytest.raises(ValueError, match=message):
        LengthBucketSampler(*arguments)


def test_few_texts_make_small_batches_and_many_large_ones():
    assert usual_budget(0) == LEAST_TOKENS == usual_budget(9000)
    assert usual_budget(250_000) == 250_000 // USUAL_STEPS
    assert usual_budget(2_500_000) == MOST_TOKENS


def test_a_feed_says_what_it_takes():
    examples = [([1] * 50, None)] * 2000
    feed = LengthBuckets(lambda epoch: examples, costs_of(lambda e: len(e[0])), collate, None, 0)
    assert feed.describe() == "batches of at most 781 tokens"
    assert feed.epoch(0, 0, 1).batches == replace(feed, budget=781).epoch(0, 0, 1).batches


def test_collate_pads_with_zeros_to_the_longest():
    batch = collate([([5, 6, 7], 1), ([], 0), ([8], 1)])
    assert batch.tokens.tolist() == [[5, 6, 7], [0, 0, 0], [8, 0, 0]]
    assert batch.lengths.tolist() == [3, 0, 1]
    assert batch.labels.tolist() == [1, 0, 1]
    assert {part.dtype for part in batch if part is not None} == {torch.int64}
    assert batch.pieces is None


def test_each_piece_is_a_row():
    batch = collate_pieces([([[5, 6, 7], [8]], 1), ([[]], 0), ([[9], [1, 2], []], 2)])
    assert batch.tokens.tolist() == [[5, 6, 7], [8, 0, 0], [0, 0, 0], [9, 0, 0], [1, 2, 0], [0, 0, 0]]
    assert batch.lengths.tolist() == [3, 1, 0, 1, 2, 0]
    assert batch.pieces.tolist() == [2, 1, 3]
    assert batch.labels.tolist() == [1, 0, 2]
    assert {part.dtype for part in batch} == {torch.int64}


def test_collate_of_empty_texts_has_a_step_of_padding():
    batch = collate([([], None), ([], None)])
    assert batch.tokens.tolist() == [[0], [0]]
    assert batch.lengths.tolist() == [0, 0]
    assert batch.labels is None


def test_collate_refuses_labels_of_some():
    with pytest.raises(ValueError, match="1 of 2 examples have a label; expected all or none"):
        collate([([1], 0), ([1], None)])


@pytest.mark.parametrize("workers", [0, 1])
def test_a_data_loader_takes_both(workers):
    examples = [([2] * length, length % 2) for length in [3, 1, 2, 3, 0, 5]]
    sampler = LengthBucketSampler([len(numbers) for numbers, _ in examples], 6, seed=1)
    loader = DataLoader(examples, batch_sampler=sampler, collate_fn=collate, num_workers=workers)
    batches = list(loader)
    assert all(isinstance(batch, Batch) for batch in batches)
    assert [batch.lengths.tolist() for batch in batches] == [
        [len(examples[index][0]) for index in indices] for indices in sampler.batches(0)
    ]
