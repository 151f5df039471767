"""Scores as tables for a terminal."""

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from cellwright.evaluation.comparison import Comparison
from cellwright.evaluation.metrics import Scores

MOST_CLASSES = 12  # a wider confusion matrix breaks on 80 columns; the picture holds it


def show(comparison: Comparison, title: str) -> None:
    """Print the scores of the model and the baselines, of each class, and the confusion matrix."""
    parts: list[RenderableType] = [_models(comparison, title), _classes(comparison.model)]
    if len(comparison.model.labels) <= MOST_CLASSES:
        parts.append(_confusion(comparison.model))
    Console().print(Group(*parts))


def _models(comparison: Comparison, title: str) -> Table:
    table = _table(title, "", "accuracy", "macro-F1")
    rows = {
        "this model": comparison.model,
        "linear baseline": comparison.linear,
        "majority class": comparison.majority,
    }
    for name, scores in rows.items():
        if scores is not None:
            table.add_row(name, f"{scores.accuracy:.3f}", f"{scores.macro_f1:.3f}")
    return table


def _classes(scores: Scores) -> Table:
    table = _table("each class", "", "precision", "recall", "F1", "texts")
    for each in scores.classes:
        shares = (f"{share:.3f}" for share in (each.precision, each.recall, each.f1))
        # Text: a label may hold what Rich takes for markup, "[red]" say.
        table.add_row(Text(each.label), *shares, f"{each.support:,}")
    return table


def _confusion(scores: Scores) -> Table:
    table = _table("confusion: a row a true label, a column the label given", "", *scores.labels)
    for label, row in zip(scores.labels, scores.confusion, strict=True):
        table.add_row(Text(label), *(f"{count:,}" for count in row))
    return table


def _table(title: str, first: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    table.add_column(first)
    for column in columns:
        table.add_column(Text(column), justify="right", overflow="fold")
    return table
