"""Haste, whose kernels need a GPU, by its documented equations in NumPy."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from cellwright import InputError
from cellwright.weights import from_haste

DRAW = np.random.default_rng(0)
X = DRAW.normal(size=(5, 2, 3)).astype("float32")


def parameters(gates, *biases):
    shapes = {"kernel": (3, gates * 4), "recurrent_kernel": (4, gates * 4)} | dict.fromkeys(biases, (gates * 4,))
    return {name: torch.from_numpy(DRAW.normal(0, 0.6, shape).astype("float32")) for name, shape in shapes.items()}


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def lstm(kernel, recurrent_kernel, bias):
    h, c, steps = np.zeros((2, 4)), np.zeros((2, 4)), []
    for x in X:
        i, g, f, o = np.split(h @ recurrent_kernel + x @ kernel + bias, 4, 1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        steps.append(h)
    return np.stack(steps)


def gru(kernel, recurrent_kernel, bias, recurrent_bias):
    h, steps = np.zeros((2, 4)), []
    for x in X:
        xz, xr, xg = np.split(x @ kernel + bias, 3, 1)
        hz, hr, hg = np.split(h @ recurrent_kernel + recurrent_bias, 3, 1)
        z, r = sigmoid(xz + hz), sigmoid(xr + hr)
        h = z * h + (1 - z) * np.tanh(xg + r * hg)
        steps.append(h)
    return np.stack(steps)


@pytest.mark.parametrize(
    ("equations", "given"), [(lstm, parameters(4, "bias")), (gru, parameters(3, "bias", "recurrent_bias"))]
)
def test_numbers_are_those_of_hastes_equations(equations, given):
    expected = equations(*(each.numpy().astype("float64") for each in given.values()))
    for source in (given, SimpleNamespace(**given)):
        found = from_haste(source)(torch.from_numpy(X))[0].detach().numpy()
        assert np.abs(found - expected).max() < 1e-6


def test_zoneout_and_normalisation_are_refused():
    given = parameters(4, "bias")
    with pytest.raises(InputError, match=r"zoneout=0\.1; expected 0"):
        from_haste(SimpleNamespace(**given, zoneout=0.1))
    with pytest.raises(InputError, match="has layer normalisation"):
        from_haste(given | {"gamma": torch.ones(2, 16)})
