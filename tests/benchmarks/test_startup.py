"""What times an import has not made it."""

import subprocess
import sys
from pathlib import Path


def test_the_script_that_times_imports_loads_neither_torch_nor_cellwright():
    benchmarks = str(Path(__file__).parents[2] / "benchmarks")
    program = f"import sys; sys.path.insert(0, {benchmarks!r}); import startup; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert "startup" in loaded
    assert not {"torch", "cellwright"} & set(loaded)
