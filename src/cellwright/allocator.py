"""What becomes of memory that is freed: for a program of its own, not for a library, since it holds for the process.

A training step takes and frees some tens of megabytes. glibc hands large pieces back to the system and asks for them
again, and the first touch of each page is then a fault: 4,000 of them were a fifth of a classifier's step.
"""

import ctypes
import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager

KEPT = 2**28
"""Bytes below which a piece comes from memory that is kept, and up to which free memory at its end is."""
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of malloc.h
_CHOSEN = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES")


def keep_freed_memory() -> bool:
    """Let the process keep up to KEPT bytes that it has freed; return whether it does.

    Not where the user has chosen otherwise by an environment variable of glibc's, nor with another C library.
    """
    if any(name in os.environ for name in _CHOSEN):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # of another library; TypeError on Windows
        return False
    # Both, for one alone ends the rule by which the other grows.
    return all(mallopt(parameter, KEPT) for parameter in (_MMAP_THRESHOLD, _TRIM_THRESHOLD))


@contextmanager
def what_is_there_stays() -> Iterator[None]:
    """Look for dead objects in the block among those alone that were made in it.

    PyTorch and a model are some 200,000 objects: to look at all of them takes 0.1 s, and what answers thousands of
    texts makes Python do it again and again.
    """
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
