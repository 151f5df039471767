"""Baselines against counts made by hand."""

import numpy as np
import torch

from agreement import assert_agree
from cellwright.evaluation import series_baselines


def logit(share):
    return np.log(share / (1 - share))


def test_repeated_is_the_last_value_or_that_of_the_season():
    values = torch.tensor([1.0, 2, 3, 4])[None, :, None]
    found = series_baselines.repeated(3, 2)(values, values, torch.tensor([4]))
    assert found.shape == (1, 4, 3, 1, 2)
    assert found[0, 2, :, 0].tolist() == [[3, 3]] * 3
    found = series_baselines.repeated(3, 2, season=2)(values, values, torch.tensor([4]))
    assert found[0, 2, :, 0, 0].tolist() == [2, 3, 2]


FRAMES = [np.array([[0, 1], [1, 1], [1, 0]]), np.array([[np.nan, 0], [0, 0]])]


def test_frequencies_with_one_more_of_each_seen():
    found = series_baselines.frequencies(FRAMES, 2)(torch.zeros(1, 3, 2), torch.ones(1, 3, 2), torch.tensor([3]))
    assert found.shape == (1, 3, 2, 2, 1)
    assert_agree(found[0, 1, 1, :, 0], [logit(3 / 6), logit(3 / 7)])


def test_held_counts_what_follows_a_0_and_a_1():
    values = torch.tensor([[[0.0, 0.0], [1.0, 1.0]]])
    found = series_baselines.held(FRAMES, 1)(values, torch.ones_like(values), torch.tensor([2]))[0, :, 0, :, 0]
    # channel 1: after 0 came 1; after 1 came 1. Channel 2: after 0 came 0; after 1 came 1 and 0.
    assert_agree(found[0], [logit(2 / 3), logit(1 / 3)])
    assert_agree(found[1], [logit(2 / 3), logit(2 / 4)])


def test_mean_restores_zeros():
    assert not series_baselines.mean(torch.ones(1, 2, 3), torch.ones(1, 2, 3), torch.tensor([2])).any()


def test_nearest_neighbour_stretches_to_one_length():
    train = [np.array([[0.0], [1.0], [2.0]]), np.array([[2.0], [0.0]])]
    asked = [np.linspace(0, 2.2, 5)[:, None], np.array([[2.0], [np.nan], [0.0]]), np.array([[2.0]])]
    assert series_baselines.nearest_neighbour(train, ["up", "down"], asked) == ["up", "down", "up"]
