"""How work comes to a thread: a function that the pool's threads call, and the call itself."""

from __future__ import annotations

import ctypes
from array import array
from typing import Any

from cellwright.compiler.arguments import HEADER, Block, address
from cellwright.compiler.code import at, element, function, integer, pointer
from cellwright.compiler.threads import pool
from cellwright.compiler.vector import i64


def define_entry(module: Any, work: Any, name: str, block: Block) -> None:
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
    b.call(work, [element(b, items, k, block.bytes)])
    b.branch(head)
    b.position_at_end(done)
    b.ret_void()


class Entry:
    """A compiled entry, at its address; `block` is the layout of its items."""

    def __init__(self, engine: Any, name: str, block: Block) -> None:
        self._address = engine.get_function_address(name)
        self._alone = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(self._address)
        self._words = len(block.names)

    def run(self, items: array[int], threads: int) -> None:
        """Do the items on up to `threads` threads; the interpreter is free meanwhile."""
        count = len(items) // self._words
        header = HEADER.pack([{"items": address(items), "count": count, "taken": 0}])
        workers = pool() if threads > 1 and count > 1 else None
        if workers:
            workers.run(self._address, address(header), min(threads, count))
        else:
            self._alone(address(header))
