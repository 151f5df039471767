"""Scores as tables for a terminal."""

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cellwright.evaluation.report import Report, Section


def show(report: Report, title: str) -> None:
    """Print the report's tables, the first under `title`, and some mistakes."""
    first, *others = [*report.sections(), *(report.mistakes.sections() if report.mistakes else [])]
    show_section(title, first)
    for section in others:
        show_section(section.title, section)


def show_section(title: str, section: Section) -> None:
    """Print one table under a title."""
    table = Table("", box=box.SIMPLE_HEAD)  # the first column, without a name, is for those of the rows
    for column in section.columns:
        table.add_column(Text(column), justify="right", overflow="fold")
    for name, *cells in section.rows:
        # Text: a label may hold what Rich takes for markup, "[red]" say.
        table.add_row(Text(name), *cells)
    console = Console(highlight=False)
    console.print(Text(title, style="bold"), soft_wrap=True)
    console.print(table)
