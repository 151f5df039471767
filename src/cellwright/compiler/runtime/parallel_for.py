"""A compiled entry, run on the threads of the pool."""

from __future__ import annotations

import ctypes
from array import array

from llvmlite.binding import ExecutionEngine

from cellwright.compiler.codegen.arguments import HEADER, Struct, address
from cellwright.compiler.runtime.openmp import pool


class Entry:
    """A compiled entry, at its address; `block` is the layout of its items."""

    def __init__(self, engine: ExecutionEngine, name: str, block: Struct) -> None:
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
