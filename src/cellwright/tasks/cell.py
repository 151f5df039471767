"""The cell that a run is to be made of, looked at before its data is read."""

from cellwright import cells
from cellwright.errors import InputError
from cellwright.nn import checks


def check_cell(cell: str, bias: float | None = None) -> None:
    """Raise InputError for a cell that there is not or reads more than x, or a bias of no forget gate."""
    known = cells.get(cell)
    if not known.takes_x_alone:
        fitting = ", ".join(name for name, one in cells.CELLS.items() if one.takes_x_alone)
        given = ", ".join(known.streams)
        raise InputError(
            f"--cell: {cell} reads {given} as a call gives them, which no file of a task does; expected a cell of what "
            f"W multiplies alone ({fitting}); cellwright.Recurrent takes any"
        )
    try:
        if bias is not None:
            checks.forget_bias("fit", known, bias, bias=True)
    except ValueError:
        raise InputError(
            f"--forget-bias: the cell {cell} has no gate f with a bias; leave it out, or take another cell"
        ) from None
