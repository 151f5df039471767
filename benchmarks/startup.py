"""What a process waits for once: the import, and a cell's first training step, compiled or from the cache.

python benchmarks/startup.py
"""

from __future__ import annotations

import json
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import child_process
from results import Compilation

if TYPE_CHECKING:  # what loads this file to time an import must not have made it
    from cellwright.bench.timing import Spread


def imports(extent: str) -> dict[str, Spread]:
    """Seconds of `import torch`, and of `import cellwright` and its layers after it, in new processes."""
    from cellwright.bench.timing import Spread

    found = [child_process.ask(Path(__file__), "import") for _ in range(3 if extent == "quick" else 7)]
    return {name: Spread.of([one[name] for one in found]) for name in found[0]}


def compilations(extent: str) -> list[Compilation]:
    """Of every cell."""
    from cellwright.cells import CELLS  # not above: the child that times the import loads this file

    return [_of(cell) for cell in (["lstm", "gru", "rnn"] if extent == "quick" else CELLS)]


def _of(cell: str) -> Compilation:
    with tempfile.TemporaryDirectory() as cache:
        ask = partial(child_process.ask, Path(__file__), "compile", cell, environment={"CELLWRIGHT_CACHE": cache})
        times = [ask() for _ in range(2)]
    return Compilation(cell, *times)


def _import() -> dict[str, float]:
    begin = time.perf_counter()
    import torch  # noqa: F401

    middle = time.perf_counter()
    from cellwright import LSTM  # noqa: F401

    return {"torch": middle - begin, "cellwright": time.perf_counter() - middle}


def _compile(cell: str) -> float:
    import torch

    import cellwright

    x = torch.zeros(3, 2, 16)
    _step(torch.nn.LSTM(16, 16), x)  # PyTorch's own first time is not ours
    layer = cellwright.Recurrent(cell, 16, 16)
    with cellwright.use_backend("compiled"):
        first, second = (_step(layer, x) for _ in range(2))
    return first - second


def _step(layer: object, x: object) -> float:
    """Seconds of one training step."""
    begin = time.perf_counter()
    layer(x)[0].sum().backward()  # type: ignore[operator]
    return time.perf_counter() - begin


if __name__ == "__main__":
    if given := child_process.asked():
        print(json.dumps(_import() if given[0] == "import" else _compile(given[1])))
    else:
        import tables  # not above: the child that times the import loads this file

        tables.show([tables.of_startup(imports("default"), compilations("default"))])
