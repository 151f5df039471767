import numpy as np
import pytest

from cellwright.inspect.unit_order import by_likeness, by_peak

DRAW = np.random.default_rng(0)


def test_by_peak_is_the_diagonal():
    shuffled = DRAW.permutation(9)
    assert by_peak(np.eye(9)[:, shuffled]).tolist() == np.argsort(shuffled).tolist()


def test_units_that_move_together_stand_together():
    time = np.arange(40)[:, None]
    phases = np.sort(DRAW.uniform(0, 3, 12))
    shuffled = DRAW.permutation(12)
    found = shuffled[by_likeness(np.sin(time / 4 + phases[shuffled]))].tolist()
    assert found in (list(range(12)), list(range(11, -1, -1)))


@pytest.mark.parametrize("shape", [(1, 5), (2, 5), (7, 1), (3, 4)])
@pytest.mark.parametrize("order", [by_peak, by_likeness])
def test_every_unit_once_for_any_shape_and_for_units_that_rest(order, shape):
    assert sorted(order(DRAW.normal(size=shape))) == list(range(shape[1]))
    assert sorted(order(np.zeros(shape))) == list(range(shape[1]))
