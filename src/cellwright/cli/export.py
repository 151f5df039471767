"""`cellwright export`: a run as an ONNX file."""

from pathlib import Path
from typing import Annotated

import typer


def export(
    run: Annotated[Path, typer.Argument(help="Folder that `cellwright fit` made.", show_default=False)],
    out: Annotated[Path, typer.Option(help="The ONNX file to write.", show_default=False)],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there.")] = False,
) -> None:
    """Write a run as one ONNX file for batches of any size, and compare it in ONNX Runtime with the run itself."""
    from cellwright.export import exporters
    from cellwright.tasks.run import load_run

    written = exporters.export(load_run(run), out, overwrite=overwrite)
    print(f"written: {written.path}, {written.bytes:,} bytes")
    print("in:  " + "\n     ".join(map(str, written.inputs)))
    print("out: " + "\n     ".join(map(str, written.outputs)))
    if written.difference is None:
        print("not compared: pip install onnxruntime, and the file is run beside the model")
    else:
        print(f"in ONNX Runtime, on random input, differs from the run by {written.difference:.1e} at most")
    print("layers: " + ", ".join(dict.fromkeys(written.layers)))
    print("To feed it: " + ";\n  ".join(written.feed) + ".")
