"""How work comes to a thread: a function that the pool's threads call, and the call itself."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
from llvmlite import ir
from numpy.typing import NDArray

from cellwright.compiler.arguments import HEADER
from cellwright.compiler.code import count, element, function, integer, pointer
from cellwright.compiler.threads import pool
from cellwright.compiler.vector import i64


def define_entry(module: Any, work: Any, name: str, words: int) -> None:
    """Add name(header), which every thread of the pool calls: it does `work` on each item that falls to it."""
    made, b = function(module, name, [pointer])
    (header,) = made.args
    identify = HEADER.address(b, header, "identify")
    with b.if_else(b.icmp_unsigned("!=", b.ptrtoint(identify, i64), integer(0))) as (pool, alone):
        with pool:
            kind = ir.FunctionType(ir.IntType(32), []).as_pointer()
            thread = b.sext(b.call(b.bitcast(identify, kind), []), i64)
            from_pool = b.block
        with alone:
            from_alone = b.block
    start = b.phi(i64)
    start.add_incoming(thread, from_pool)
    start.add_incoming(integer(0), from_alone)
    with count(b, start, HEADER.number(b, header, "count"), HEADER.number(b, header, "threads")) as k:
        b.call(work, [element(b, HEADER.address(b, header, "items"), k, 8 * words)])
    b.ret_void()


class Entry:
    """A compiled entry, at its address."""

    def __init__(self, address: int) -> None:
        self._address = address
        self._alone = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(address)

    def run(self, items: NDArray[np.int64], threads: int) -> None:
        """Do the items (n, words) on up to `threads` threads; the interpreter is free meanwhile."""
        workers = pool() if threads > 1 and len(items) > 1 else None
        used = min(threads, len(items)) if workers else 1
        header = {"items": items.ctypes.data, "count": len(items), "threads": used, "identify": 0}
        if workers:
            header["identify"] = workers.identify
        block = HEADER.pack([header])  # has a name so that it lives until the call returns
        if workers is None:
            self._alone(block.ctypes.data)
        else:
            workers.run(self._address, block.ctypes.data, used)
