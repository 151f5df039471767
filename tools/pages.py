"""The pages of docs/cells, one a cell, and docs/compiler.md, made from the cells' definitions.

python tools/pages.py
"""

from __future__ import annotations

import inspect
from itertools import groupby
from pathlib import Path

from cellwright.cells import CELLS, Definition
from cellwright.cells.definition import PER_PROJECTION
from cellwright.cells.formulas import equations, latex, operations, parameters
from cellwright.compiler import pipeline
from cellwright.compiler.codegen.microkernel import shape
from cellwright.compiler.kernel import Kernel, kernel
from cellwright.compiler.target import Target
from cellwright.inspect.diagram import svg

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "cells"
COMPILER = ROOT / "docs" / "compiler.md"
# Any machine writes the same page: AVX2, whatever processor it has.
AVX2 = Target("x86-64-v3", "", register_bytes=32, registers=16)
SIZE = 128  # I = H of the figures
WRITTEN = "Written by `python tools/pages.py` from the definitions; not by hand."


def pages() -> dict[Path, str]:
    """Every page and picture, and its text."""
    texts = {FOLDER / f"{name}.md": page(cell) for name, cell in CELLS.items()}
    pictures = {FOLDER / f"{name}.svg": svg(cell) for name, cell in CELLS.items()}
    return {FOLDER / "README.md": index(), COMPILER: compiler(), **texts, **pictures}


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
        "In short, as the [definition](../../src/cellwright/cells/library/" + file + ") has it:",
        "\n".join(f"    {line}" for line in equations(cell)),
        where,
        "\n".join(_sizes(cell)),
        _use(cell),
        "## What the compiler makes of it",
        "One step of training ([how to read it](../compiler.md)); `cellwright cells show " + cell.name + " --program`.",
        _block(pipeline.program(kernel(cell, "float32", wanted=cell.differentiable_streams))),
        WRITTEN,
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _use(cell: Definition) -> str:
    """How a layer of it is made, and a run where there can be one."""
    size = "input_size" if cell.multiplies_input else str(len(cell.inputs))
    layer = f'`cellwright.Recurrent("{cell.name}", {size}, hidden_size)`'
    if cell.takes_x_alone and not cell.outputs:
        return f"Use: {layer}, `cellwright fit … --cell {cell.name}`."
    named = ", ".join(f'"{name}": …' for name in cell.inputs)
    first = "x" if cell.multiplies_input else f"{{{named}}}"
    further = ", parameters={…}" if cell.given else ""
    return f"Use: `layer = {layer[1:-1]}`, then `layer({first}{further})`."


def compiler() -> str:
    """The LSTM through every stage of the compiler."""
    made = Kernel(CELLS["lstm"], "float32", shape(AVX2, "float32"), AVX2)
    parts = [
        "# From five equations to a kernel",
        "The LSTM on its way from `cells/library/lstm.py` to machine code: every stage, and what it gives. "
        "`cellwright cells show NAME --program`, `--ir` and `--asm` show the same of any cell, your own included.",
    ]
    for number, stage in enumerate(pipeline.STAGES, 1):
        parts.append(f"## {number}. {stage.name[0].upper() + stage.name[1:]}: {stage.says}")
        parts.append(f"[`{stage.module}`](../src/cellwright/{stage.module}). {COMMENTS[stage.name]}")
        parts.append(_block(EXCERPTS.get(stage.name, str)(stage.text(made))))
        if stage.name == "layout":
            parts += ["### What lies where", MEMORY, _block(memory(made))]
    return "\n\n".join([*parts, WRITTEN]) + "\n"


# What a reader wants to know of each stage, beside what it is.
COMMENTS = {
    "equations": "A user's own cell begins here too: the step is a Python function, run once on letters.",
    "program": "Each line is one operation on earlier ones. x.i is (W x + b) of the gate i, u.i is (U h + b'), s.c the "
    "cell state before the step. Numbers that are missing are leaves, written where they are used.",
    "derivative": "The cotangent d.h is how much the loss rises with h. Each operation hands its cotangent to its "
    "operands by one rule; equal operations are one line again, so that σ′ reads the σ of the step.",
    "saved": "The activations of the gates cost an exponential each, so they are kept. The cell state after the step "
    "and its tanh are not: two multiplications and one tanh bring them back. Nor is the one before the step, but where "
    "a stretch of the pass back begins (`compiler/ir/replay.py`): from there it goes on as it did.",
    "backward": "What is left to compute. x and u of a gate only meet as a sum, so their cotangents are one value, and "
    "are written once.",
    "layout": "The order of the gates in a row of x W + b, in a product h U + b', and in a row of cotangents.",
    "LLVM IR": "Thousands of lines in all: the product (`microkernel.py`), the loop over time (`forward.py`), and "
    "in it the program above on a register of units at a time (`pointwise.py`). Here the product's innermost "
    "loop for one row and two registers of columns, laid out for AVX2: a number of h, broadcast, times a row "
    "of the packed U, added to the sums.",
    "assembly": "The same loop after LLVM's passes: one broadcast, two fused multiply-adds. Six rows have twelve.",
}


# Of the drawing: six packed rows of three sequences, five of them in the first two steps.
INPUTS, HIDDEN, STEPS, SEQUENCES, CHUNK = 8, 20, 6, 3, 5
MEMORY = f"""The memory of one work item: three sequences a b c of 3, 2 and 1 steps, H = {HIDDEN} and I = {INPUTS}, in
float32 on AVX2. The names are those of the fields that the loops read (`compiler/codegen/arguments.py`,
`compiler/codegen/gate_layout.py`). A row is one step of one sequence; `a1` is the second of a."""


def shapes(made: Kernel) -> dict[str, dict[str, tuple[int, ...]]]:
    """The shapes of all that is drawn, by name: what a direction is given for each pass, and an item's own."""
    layout, columns = made.layout, made.tile.columns
    padded, panels = made.round_to_registers(HIDDEN), made.round_to_panels
    gates, products = panels(made.forward(saves=True).step.slots * padded), panels(len(layout.recurrent) * padded)
    u = (products // columns, HIDDEN, columns)
    transposed = (panels(HIDDEN) // columns, len(layout.recurrent) * padded, columns)
    kept = {"gates": (STEPS, gates), "y": (STEPS, HIDDEN)}
    again = made.forward(saves=True).step.replayed
    sparse = 3 * SEQUENCES  # those of two steps in turn, and of the first, before which all are kept
    kept |= {f"state.{name}": (sparse if name in again else STEPS, padded) for name in made.cell.states}
    computed_again = {f"replayed.{name}": (STEPS, padded) for name in again}
    ends = {f"{kind}.{name}": (SEQUENCES, HIDDEN) for kind in ("begin", "final") for name in made.cell.states}
    ends |= {f"carry.{name}": (SEQUENCES, padded) for name in made.cell.states}
    return {
        "forward": kept | ends | {"x": (STEPS, INPUTS), "input_panels": (u[0], INPUTS, columns), "recurrent_panels": u},
        "backward": kept
        | ends
        | computed_again
        | {"recurrent_panels": transposed, "columns": (STEPS, layout.width * padded)},
        "item forward": {"products": (SEQUENCES, products), "gates": (CHUNK, gates)},
        "item backward": {"products": (SEQUENCES, panels(HIDDEN))},
    }


def memory(made: Kernel) -> str:
    """The drawing: what lies where in a pass forward, between the passes, in the pass back, and in inference."""
    of, rows, ends = shapes(made), "a0 b0 c0 | a1 b1 | a2", "a  b  c"

    def line(name: str, stands: str, says: str, kind: str = "forward") -> str:
        return f"  {name:<17}{stands:<23}{_shape(of[kind][name]):<10}{says}"

    def times(name: str, says: str, kind: str = "forward") -> str:
        return f"      │ times {name} {_shape(of[kind][name])}: {says}\n      ▼"

    return "\n".join(
        [
            "FORWARD, in training: from the first step to the last, x W two steps (a chunk) ahead",
            line("x", rows, "the call's rows, where x_places says"),
            times("input_panels", "W, the sums from input_starts: b"),
            line("gates", rows, f"x W + b in slots {' '.join(made.layout.inputs)}; in the end what is saved"),
            line("begin.h", ends, "h before the first step, copied to the first row of a sequence in"),
            line("state.h", rows, "h before each step"),
            times("recurrent_panels", "U, the sums from recurrent_starts: b'"),
            line("products", ends, "of the item: h U + b' of one step, in the first cache", "item forward"),
            line(
                "state.c",
                "a  b  c | a  b  c | a0 …",
                "c before two steps in turn; then before those where stretches begin",
            ),
            "      │ the cell, a row at a time, of gates, products and state.c (spill: between its passes)",
            "      ▼",
            "  gates            the same row, in which saved.0 … now stand in place of x W + b",
            "  state.h state.c  the next step's rows; after the last, carry.h and carry.c, copied to final.h, final.c",
            line("y", rows, "h, where y_places says"),
            "",
            "SAVED, from the pass forward to the pass back (backends/kernels/saved.py)",
            "  gates            and state.h, as they are now; of state.c, c before the first step of each stretch",
            "  rows             what is one number a row, as a mean; the LSTM has none",
            "  whole            h before it is projected, where it is",
            "",
            "BACKWARD: from the last step to the first, a stretch of them at a time (since, until), here all in one",
            line("y", rows, "the cotangents of the outputs", "backward"),
            line("carry.h", ends, "those of the states, handed back from step to step:", "backward"),
            line("carry.c", ends, "they begin as those of the final states, begin.h and begin.c", "backward"),
            line("gates", rows, "what was saved; of it and of the c that is kept, step by step", "backward"),
            line("replayed.c", rows, "c before each step again; of one stretch", "backward"),
            "      │ the derivative, a row at a time, of these, products and replayed.c",
            "      ▼",
            line("columns", rows, "the cotangents of x and u, in slots; of one stretch", "backward"),
            times("recurrent_panels", "U transposed", "backward"),
            line("products", ends, "of the item: what u hands to h, for the step before", "item backward"),
            "  own              of the item: sums for the cell's own parameters, of which the LSTM has none",
            line("final.h", ends, "and final.c: those of the states before the first step", "backward"),
            "                   Then, over its rows (codegen/gemm.py): columnsᵀ x, columnsᵀ state.h, columns W; in the",
            "                   same memory the stretch before it, whose sums are added to these of the weights.",
            "",
            "INFERENCE keeps no row longer than it is read",
            line("gates", "a0 b0 c0 | a1 b1", "of the item: a chunk, and the next in its place", "item forward"),
            "  state.h state.c  of two steps in turn, where state_rows says",
            "  products         twice, in turn, where a team of threads shares the item: each computes some panels",
            "                   of every product, then all meet, once a step (part, parts, met)",
            "  lists            in every pass, of the item: addresses of the rows that a product reads and writes",
        ]
    )


def _shape(shape: tuple[int, ...]) -> str:
    return f"({', '.join(map(str, shape))})"


def _innermost(text: str) -> str:
    """The loop of the product over one row, from a module's IR."""
    rows = text[text.index("\nrows1:") :]
    return rows[rows.index("\nk_body:") + 1 : rows.index("\nk_done:")]


def _fused(text: str) -> str:
    """The first loop of two fused multiply-adds, from a module's assembly."""
    blocks = text.split("\n.L")
    found = next(block for block in blocks if block.count("vfmadd231ps") == 2)
    return ".L" + found


EXCERPTS = {"LLVM IR": _innermost, "assembly": _fused}


def _block(text: str) -> str:
    return "```text\n" + text.strip("\n").expandtabs(4) + "\n```"


def _prose(cell: Definition) -> tuple[str, str]:
    """What the docstring says between title and equations, and after them."""
    lines = (inspect.getdoc(cell.step) or "").splitlines()[1:]
    runs = [" ".join(run).strip() for indented, run in groupby(lines, _is_equation) if not indented]
    return runs[0], "\n".join(runs[1:])


def _is_equation(line: str) -> bool:
    return line.startswith("    ")


def _sizes(cell: Definition) -> list[str]:
    own = [
        f"{name} (H{f' × {len(cell.projections)}' if kind == PER_PROJECTION else ''}, from {int(name in cell.ones)})"
        for name, kind in cell.parameters.items()
    ]
    biases = " and ".join(["b"] * cell.multiplies_input + ["b'"] * cell.multiplies_state)
    given = [f"{name} (a {kind})" for name, kind in cell.given.items()]
    rows = {
        "states": " ".join(cell.states),
        "outputs": " ".join(cell.results),
        "projections": " ".join(cell.projections) or "none",
        "inputs as they are": " ".join(cell.inputs) or "none",
        "gates": " ".join(cell.gates) or "none",
        "biases": biases if cell.bias and biases else "none",
        "parameters of its own": ", ".join(own) or "none",
        "parameters of a call": ", ".join(given) or "none",
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
