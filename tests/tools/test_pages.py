"""The generated pages are those that the definitions make."""

import runpy
from math import prod
from pathlib import Path

import pytest
import torch

from cellwright.backends.call import Call, Weights
from cellwright.backends.kernels import backward, forward, panels
from cellwright.backends.kernels.batch import batch_of, counts_of
from cellwright.backends.kernels.binding import _shared
from cellwright.backends.kernels.frame import Frame
from cellwright.backends.kernels.saved import saved_of
from cellwright.cells import CELLS
from cellwright.compiler.codegen.arguments import ITEM
from cellwright.compiler.kernel import kernel
from cellwright.compiler.pipeline import STAGES

SCRIPT = runpy.run_path(str(Path(__file__).parents[2] / "tools" / "pages.py"))


@pytest.fixture(scope="module")
def pages() -> dict[Path, str]:
    return SCRIPT["pages"]()


def test_every_page_is_up_to_date(pages):
    old = [path.name for path, text in pages.items() if path.read_text(encoding="utf-8") != text]
    assert not old, "run: make pages"


def test_there_is_a_page_of_every_cell_and_no_other():
    assert {path.stem for path in SCRIPT["FOLDER"].glob("*.md")} == {"README", *CELLS}


def test_a_page_says_source_equations_and_sizes():
    text = SCRIPT["page"](CELLS["lstm"])
    assert text.startswith("# lstm: Long short-term memory with forget gate\n\nGers, Schmidhuber and Cummins 2000")
    assert "    c_t = f_t · c_{t−1} + i_t · g_t\n" in text
    assert "\n\nwhere x = W x_t + b, u = U h_{t−1} + b'.\n\n" in text
    assert r"  c_{t} &= f_{t} \odot c_{t-1} + i_{t} \odot g_{t} \\" in text
    assert "| parameters, I = H = 128 | 132,096 |" in text  # 4 · 128 · (128 + 128) + 8 · 128
    assert "../../src/cellwright/cells/library/lstm.py" in text


def test_the_page_of_the_compiler_follows_the_lstm_to_its_instructions(pages):
    text = pages[SCRIPT["COMPILER"]]
    assert [line.split(":")[0] for line in text.splitlines() if line.startswith("## ")] == [
        f"## {k}. {stage.name[0].upper()}{stage.name[1:]}" for k, stage in enumerate(STAGES, 1)
    ]
    assert "t19 = t9 + t18" in text  # c = f · c + i · g
    assert text.count("vfmadd231ps") == text.count('call <8 x float> @"llvm.fma.v8f32"') == 2


@pytest.fixture
def drawn() -> Call:
    """The call of the drawing."""
    steps, inputs, hidden = SCRIPT["STEPS"], SCRIPT["INPUTS"], SCRIPT["HIDDEN"]
    weights = Weights(torch.randn(4 * hidden, inputs), torch.randn(4 * hidden, hidden))
    state = [torch.zeros(1, 3, hidden) for _ in "hc"]
    return Call(CELLS["lstm"], torch.randn(steps, inputs), [3, 2, 1], state, [weights])


def test_memory_is_drawn_as_the_kernels_hold_it(drawn):
    shapes = SCRIPT["shapes"](kernel(drawn.cell, "float32"))
    bound = forward.prepare(drawn, saves=True)
    sizes, batch, tensors = bound.binding.sizes, bound.batch(), bound.tensors
    saved = saved_of(sizes).pieces(counts_of(bound.binding))
    packed = {name.partition(":")[0]: panels.panels_bytes(sizes, matrix) for name, matrix in panels.named(sizes)}
    transposes = {f"{name}_panels": m for name, m in panels.transposes(sizes, 0).items()}
    transposed = {name: 4 * prod(panels.transposed_shape(sizes, m)) for name, m in transposes.items()}

    numbers = batch.numbers | batch_of(bound.binding, backward._loop(sizes)).numbers

    def bytes_of(name: str, frame: Frame, words: dict[str, object], weights: dict[str, int]) -> int:
        if name in weights | saved:
            return (weights | saved)[name]
        size = frame._pieces.get(getattr(words[name], "base", ""))
        return size(numbers) if size else tensors[name].nbytes

    there, back = Frame(1), Frame(1)
    wanted = backward.Wanted(rows=True, state=True, streams=frozenset())
    loop = forward._loop(sizes, bound.kind)
    first = forward._direction(there, sizes, loop, bound.kind, 0, copy=False)
    second = backward._direction(back, sizes, wanted, {"recurrent:0": 0}, 0)
    passes = {"forward": (there, first, packed), "backward": (back, second, transposed)}
    for passing, (frame, words, weights) in passes.items():
        for name, shape in shapes[passing].items():
            assert bytes_of(name, frame, words, weights) == 4 * prod(shape), (passing, name)
    for saves, names in ((True, ["products"]), (False, ["products", "gates"])):
        found = forward.prepare(drawn, saves=saves)
        items = Frame(1)
        loop = forward._loop(found.binding.sizes, found.kind)
        shared = _shared(items, found.binding.sizes, loop, 0, ahead=not saves)
        numbers = batch_of(found.binding, loop).numbers
        for name in names:
            size = items._pieces[shared[name].base](numbers)
            assert size >= 4 * prod(shapes["item forward"][name]), (saves, name)


def test_names_of_the_drawing_are_fields_of_the_structs():
    text = SCRIPT["memory"](kernel(CELLS["lstm"], "float32"))
    fields = {*ITEM.names, *kernel(CELLS["lstm"], "float32").backward().block.names}
    names = {word for row in text.splitlines() if row[:3].strip() and row.startswith("  ") for word in row[:17].split()}
    assert {"x", "gates", "columns", "state.h", "carry.c", "own", "lists"} <= names
    assert names <= fields


def test_every_link_leads_to_a_file(pages):
    for path, text in pages.items():
        for link in (part.split(")")[0] for part in text.split("](")[1:]):
            assert (path.parent / link).resolve().is_file(), link
