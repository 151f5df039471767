"""Scores as tables for a terminal."""

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cellwright.evaluation.comparison import Comparison
from cellwright.evaluation.metrics import Scores

MOST_CLASSES = 12  # a wider confusion matrix breaks on 80 columns; the picture holds it


def show(comparison: Comparison, title: str) -> None:
    """Print the scores of the model and the baselines, of each class, and the confusion matrix."""
    _print(title, _models(comparison))
    _print("each class", _classes(comparison.model))
    if len(comparison.model.labels) <= MOST_CLASSES:
        _print("confusion matrix: a row a true label, a column the label given", _confusion(comparison.model))


def _print(title: str, table: Table) -> None:
    console = Console(highlight=False)
    console.print(Text(title, style="bold"), soft_wrap=True)
    console.print(table)


def _models(comparison: Comparison) -> Table:
    rows = {
        "this model": comparison.model,
        "linear baseline": comparison.linear,
        "majority class": comparison.majority,
    }
    table = _table("accuracy", "macro-F1")
    for name, scores in rows.items():
        if scores is not None:
            table.add_row(name, f"{scores.accuracy:.3f}", f"{scores.macro_f1:.3f}")
    return table


def _classes(scores: Scores) -> Table:
    table = _table("precision", "recall", "F1", "texts")
    for each in scores.classes:
        shares = (f"{share:.3f}" for share in (each.precision, each.recall, each.f1))
        # Text: a label may hold what Rich takes for markup, "[red]" say.
        table.add_row(Text(each.label), *shares, f"{each.support:,}")
    return table


def _confusion(scores: Scores) -> Table:
    table = _table(*scores.labels)
    for label, row in zip(scores.labels, scores.confusion, strict=True):
        table.add_row(Text(label), *(f"{count:,}" for count in row))
    return table


def _table(*columns: str) -> Table:
    """Return a table of numbers under these names; a first column, without a name, is for those of the rows."""
    table = Table("", box=box.SIMPLE_HEAD)
    for column in columns:
        table.add_column(Text(column), justify="right", overflow="fold")
    return table
