"""What hypothesis does in every test, and which backend the tests' small calls take."""

import pytest
from hypothesis import settings

from cellwright.backends import bounds

# No case has a time limit: the first builds kernels, and other programs share the processors.
settings.register_profile("cellwright", deadline=None)
settings.load_profile("cellwright")


@pytest.fixture(autouse=True, scope="session")
def kernels_of_any_size():
    """Every call of a test is small, and would be too small for the kernels that it tests."""
    with bounds.kernels_of_any_size():
        yield


@pytest.fixture
def backends_by_size():
    """The choice that users get, small calls included."""
    token = bounds._lifted.set(False)
    yield
    bounds._lifted.reset(token)
