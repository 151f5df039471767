"""A compiled entry, run on the threads of the pool."""

from __future__ import annotations

import ctypes
from array import array

from llvmlite.binding import ExecutionEngine

from cellwright.compiler.codegen.arguments import HEADER, Struct, address
from cellwright.compiler.runtime.openmp import pool

_COUNT, _TAKEN = HEADER.offset["count"], HEADER.offset["taken"]


class Entry:
    """A compiled entry, at its address; `block` is the layout of its items."""

    def __init__(self, engine: ExecutionEngine, name: str, block: Struct) -> None:
        self._address = engine.get_function_address(name)
        self._alone = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(self._address)
        self._words = len(block.names)

    def header(self, items: array[int]) -> array[int]:
        """What `run_again` takes, for as long as the items are where they are."""
        return HEADER.pack([{"items": address(items), "count": len(items) // self._words, "taken": 0}])

    def run(self, items: array[int], threads: int) -> None:
        """Do the items on up to `threads` threads; the interpreter is free meanwhile."""
        self.run_again(self.header(items), threads)

    def run_again(self, header: array[int], threads: int) -> None:
        """The same of items that have a header, which may have been run before."""
        header[_TAKEN], count = 0, header[_COUNT]
        workers = pool() if threads > 1 and count > 1 else None
        if workers:
            workers.run(self._address, address(header), min(threads, count))
        else:
            self._alone(address(header))
