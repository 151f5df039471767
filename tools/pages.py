"""The pages of docs/cells, one a cell, from its definition.

python tools/pages.py
"""

from __future__ import annotations

import inspect
from itertools import groupby
from pathlib import Path

from cellwright.cells import CELLS, Definition
from cellwright.cells.definition import PER_PROJECTION
from cellwright.cells.formulas import equations, latex, operations, parameters
from cellwright.inspect.diagram import svg

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "cells"
SIZE = 128  # I = H of the figures
WRITTEN = "Written by `python tools/pages.py` from the definitions; not by hand."


def pages() -> dict[Path, str]:
    """Every page and picture, and its text."""
    texts = {FOLDER / f"{name}.md": page(cell) for name, cell in CELLS.items()}
    pictures = {FOLDER / f"{name}.svg": svg(cell) for name, cell in CELLS.items()}
    return {FOLDER / "README.md": index(), **texts, **pictures}


def index() -> str:
    """The table of all cells."""
    rows = [
        f"| [{name}]({name}.md) | {cell.title} | {' '.join(cell.states)} | {' '.join(cell.gates) or '–'} "
        f"| {parameters(cell, SIZE, SIZE):,} | {operations(cell, SIZE, SIZE):,} |"
        for name, cell in CELLS.items()
    ]
    head = ["| name | cell | states | gates | parameters | operations |", "| --- | --- | --- | --- | ---: | ---: |"]
    note = f"Parameters of one layer and one direction, and operations of one step of one sequence, at I = H = {SIZE}."
    return "\n".join(["# Cells", "", *head, *rows, "", note, "", WRITTEN, ""])


def page(cell: Definition) -> str:
    """One cell: source, picture, equations, sizes, use."""
    source, where = _prose(cell)
    file = Path(inspect.getfile(cell.step)).name
    parts = [
        f"# {cell.name}: {cell.title}",
        source,
        f"![The data flow of {cell.name}]({cell.name}.svg)",
        "```math\n" + latex(cell) + "\n```",
        "In short, as the [definition](../../src/cellwright/cells/" + file + ") has it:",
        "\n".join(f"    {line}" for line in equations(cell)),
        where,
        "\n".join(_sizes(cell)),
        f'Use: `cellwright.Recurrent("{cell.name}", input_size, hidden_size)`, `cellwright fit … --cell {cell.name}`.',
        WRITTEN,
    ]
    return "\n\n".join(parts) + "\n"


def _prose(cell: Definition) -> tuple[str, str]:
    """What the docstring says between title and equations, and after them."""
    lines = (inspect.getdoc(cell.step) or "").splitlines()[1:]
    runs = [" ".join(run).strip() for indented, run in groupby(lines, _is_equation) if not indented]
    source, where = runs
    return source, where


def _is_equation(line: str) -> bool:
    return line.startswith("    ")


def _sizes(cell: Definition) -> list[str]:
    own = [
        f"{name} (H{f' × {len(cell.projections)}' if kind == PER_PROJECTION else ''}, from {int(name in cell.ones)})"
        for name, kind in cell.parameters.items()
    ]
    rows = {
        "states": " ".join(cell.states),
        "projections": " ".join(cell.projections),
        "gates": " ".join(cell.gates) or "none",
        "biases": "b and b'" if cell.bias else "none",
        "parameters of its own": ", ".join(own) or "none",
        f"parameters, I = H = {SIZE}": f"{parameters(cell, SIZE, SIZE):,}",
        f"operations a step, I = H = {SIZE}": f"{operations(cell, SIZE, SIZE):,}",
    }
    return ["| | |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in rows.items())]


def main() -> None:
    """Write all pages; remove those of cells that are gone."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    written = pages()
    for path in {*FOLDER.glob("*.md"), *FOLDER.glob("*.svg")} - set(written):
        path.unlink()
    for path, text in written.items():
        path.write_text(text, encoding="utf-8")
    print(f"{len(written)} files in {FOLDER.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
