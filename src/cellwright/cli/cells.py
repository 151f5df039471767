"""`cellwright cells`: the recurrent cells there are, and what each computes."""

import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cellwright.errors import InputError

if TYPE_CHECKING:
    from cellwright.cells import Definition

app = typer.Typer(rich_markup_mode=None)


@app.callback(invoke_without_command=True)
def cells(context: typer.Context) -> None:
    """List the recurrent cells, with states and gates; `cells show NAME` explains one."""
    if context.invoked_subcommand:
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from cellwright.cells import CELLS

    table = Table("name", "states", "gates", "cell", box=box.SIMPLE_HEAD)
    for name, cell in CELLS.items():
        table.add_row(name, " ".join(cell.states), " ".join(cell.gates) or "–", cell.title)
    Console().print(table)
    print("See one: cellwright cells show NAME")
    print("Use one: cellwright fit DATA --out RUN --cell NAME")


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="A cell's name, or FILE.py:NAME of your own.", show_default=False)],
    latex: Annotated[bool, typer.Option("--latex", help="Print the equations as LaTeX (amsmath) only.")] = False,
    program: Annotated[bool, typer.Option("--program", help="Print its compiled programs, as mathematics.")] = False,
    ir: Annotated[bool, typer.Option("--ir", help="Print its kernels as LLVM IR.")] = False,
    asm: Annotated[bool, typer.Option("--asm", help="Print its kernels as assembly of this processor.")] = False,
    svg: Annotated[Path | None, typer.Option(help="Write the data flow as a picture to this SVG file.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a picture that is there.")] = False,
    input_size: Annotated[int, typer.Option("--input-size", min=1, help="Input size that the counts are for.")] = 128,
    hidden_size: Annotated[
        int, typer.Option("--hidden-size", min=1, help="Hidden size that the counts are for.")
    ] = 128,
) -> None:
    """Show a cell: its equations, where its state passes untouched, its parameters and operations."""
    from cellwright.cells import formulas
    from cellwright.cells.from_file import named
    from cellwright.files import check_free

    check_free({"--svg": svg}, overwrite=overwrite)
    cell = named(name)
    if svg is not None:
        _write(svg, cell)
    compiled = {"--program": program, "--ir": ir, "--asm": asm}
    asked = [option for option, on in ({"--latex": latex} | compiled).items() if on]
    if len(asked) > 1:
        raise InputError(f"{' and '.join(asked)} each print one thing; expected one of them")
    if latex:
        print(formulas.latex(cell))
    elif asked:
        print(_compiled(cell, asked[0]))
    else:
        _print(cell, input_size, hidden_size)
    if svg is not None and not asked:
        print(f"\nThe data flow is drawn in {svg}")


def _print(cell: "Definition", inputs: int, hidden: int) -> None:
    from cellwright.cells.formulas import expanded, operations, parameters
    from cellwright.inspect.flow import flow

    print(cell.title + "\n")
    if source := _source(cell):
        print(source + "\n")
    print(*(f"  {line}" for line in expanded(cell)), sep="\n")
    lanes = " ".join(flow(cell).lanes)
    facts = {
        "states": " ".join(cell.states),
        "gates": " ".join(cell.gates) or "none",
        "conveyors": f"{lanes} (no function bends them from step to step)" if lanes else "none: each state is bent",
        "parameters": f"{parameters(cell, inputs, hidden):,}",
        "operations": f"{operations(cell, inputs, hidden):,} a step",
    }
    print()
    print(*(f"{name:<12}{value}" for name, value in facts.items()), sep="\n")
    print(f"\nThe counts are of one layer in one direction, input {inputs} and hidden {hidden}.")


def _compiled(cell: "Definition", option: str) -> str:
    """What the compiler made of the cell, for float32 on this processor."""
    try:
        from cellwright.compiler import pipeline
        from cellwright.compiler.kernel import kernel
    except ImportError as error:
        raise InputError(f"{option} shows what the compiler made, and it cannot be loaded here ({error})") from None
    return {"--program": pipeline.program, "--ir": pipeline.ir, "--asm": pipeline.assembly}[option](
        kernel(cell, "float32")
    )


def _source(cell: "Definition") -> str:
    """The second paragraph of the step's docstring: where the cell comes from."""
    paragraphs = (inspect.getdoc(cell.step) or "").split("\n\n")[1:2]
    return "".join(text for text in paragraphs if not text.startswith(" "))


def _write(path: Path, cell: "Definition") -> None:
    from cellwright.files import replace_file
    from cellwright.inspect.diagram import svg

    replace_file(path, svg(cell).encode())
