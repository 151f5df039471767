"""The paths that run here: a test that takes `path` runs on each of them, one with resets or gates on those that do."""

from typing import get_args

import pytest
import torch

from cellwright import LSTM, functional


def _paths(**arguments):
    return [name for name in get_args(functional.Name) if _runs(name, arguments)]


def _runs(name, arguments):
    with functional.use_path(name):
        try:
            LSTM(2, 3).explain(torch.zeros(1, 1, 2), **arguments)
        except RuntimeError:
            return False
        return True


def _use(request):
    with functional.use_path(request.param):
        yield request.param


path = pytest.fixture(_use, params=_paths(), name="path")
path_with_reset = pytest.fixture(_use, params=_paths(reset=torch.zeros(1, 1, dtype=torch.bool)), name="path_with_reset")
path_with_gates = pytest.fixture(_use, params=_paths(return_gates=True), name="path_with_gates")
