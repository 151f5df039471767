"""`cellwright cells`: the recurrent cells there are."""


def cells() -> None:
    """List the recurrent cells, with states and gates."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from cellwright.cells import CELLS

    table = Table("name", "states", "gates", "cell", box=box.SIMPLE_HEAD)
    for name, cell in CELLS.items():
        table.add_row(name, " ".join(cell.states), " ".join(cell.gates) or "–", cell.title)
    Console().print(table)
    print("Use one: cellwright fit DATA --out RUN --cell NAME")
