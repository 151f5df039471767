"""The backends that run here: a test runs on each that can do what it asks for, projection, resets, masks or gates."""

from typing import get_args

import pytest
import torch

from cellwright import LSTM
from cellwright.backends import dispatch

RESET = torch.zeros(1, 1, dtype=torch.bool)
LONG = 200  # cases of a table


def _paths(layer, **arguments):
    return [name for name in get_args(dispatch.Name) if _runs(name, layer, arguments)]


def _runs(name, layer, arguments):
    with dispatch.use_backend(name):
        try:
            layer.explain(torch.zeros(1, 1, 2), **arguments)
        except RuntimeError:
            return False
        return True


def _use(request):
    with dispatch.use_backend(request.param):
        yield request.param


PLAIN, PROJECTED = LSTM(2, 3), LSTM(2, 3, proj_size=1)
LEARNED, MASKED = LSTM(2, 3, learn_initial_state=True), LSTM(2, 3, recurrent_dropout=0.5, zoneout=0.5)
PATHS = _paths(PLAIN)
PATHS_WITH_PROJECTION = _paths(PROJECTED)

path = pytest.fixture(_use, params=PATHS, name="path")
path_with_projection = pytest.fixture(_use, params=PATHS_WITH_PROJECTION, name="path_with_projection")
path_with_reset = pytest.fixture(_use, params=_paths(PLAIN, reset=RESET), name="path_with_reset")
path_with_learned_reset = pytest.fixture(_use, params=_paths(LEARNED, reset=RESET), name="path_with_learned_reset")
path_with_masks = pytest.fixture(_use, params=_paths(MASKED), name="path_with_masks")
path_with_gates = pytest.fixture(_use, params=_paths(PLAIN, return_gates=True), name="path_with_gates")


def pytest_generate_tests(metafunc):
    """A test of `case` and `backend` runs each case on every backend that computes it.

    Of a long table three cases of four are slow; the quarter that is left still has every value of every option.
    """
    if "backend" in metafunc.fixturenames:
        cases = metafunc.module.CASES
        pairs = [
            pytest.param(c, name, id=f"{c}-{name}", marks=[pytest.mark.slow] if k % 4 and len(cases) > LONG else [])
            for k, c in enumerate(cases)
            for name in (PATHS_WITH_PROJECTION if c.proj_size else PATHS)
        ]
        metafunc.parametrize(("case", "backend"), pairs)
