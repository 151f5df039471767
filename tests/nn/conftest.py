"""The paths that run here: a test that takes `path` runs on each of them."""

from typing import get_args

import pytest
import torch

from cellwright import LSTM, functional


def _runs(name: functional.Name) -> bool:
    with functional.use_path(name):
        try:
            LSTM(2, 3).explain(torch.zeros(1, 1, 2))
        except RuntimeError:
            return False
        return True


@pytest.fixture(params=[name for name in get_args(functional.Name) if _runs(name)])
def path(request):
    with functional.use_path(request.param):
        yield request.param
