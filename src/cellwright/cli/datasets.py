"""`cellwright datasets`: the sets that need no file."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cellwright.data.datasets.dataset import Dataset

MOST_LABELS = 8


def datasets() -> None:
    """List the built-in sets, with source and licence."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from cellwright.data.datasets import describe, names

    table = Table("name", "content, and tasks", "labels", "source and licence", box=box.SIMPLE_HEAD)
    for each in map(describe, names()):
        table.add_row(each.name, f"{each.content}; for {_tasks(each)}", _labels(each.labels), each.source)
    Console().print(table)
    print("Use one: cellwright fit NAME --task TASK --out RUN")


def _tasks(dataset: "Dataset") -> str:
    """The tasks that can read the set."""
    from cellwright import tasks

    configs = [tasks.config_of(name) for name in tasks.NAMES]
    return ", ".join(c.task for c in configs if c.reads == dataset.holds and (dataset.labels or not c.needs_labels))


def _labels(labels: tuple[str, ...]) -> str:
    """The labels, or some of many."""
    if len(labels) <= MOST_LABELS:
        return ", ".join(labels)
    return f"{', '.join(labels[:MOST_LABELS])} … ({len(labels)})"
