"""Cells are found again by a key that tells changed equations."""

import pytest

import cellwright
from cellwright import cell
from cellwright.cells import CELLS, get, registry
from cellwright.cells.definition import Definition
from cellwright.cells.derived import recurrent_dropout, zoneout
from cellwright.cells.language import State, sigmoid, tanh
from cellwright.errors import DefinitionError, InputError
from refused_cells import plain


def leaky(scale):
    """A cell whose equations depend on a number; each call defines it anew, under the same name."""

    @cell(projections="f g", gates="f", state="h")
    def leaky(x, u, s):
        f = sigmoid(x.f + u.f)
        return State(h=f * s.h + (1 - f) * tanh(scale * (x.g + u.g)))

    return leaky


def test_a_cell_of_the_library_is_found_by_its_name():
    assert all(one.key == name and registry.find(name) is one for name, one in CELLS.items())


def test_another_cell_is_found_by_its_name_and_its_equations():
    first, same, other = leaky(1.0), leaky(1.0), leaky(2.0)
    assert first.key.startswith("leaky#")
    assert first.key == same.key != other.key
    assert registry.find(other.key) is other


def test_a_cell_called_like_one_of_the_library_is_not_that_one():
    @cell(projections="f g", gates="f", state="h")
    def gru(x, u, s):
        f = sigmoid(x.f + u.f)
        return State(h=f * s.h + (1 - f) * tanh(x.g + u.g))

    assert registry.find(gru.key) is gru
    assert registry.find("gru") is get("gru")


def test_a_derived_cell_is_found_by_how_it_is_derived():
    derived = recurrent_dropout(zoneout(get("gru")))
    assert derived.key == "recurrent_dropout(zoneout(gru))"
    assert registry.find(derived.key) is derived
    own = leaky(3.0)
    assert registry.find(f"zoneout({own.key})") is zoneout(own)


def test_a_cell_that_is_not_defined_here_is_an_error_that_says_which():
    with pytest.raises(DefinitionError, match="with a cell absent#01234567, which is not defined here; import the mod"):
        registry.find("absent#01234567")


def test_a_cell_whose_equations_have_changed_is_an_error():
    with pytest.raises(
        DefinitionError, match=rf"cell {leaky(1.0).key[:6]}00000000, and leaky#\w+ is defined here: its eq"
    ):
        registry.find("leaky#00000000")


def test_a_derivation_that_is_not_there_is_an_error_that_says_which():
    with pytest.raises(DefinitionError, match=r"a cell foo\(lstm\), and no foo is known here; expected zoneout or"):
        registry.find("foo(lstm)")


def test_get_names_the_nearest():
    with pytest.raises(InputError, match=r"there is no cell 'peephol'; the cells are rnn, .*; did you mean peephole\?"):
        get("peephol")
    assert get(CELLS["gru"]) is CELLS["gru"]
    with pytest.raises(InputError, match=r"there is no cell 'GRU'; .*; did you mean gru\?"):
        get("GRU")


@pytest.mark.parametrize(
    ("given", "fix"), [(plain, "put @cellwright.cell"), (None, "see cellwright.CELLS"), (["lstm"], "see"), (3, "see")]
)
def test_what_is_no_cell_says_what_is(given, fix):
    with pytest.raises(InputError, match=rf"the cell is .*; expected the name of a cell or a definition: {fix}"):
        cellwright.Recurrent(given, 3, 4)


def test_the_names_are_those_of_the_command_line():
    assert list(CELLS) == [
        *(
            "rnn",
            "rnn-relu",
            "lstm",
            "gru",
            "gru-2014",
            "lstm-1997",
            "peephole",
            "coupled",
            "relu-lstm",
            "mgu",
            "janet",
        ),
        "ligru",
        *(
            "layer-norm-lstm",
            "layer-norm-gru",
            "block-gru",
            "slstm",
            "multiplicative-lstm",
            "ugrnn",
            "star",
            "cornn",
            "lem",
            "indrnn",
            "mingru",
            "minlstm",
            "sru",
            "rg-lru",
        ),
        *("lif", "recurrent-lif", "ea-lstm", "reservoir", "hbv", "gr4j"),
    ]
    assert all(isinstance(c, Definition) and c.name == name for name, c in CELLS.items())
