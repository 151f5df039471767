"""Pages show what users get, so their calls take the backends that users' calls take."""

import pytest


@pytest.fixture(autouse=True)
def as_users_call(backends_by_size):
    """No call is forced to the kernels."""
