"""Steps of the smallest cell, and a definition that must be refused."""

import re

import pytest

from cellwright.cells.definition import cell
from cellwright.cells.language import State, sigmoid, tanh
from cellwright.errors import DefinitionError

minimal = cell(projections="i g", gates="i", state="h")


def plain(x, u, s):
    i = sigmoid(x.i + u.i)
    return State(h=s.h + i * tanh(x.g + u.g))


def refused(message, step, declare=minimal):
    """Define the cell; `message` holds what it must say, … for anything."""
    with pytest.raises(DefinitionError) as caught:
        declare(step)
    pattern = ".*".join(re.escape(part) for part in message.split("…"))
    assert re.fullmatch(pattern, str(caught.value)), str(caught.value)
    return str(caught.value)
