"""`cellwright datasets`: the sets that need no file."""

MOST_LABELS = 8


def datasets() -> None:
    """List the built-in sets, with source and licence."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from cellwright.data.datasets import describe, names

    table = Table("name", "content", "labels", "source and licence", box=box.SIMPLE_HEAD)
    for each in map(describe, names()):
        table.add_row(each.name, each.content, _labels(each.labels), each.source)
    Console().print(table)
    print("Use one: cellwright fit NAME --out RUN")


def _labels(labels: tuple[str, ...]) -> str:
    """The labels, or some of many."""
    if len(labels) <= MOST_LABELS:
        return ", ".join(labels)
    return f"{', '.join(labels[:MOST_LABELS])} … ({len(labels)})"
