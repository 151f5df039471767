import importlib.util
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "custom_cell.py"


@pytest.mark.slow
def test_the_invented_cell_learns_on_the_compiled_path(capsys):
    spec = importlib.util.spec_from_file_location("custom_cell", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.main() > 0.95
    printed = capsys.readouterr().out
    assert "c_t = k · (1 − i_t) · c_{t−1} + i_t · g_t" in printed
    assert "compiled: the kernels of fading" in printed


def test_the_equations_take_ten_lines():
    lines = EXAMPLE.read_text().splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith("@cellwright.cell"))
    end = next(n for n, line in enumerate(lines) if line.startswith("    return State"))
    assert end - start + 1 <= 10
