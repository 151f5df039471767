"""Scores as tables for a terminal."""

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cellwright.evaluation.report import Report, Section

UNBOUNDED = 100_000
"""Characters of a line that holds any table."""


def show(report: Report, title: str) -> None:
    """Print the report's tables, the first under `title`, and some mistakes."""
    first, *others = [*report.sections(), *(report.mistakes.sections() if report.mistakes else [])]
    show_section(title, first)
    for section in others:
        show_section(section.title, section)


def show_section(title: str, section: Section) -> None:
    """Print one table under a title; what is wider than the terminal in several, one below the other."""
    console = Console(highlight=False)
    console.print(Text(title, style="bold"), soft_wrap=True)
    begin, end = 0, 1
    while begin < len(section.columns):
        while end < len(section.columns) and _fits(console, _table(section, begin, end + 1)):
            end += 1
        console.print(_table(section, begin, end))
        begin, end = end, end + 1


def _table(section: Section, begin: int, end: int) -> Table:
    """The rows with these columns, from `begin` up to `end`."""
    table = Table("", box=box.SIMPLE_HEAD)  # the first column, without a name, is for those of the rows
    for column in section.columns[begin:end]:
        table.add_column(Text(column), justify="right", overflow="fold")
    for name, *cells in section.rows:
        # Text: a label may hold what Rich takes for markup, "[red]" say.
        table.add_row(Text(name), *cells[begin:end])
    return table


def _fits(console: Console, table: Table) -> bool:
    # Asked of a console without bounds: of its own, a table says at most what that can show.
    return console.measure(table, options=console.options.update(width=UNBOUNDED)).maximum <= console.width
