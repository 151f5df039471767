"""`cellwright compare`: runs of one task side by side."""

import json
from pathlib import Path
from typing import Annotated

import typer

from cellwright.errors import InputError


def compare(
    runs: Annotated[list[Path], typer.Argument(help="Folders that `cellwright fit` made.", show_default=False)],
    out: Annotated[
        Path | None, typer.Option(help="Write it to this .html, or only the learning curves to this .png.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the comparison as one JSON object.")] = False,
) -> None:
    """Compare runs of one task: their scores, the options in which they differ, how they learned."""
    from cellwright.cli.render_report import show_section
    from cellwright.cli.run_options import say
    from cellwright.files import check_free
    from cellwright.tuning import comparing

    if out is not None and out.suffix not in comparing.SUFFIXES:
        raise InputError(f"--out {out}: expected a file name that ends in {' or '.join(comparing.SUFFIXES)}")
    check_free({"--out": out}, overwrite=overwrite)
    found = comparing.compare(runs)
    for note in found.notes:
        say(note)
    if as_json:
        print(json.dumps(found.as_json(), ensure_ascii=False))
    else:
        for section in found.sections():
            show_section(section.title, section)
        if not any(each.options for each in found.runs):
            print("No option differs.")
    if out is not None:
        found.write(out)
        say(f"{out}: written")
