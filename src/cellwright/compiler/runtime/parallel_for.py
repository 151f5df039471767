"""A compiled entry, run on the threads of the pool."""

from __future__ import annotations

import ctypes

from llvmlite.binding import ExecutionEngine

from cellwright.compiler.runtime.openmp import pool


class Entry:
    """A compiled entry, at its address."""

    def __init__(self, engine: ExecutionEngine, name: str) -> None:
        self._address = engine.get_function_address(name)
        self._alone = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(self._address)

    def run(self, header: int, count: int, threads: int) -> None:
        """Do the `count` items of a header, at its address, on up to `threads` threads; the interpreter is free."""
        workers = pool() if threads > 1 and count > 1 else None
        if workers:
            workers.run(self._address, header, min(threads, count))
        else:
            self._alone(header)
