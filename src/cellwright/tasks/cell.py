"""The cell that a run is to be made of, looked at before its data is read."""

from cellwright import cells
from cellwright.errors import InputError
from cellwright.nn import checks


def check_cell(cell: str, bias: float | None = None) -> None:
    """Raise InputError for a cell that there is not, and for a bias of the forget gate where it has none."""
    known = cells.get(cell)
    try:
        if bias is not None:
            checks.forget_bias("fit", known, bias, bias=True)
    except ValueError:
        raise InputError(
            f"--forget-bias: the cell {cell} has no gate f with a bias; leave it out, or take another cell"
        ) from None
