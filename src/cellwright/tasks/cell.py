"""The cell that a run is to be made of, looked at before its data is read."""

from cellwright import cells
from cellwright.errors import InputError
from cellwright.nn import checks


def check_cell(cell: str, bias: float | None = None) -> None:
    """Raise InputError for a cell that there is not or reads more than x, or a bias of no forget gate."""
    known = cells.get(cell)
    if not known.takes_x_alone or known.results[0] not in known.states:
        fitting = ", ".join(name for name, one in cells.CELLS.items() if one.takes_x_alone and not one.outputs)
        raise InputError(
            f"--cell: {cell} reads inputs or parameters as they are given, or its output is no state; expected a cell "
            f"whose input is multiplied by W, such as {fitting}; cellwright.Recurrent takes any"
        )
    try:
        if bias is not None:
            checks.forget_bias("fit", known, bias, bias=True)
    except ValueError:
        raise InputError(
            f"--forget-bias: the cell {cell} has no gate f with a bias; leave it out, or take another cell"
        ) from None
