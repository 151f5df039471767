"""`cellwright export`: a run as an ONNX file."""

from pathlib import Path
from typing import Annotated

import typer

from cellwright.cli.run_options import OwnCell


def export(
    run: Annotated[Path, typer.Argument(help="Folder that `cellwright fit` made.", show_default=False)],
    out: Annotated[Path, typer.Option(help="The ONNX file to write.", show_default=False)],
    cell: OwnCell = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there.")] = False,
    portable: Annotated[
        bool, typer.Option("--portable", help="Write nothing that runtimes other than ONNX Runtime compute otherwise.")
    ] = False,
    check: Annotated[
        list[str] | None,
        typer.Option(
            metavar="RUNTIME",
            help="A runtime whose numbers have to be the run's: onnxruntime, openvino or onnx.reference; once each. "
            "Without it: ONNX Runtime, with --portable all, where they are installed.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Write a run as one ONNX file for batches of any size, and compare it in ONNX Runtime with the run itself."""
    from cellwright.onnx import exporters
    from cellwright.tasks.run import load_run

    found = load_run(run, cell)
    written = exporters.export(found, out, overwrite=overwrite, portable=portable, check=check or None)
    print(f"written: {written.path}, {written.bytes:,} bytes")
    print("in:  " + "\n     ".join(map(str, written.inputs)))
    print("out: " + "\n     ".join(map(str, written.outputs)))
    for runtime, difference in written.differences.items():
        print(f"in {runtime}, on random input, differs from the run by {difference:.1e} at most")
    for runtime, package in written.missing.items():
        print(f"not compared in {runtime}: pip install {package}, and the file is run beside the model")
    print("layers: " + ", ".join(dict.fromkeys(written.layers)))
    print("To feed it: " + ";\n  ".join(written.feed) + ".")
