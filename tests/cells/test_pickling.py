"""A cell is pickled by the name of its module's variable, or says that it cannot be."""

import copy
import pickle
import re
import sys

import pytest
import torch

import cellwright
from cellwright.cells import CELLS
from cellwright.cells.definition import cell
from cellwright.cells.language import State, tanh
from cellwright.errors import DefinitionError
from refused_cells import minimal, plain


def bare(x, u, s):
    return State(h=s.h + x.i * tanh(x.g + u.g))


@pytest.mark.parametrize("name", CELLS)
def test_a_cell_is_pickled_by_name(name):
    assert pickle.loads(pickle.dumps(CELLS[name])) is CELLS[name]
    assert copy.deepcopy(CELLS[name]) is CELLS[name]


def test_a_cell_inside_a_function_cannot_be_pickled():
    good = minimal(_clone(plain, "good"))
    with pytest.raises(pickle.PicklingError, match=r"cell good cannot be pickled: .*define it at the top of"):
        pickle.dumps(good)
    assert copy.deepcopy(good) is good
    assert copy.copy(good) is good


def test_a_cell_of_a_notebook_is_pickled_after_its_input_ran_twice(monkeypatch):
    """The layer holds the first of two definitions with the same equations."""
    module = sys.modules[__name__]
    first = minimal(_clone(plain, "twice"))
    second = minimal(_clone(plain, "twice"))
    monkeypatch.setattr(module, "twice", second, raising=False)
    layer = cellwright.Recurrent(first, 3, 4)
    copied = pickle.loads(pickle.dumps(layer))
    assert copied.cell is second
    x = torch.randn(5, 2, 3)
    assert torch.equal(copied(x)[0], layer(x)[0])


def test_a_cell_that_was_defined_anew_with_other_equations_is_not_pickled(monkeypatch):
    first = minimal(_clone(plain, "twice"))
    second = cell(projections="i g", gates="", state="h")(_clone(bare, "twice"))
    monkeypatch.setattr(sys.modules[__name__], "twice", second, raising=False)
    with pytest.raises(pickle.PicklingError, match=r"cell twice cannot be pickled: .* with other equations; make the "):
        pickle.dumps(first)


def test_a_pickled_cell_that_is_gone(monkeypatch):
    module = sys.modules[__name__]
    kept = minimal(_clone(plain, "kept"))
    monkeypatch.setattr(module, "kept", kept, raising=False)
    written = pickle.dumps(kept)
    assert pickle.loads(written) is kept
    monkeypatch.delattr(module, "kept")
    with pytest.raises(DefinitionError, match=re.escape(f"there is no cell {__name__}.kept")):
        pickle.loads(written)


def _clone(function, name):
    clone = type(function)(function.__code__, function.__globals__, name)
    clone.__module__, clone.__qualname__ = __name__, name
    return clone
