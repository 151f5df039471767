"""`cellwright datasets`: the sets that need no file."""


def datasets() -> None:
    """List the built-in sets, with source and licence."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from cellwright.data.datasets import describe, names

    table = Table("name", "content", "labels", "source and licence", box=box.SIMPLE_HEAD)
    for each in map(describe, names()):
        table.add_row(each.name, each.content, ", ".join(each.labels), each.source)
    Console().print(table)
    print("Use one: cellwright fit NAME --out RUN")
