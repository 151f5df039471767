"""`cellwright evaluate`: how good is a run on texts that have labels?"""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cellwright.errors import InputError

if TYPE_CHECKING:
    from cellwright.data.table import Table
    from cellwright.models.run import RunConfig

Side = Literal["train", "validation", "test", "all"]


def evaluate(
    run: Annotated[Path, typer.Argument(help="Folder that `cellwright fit` made.", show_default=False)],
    data: Annotated[str, typer.Argument(help="File of labelled texts, or a built-in set.", show_default=False)],
    split: Annotated[
        Side | None,
        typer.Option(help="Texts to score. By default test, of a built-in set or the run's own file; else all."),
    ] = None,
    text: Annotated[str | None, typer.Option(help="Column of the text. By default the run's.")] = None,
    label: Annotated[str | None, typer.Option(help="Column of the label. By default the run's.")] = None,
    encoding: Annotated[str, typer.Option(help="Encoding of a text file.")] = "utf-8",
    format: Annotated[str | None, typer.Option(help="Format of a file whose suffix does not tell.")] = None,
    picture: Annotated[Path | None, typer.Option(help="Write the confusion matrix to this PNG.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the scores as one JSON object.")] = False,
) -> None:
    """Score a run on labelled texts, beside two baselines.

    These are the majority class and a linear model of character n-grams, fitted on the run's own training texts.
    """
    from cellwright.cli.scoring import scored
    from cellwright.cli.tables import show
    from cellwright.evaluation.picture import draw_confusion
    from cellwright.serve import Predictor

    predictor = Predictor.load(run)
    config = predictor.run.config
    side = split or _usual_side(data, config)
    columns = {"text": text or config.text, "label": label or config.label, "encoding": encoding, "format": format}
    table = _texts(data, side, columns)
    comparison = scored(predictor, table, _training_texts(config, table, side))
    if picture is not None:
        draw_confusion(comparison.model, picture)
    if as_json:
        about = {"run": str(run), "data": data, "split": side}
        print(json.dumps(about | comparison.as_json(), ensure_ascii=False))
    else:
        show(comparison, f"{data}, {side if side == 'all' else side + ' side'}: {len(table):,} texts")


def _usual_side(data: str, config: "RunConfig") -> Side:
    """Return the side that training kept back of the run's own data or of a built-in set; of another file, all."""
    from cellwright.data import datasets

    own = Path(config.training["data"]).resolve() == Path(data).resolve()
    return "test" if own or data in datasets.names() else "all"


def _texts(data: str, side: Side, columns: dict[str, Any]) -> "Table":
    from cellwright.data import datasets
    from cellwright.data.readers import read
    from cellwright.data.source import open_source

    if side != "all":
        table = open_source(data, **columns)[side]
    elif data in datasets.names():
        raise InputError(f"{data} is scored one side at a time; expected --split train, validation or test, got all")
    else:
        table = read(data, **columns)
    if not len(table):
        raise InputError(
            f"{data}: no text falls to the {side} side; expected at least one, --split all takes every row"
        )
    return table


def _training_texts(config: "RunConfig", table: "Table", side: Side) -> "Table | None":
    """Return what the run was trained on, for the baselines; say so where it is gone, or holds texts to be scored."""
    from cellwright.cli.scoring import own_sides

    try:
        train = own_sides(config)["train"]
    except InputError as error:
        print(f"without baselines, since the run's training texts cannot be read: {error}", file=sys.stderr)
        return None
    seen = len(set(train.texts) & set(table.texts))
    if seen and side != "train":
        print(f"{seen:,} of the {len(table):,} texts are among the training texts: the scores flatter", file=sys.stderr)
    return train
