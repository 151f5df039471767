"""Cells: how they are written, what is made of them, and those of the `library`.

language      the words of a step;  expression  what they write;  operations  a row each
advice        the nearest way to say what is no word
definition    a cell: its equations and what they declare;  trace  the step run on letters;  checks  the two compared
derived       a cell with zoneout, with recurrent dropout, with one output alone
registry      the key by which a saved program finds a cell;  from_file  a cell of a user's file
formulas      the equations as Unicode and as LaTeX;  printer  how expressions are written
source_location    where in a step something happens, for messages
"""

from difflib import get_close_matches

from cellwright.cells.checks import check_unchanged
from cellwright.cells.definition import PER_PROJECTION, PER_SEQUENCE, PER_STEP, PER_UNIT, Definition, cell
from cellwright.cells.derived import recurrent_dropout as recurrent_dropout  # a key may name either
from cellwright.cells.derived import zoneout as zoneout
from cellwright.cells.formulas import expanded
from cellwright.cells.library import CELLS as CELLS
from cellwright.cells.registry import find
from cellwright.errors import DefinitionError, InputError


def get(name: object) -> Definition:
    """The cell of that name, or of that key where it is another's; a definition is returned as it is.

    Args:
        name: A name of `CELLS`, a definition, or the key by which a saved program finds one.

    Returns:
        The definition.

    Raises:
        InputError: There is none; it names those there are and the nearest one.
        DefinitionError: The definition's step says another thing than when it was defined: a number from outside of it
            has changed.

    Examples:
        >>> get("gru").states
        ('h',)

    """
    if isinstance(name, Definition):
        check_unchanged(name)
        return name
    if not isinstance(name, str):
        fix = (
            "put @cellwright.cell(projections=…, gates=…, state=…) above it"
            if callable(name)
            else "see cellwright.CELLS"
        )
        raise InputError(f"the cell is {name!r}; expected the name of a cell or a definition: {fix}")
    if "#" in name or "(" in name:  # no code runs: it is defined in this process, or it is not
        try:
            return find(name)
        except DefinitionError as error:
            raise InputError(str(error)) from None
    if name not in CELLS:
        near = get_close_matches(name.lower(), CELLS, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise InputError(f"there is no cell {name!r}; the cells are {', '.join(CELLS)}{hint}")
    return CELLS[name]


def show(cell: str | Definition) -> str:
    """The equations of a cell, written out, as `cellwright cells show NAME` prints them.

    Args:
        cell: Its name, or a definition of yours.

    Returns:
        A line an equation.

    Raises:
        InputError: There is no cell of that name.

    Examples:
        >>> print(show("rnn"))
        h_t = tanh(W_h x_t + U_h h_{t−1} + b_h)

    """
    return "\n".join(expanded(get(cell)))


__all__ = ["CELLS", "PER_PROJECTION", "PER_SEQUENCE", "PER_STEP", "PER_UNIT", "Definition", "cell", "get", "show"]
