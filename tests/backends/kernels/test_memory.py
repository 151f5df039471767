"""Memory in use does not grow with calls."""

from __future__ import annotations

import ctypes
import gc
from typing import Any

import pytest
import torch

from calls import draw_call, on
from cellwright.cells import CELLS

pytestmark = pytest.mark.usefixtures("one_thread")


class Mallinfo2(ctypes.Structure):
    """What glibc's malloc says of itself (mallinfo(3))."""

    _fields_ = [(name, ctypes.c_size_t) for name in (
        "arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost",
    )]  # fmt: skip


def malloc_says() -> Any:
    """Its function, or None where the C library has none; it counts bytes in use, which no page reclaimed by the
    system blurs as it does the resident memory.
    """
    function = getattr(ctypes.CDLL(None), "mallinfo2", None)
    if function is not None:
        function.restype = Mallinfo2
    return function


MALLINFO2 = malloc_says()


@pytest.mark.slow
@pytest.mark.skipif(MALLINFO2 is None, reason="this C library does not tell the memory in use")
@pytest.mark.parametrize("training", [False, True], ids=["inference", "training"])
def test_memory_does_not_grow_over_10000_calls(training):
    """Of changing shapes, 7000 without gradients and 3000 with. A leak shows in every part; what is made once does
    not.
    """
    calls = [draw_call(CELLS["lstm"], (k % 5 + 1, 1), 1 + k % 3, 1 + k % 17, 1 + k % 2) for k in range(60)]

    def in_use() -> int:
        gc.collect()
        said = MALLINFO2()
        return int(said.uordblks + said.hblkhd)

    def run(number: int) -> None:
        for k in range(number):
            call = calls[k % len(calls)]
            if training:
                rows = call.rows.requires_grad_()
                on("compiled", call)[0].sum().backward()
                rows.grad = None
            else:
                with torch.no_grad():
                    on("compiled", call)

    growth, part = [], 750 if training else 1750
    for _ in range(4):
        before = in_use()
        run(part)
        growth.append(in_use() - before)
    assert min(growth) / part < 32, growth  # bytes a call: less than the smallest tensor
