"""The generated pages are those that the definitions make."""

import runpy
from pathlib import Path

import pytest

from cellwright.cells import CELLS
from cellwright.compiler.pipeline import STAGES

SCRIPT = runpy.run_path(str(Path(__file__).parents[2] / "tools" / "pages.py"))
PAGES = SCRIPT["pages"]()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_a_page_is_up_to_date(path):
    assert path.read_text(encoding="utf-8") == PAGES[path], "run: make pages"


def test_there_is_a_page_of_every_cell_and_no_other():
    assert {path.stem for path in SCRIPT["FOLDER"].glob("*.md")} == {"README", *CELLS}


def test_a_page_says_source_equations_and_sizes():
    text = SCRIPT["page"](CELLS["lstm"])
    assert text.startswith("# lstm: Long short-term memory with forget gate\n\nGers, Schmidhuber and Cummins 2000")
    assert "    c_t = f_t · c_{t−1} + i_t · g_t\n" in text
    assert "\n\nwhere x = W x_t + b, u = U h_{t−1} + b'.\n\n" in text
    assert r"  c_{t} &= f_{t} \odot c_{t-1} + i_{t} \odot g_{t} \\" in text
    assert "| parameters, I = H = 128 | 132,096 |" in text  # 4 · 128 · (128 + 128) + 8 · 128
    assert "../../src/cellwright/cells/lstm.py" in text


def test_the_page_of_the_compiler_follows_the_lstm_to_its_instructions():
    text = PAGES[SCRIPT["COMPILER"]]
    assert [line.split(":")[0] for line in text.splitlines() if line.startswith("## ")] == [
        f"## {k}. {stage.name[0].upper()}{stage.name[1:]}" for k, stage in enumerate(STAGES, 1)
    ]
    assert "t19 = t9 + t18" in text  # c = f · c + i · g
    assert text.count("vfmadd231ps") == text.count('call <8 x float> @"llvm.fma.v8f32"') == 2


def test_every_link_leads_to_a_file():
    for path, text in PAGES.items():
        for link in (part.split(")")[0] for part in text.split("](")[1:]):
            assert (path.parent / link).resolve().is_file(), link
