"""Where a cell was written is said of cells that no file holds, too."""

import linecache
import pickle

import numpy as np
import pytest

from cellwright.cells.language import State, sigmoid, tanh
from cellwright.errors import DefinitionError
from refused_cells import minimal

WORDS = {"minimal": minimal, "State": State, "sigmoid": sigmoid, "tanh": tanh, "np": np}
SOURCE = """
@minimal
def {name}(x, u, s):
    i = sigmoid(x.i + u.i)
    g = {g}
    return State(h=s.h + i * g)
"""


def _typed_in(g, filename, name="typed"):
    names = WORDS | {"__name__": "__main__"}
    exec(compile(SOURCE.format(g=g, name=name), filename, "exec"), names)
    return names[name]


def test_a_cell_typed_into_a_plain_session():
    """No source is at hand there: the line is given without its text."""
    assert list(_typed_in("tanh(x.g + u.g)", "<stdin>").trace.letters) == ["i", "g"]
    with pytest.raises(DefinitionError, match=r"^cell typed: line 5 uses numpy's tanh; "):
        _typed_in("np.tanh(x.g)", "<stdin>")


@pytest.mark.parametrize("names", [{}, {"__name__": None}])
def test_a_cell_of_text_that_no_module_holds(names):
    words = WORDS | names
    exec(SOURCE.format(name="typed", g="x.g * u.g"), words)
    assert words["typed"].key.startswith("typed#")
    with pytest.raises(pickle.PicklingError, match="is not the cell; define it at the top of a module"):
        pickle.dumps(words["typed"])


def test_a_cell_typed_into_a_notebook(monkeypatch):
    """IPython keeps each input in linecache."""
    source = SOURCE.format(g="np.tanh(x.g)", name="typed")
    lines = source.splitlines(keepends=True)
    monkeypatch.setitem(linecache.cache, "<ipython-input-1>", (len(source), None, lines, "<ipython-input-1>"))
    with pytest.raises(DefinitionError, match=r"^cell typed: line 5 \(`g = np\.tanh\(x\.g\)`\) uses numpy's tanh; "):
        _typed_in("np.tanh(x.g)", "<ipython-input-1>")
