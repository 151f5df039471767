"""Forecasts against torch.nn and against the definitions written out in loops; scikit-learn's pinball loss."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import mean_pinball_loss
from torch import nn
from torch.nn.functional import softplus

from agreement import assert_agree, double
from cellwright.data.series import Roles
from cellwright.models.forecaster import Forecaster, ahead_of, before, pinball, scored
from cellwright.models.series_architecture import SeriesModelConfig


def config(**changes) -> SeriesModelConfig:
    small = {"objective": "forecast", "channels": 2, "masked": False, "hidden_size": 5, "dropout": 0.0, "horizon": 3}
    return SeriesModelConfig(**small | {"quantiles": (0.1, 0.5, 0.9)} | changes)


def series(*lengths: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    shape = (len(lengths), max(lengths), 2)
    return torch.randn(shape, generator=torch.Generator().manual_seed(1)), torch.ones(shape), torch.tensor(lengths)


@pytest.mark.parametrize("season", [None, 2])
def test_against_torch_row_by_row(season):
    torch.manual_seed(0)
    model = Forecaster(config(season_length=season)).eval()
    twin = nn.LSTM(2, 5, batch_first=True)
    twin.load_state_dict(model.recurrent.state_dict())
    values, known, lengths = series(5, 2)
    ahead = model(values, known, lengths)
    assert ahead.shape == (2, 5, 3, 2, 3)
    model, twin, values = double(model), double(twin), double(values)
    for row, length in enumerate(lengths.tolist()):
        output, _ = twin(values[row : row + 1, :length])
        dense = model.dense(output[0]).view(length, 3, 2, 3)
        for t in range(length):
            for k in range(3):
                whole = t + k + 1
                while season and whole > t:
                    whole -= season
                start = values[row, whole if season and whole >= 0 else t]
                first = start + dense[t, k, :, 0]
                second = first + softplus(dense[t, k, :, 1])
                expected = torch.stack([first, second, second + softplus(dense[t, k, :, 2])], -1)
                assert_agree(ahead[row, t, k], expected)


@given(
    length=st.integers(1, 6), horizon=st.integers(1, 4), masked=st.booleans(), seed=st.integers(0, 99), data=st.data()
)
@settings(max_examples=30, deadline=None)
def test_what_is_known_ahead_is_read_as_far_as_the_horizon_and_nothing_else_is(length, horizon, masked, seed, data):
    torch.manual_seed(seed)
    roles = Roles(past=1, future=1, static=1)
    model = Forecaster(config(channels=4, horizon=horizon, masked=masked, roles=roles)).eval()
    step = data.draw(st.integers(0, length - 1))
    values, known = torch.randn(1, length + horizon, 4), torch.ones(1, length + horizon, 4)
    lengths = torch.tensor([length])

    def forecast(at: slice, channels: list[int]) -> torch.Tensor:
        """What is said after `step`, where those values are others."""
        other = values.clone()
        other[:, at, channels] += 1
        found = model(other, known, lengths)
        assert found.shape == (1, length + horizon, horizon, 1, 3)
        return found[0, step]

    same = forecast(slice(0, 0), [])
    assert torch.equal(forecast(slice(step + 1, None), [0, 1, 3]), same)
    assert torch.equal(forecast(slice(step + horizon + 1, None), [2]), same)
    for ahead in range(step + 1, step + horizon + 1):
        assert not torch.equal(forecast(slice(ahead, ahead + 1), [2]), same)
    for channel in range(4):
        assert not torch.equal(forecast(slice(step, step + 1), [channel]), same)


def test_covariates_known_ahead_against_torch():
    torch.manual_seed(0)
    model = Forecaster(config(channels=3, masked=True, roles=Roles(future=1), horizon=2)).eval()
    twin = nn.LSTM(6, 5, batch_first=True)
    twin.load_state_dict(model.recurrent.state_dict())
    values, known, lengths = torch.randn(1, 6, 3), torch.rand(1, 6, 3).round(), torch.tensor([4])
    found = model(values, known, lengths)
    model, twin, values, known = double([model, twin, values, known])
    output, _ = twin(torch.cat([values, known], -1)[:, :4])
    for t in range(4):
        told = [*values[0, t + 1 : t + 3, 2], *known[0, t + 1 : t + 3, 2]]
        read = torch.cat([output[0, t], torch.stack(told)])
        dense = model.dense(torch.cat([read, model.context(read).tanh()])).view(2, 2, 3)
        expected = torch.cat([dense[..., :1], softplus(dense[..., 1:])], -1).cumsum(-1)
        assert_agree(found[0, t], values[0, t, :2, None] + expected)


def test_quantiles_never_cross():
    model = Forecaster(config())
    nn.init.normal_(model.dense.weight, std=10)
    ahead = model(*series(6, 3))
    assert (ahead.diff(dim=-1) >= 0).all()


def test_a_step_is_forecast_from_those_before_alone():
    model = Forecaster(config()).eval()
    values, known, lengths = series(6)
    changed = values.clone()
    changed[:, 4:] += 1
    other = double(model)(*double((changed, known, lengths)))
    assert_agree(model(values, known, lengths)[:, :4], other[:, :4])
    assert not torch.equal(model(values, known, lengths)[:, 4], model(changed, known, lengths)[:, 4])


def test_bernoulli_gives_logits():
    torch.manual_seed(0)
    model = Forecaster(config(likelihood="bernoulli", quantiles=(), horizon=1)).eval()
    values, known, lengths = series(4)
    output, _ = double(model).recurrent(double(values), lengths=lengths)
    assert_agree(model(values, known, lengths)[..., 0, :, 0], double(model).dense(output))


@given(
    forecast=st.lists(st.floats(-9, 9), min_size=3, max_size=3),
    future=st.floats(-9, 9),
    levels=st.permutations([1, 5, 9]),
)
@settings(max_examples=30)
def test_pinball_is_scikit_learns(forecast, future, levels):
    quantiles = [level / 10 for level in levels]
    found = pinball(*(torch.tensor(each, dtype=torch.float64) for each in (forecast, future, quantiles)))
    losses = [mean_pinball_loss([future], [f], alpha=q) for f, q in zip(forecast, quantiles, strict=True)]
    assert_agree(found, sum(losses) / 3)


@given(steps=st.integers(1, 6), horizon=st.integers(1, 4), first=st.integers(0, 6), seed=st.integers(0, 99))
def test_what_follows_and_what_is_scored(steps, horizon, first, seed):
    draw = torch.Generator().manual_seed(seed)
    values = torch.randn(1, steps, 2, generator=draw)
    known = (torch.rand(1, steps, 2, generator=draw) < 0.6).float()
    ahead, counted = ahead_of(values, horizon), scored(known, torch.tensor([first]), horizon)
    assert ahead.shape == counted.shape == (1, steps, horizon, 2)
    for t in range(steps):
        for k in range(horizon):
            step = t + k + 1
            within = step < steps
            expected = values[0, step] if within else torch.zeros(2)
            assert torch.equal(ahead[0, t, k], expected)
            expected = known[0, step] if within and step >= first else torch.zeros(2)
            assert torch.equal(counted[0, t, k], expected)


@given(length=st.integers(1, 6), told=st.integers(0, 4), horizon=st.integers(1, 4))
def test_nothing_is_scored_where_covariates_are_not_told_of_the_whole_horizon(length, told, horizon):
    known = (torch.arange(length + told) < length).float()[None, :, None]
    counted = scored(known, torch.tensor([0]), horizon, torch.tensor([length + told]))
    for t in range(length + told):
        for k in range(1, horizon + 1):
            assert counted[0, t, k - 1, 0] == (t + horizon < length + told and t + k < length)


@given(steps=st.integers(1, 9), horizon=st.integers(1, 7), season=st.integers(2, 4))
def test_the_value_before_is_whole_seasons_before_and_known_by_then(steps, horizon, season):
    values = torch.arange(float(steps))[None, :, None]
    found = before(values, horizon, season)[0, :, :, 0]
    for t in range(steps):
        for k in range(1, horizon + 1):
            candidates = [s for s in range(t + 1) if (t + k - s) % season == 0 and t + k - s < season + k]
            assert found[t, k - 1] == (max(candidates) if candidates else t)
    assert torch.equal(
        before(values, horizon, None)[0, :, :, 0], torch.arange(float(steps))[:, None].expand(-1, horizon)
    )
