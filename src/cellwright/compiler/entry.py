"""How work comes to a thread: a function that the pool's threads call, and the call itself."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellwright.compiler.arguments import HEADER
from cellwright.compiler.code import at, element, function, integer, pointer
from cellwright.compiler.threads import pool
from cellwright.compiler.vector import i64


def define_entry(module: Any, work: Any, name: str, words: int) -> None:
    """Add name(header), which every thread of the pool calls: it does `work` on items that no other has taken.

    OpenMP may give fewer threads than were asked for (OMP_THREAD_LIMIT, OMP_DYNAMIC); those that come do all items.
    """
    made, b = function(module, name, [pointer])
    (header,) = made.args
    items, number = HEADER.address(b, header, "items"), HEADER.number(b, header, "count")
    taken = at(b, header, integer(HEADER.offset["taken"]), i64)
    head, body, done = (b.append_basic_block(part) for part in ("head", "body", "done"))
    b.branch(head)
    b.position_at_end(head)
    k = b.atomic_rmw("add", taken, integer(1), "monotonic")
    b.cbranch(b.icmp_signed("<", k, number), body, done)
    b.position_at_end(body)
    b.call(work, [element(b, items, k, 8 * words)])
    b.branch(head)
    b.position_at_end(done)
    b.ret_void()


class Entry:
    """A compiled entry, at its address."""

    def __init__(self, address: int) -> None:
        self._address = address
        self._alone = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(address)

    def run(self, items: NDArray[np.int64], threads: int) -> None:
        """Do the items (n, words) on up to `threads` threads; the interpreter is free meanwhile."""
        workers = pool() if threads > 1 and len(items) > 1 else None
        header = HEADER.pack([{"items": items.ctypes.data, "count": len(items), "taken": 0}])
        if workers:
            workers.run(self._address, header.ctypes.data, min(threads, len(items)))
        else:
            self._alone(header.ctypes.data)
