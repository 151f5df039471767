"""Memory that a call is done with, for the next one.

The C library hands blocks of a megabyte back to the system, and takes fresh pages for the next: for the weights of a
layer of 256 units, packed in every call, that took three times as long as to pack them.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable

import torch
from torch import Tensor

MOST = 1 << 25  # bytes that a thread keeps


class Workspace(threading.local):
    """What one thread keeps, the oldest first."""

    def __init__(self) -> None:
        self._kept: list[Tensor] = []

    def take(self, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        """A tensor on the CPU, its values whatever they are."""
        for k, tensor in enumerate(self._kept):
            if tensor.shape == shape and tensor.dtype == dtype:
                return self._kept.pop(k)
        return torch.empty(shape, dtype=dtype, device="cpu")

    def give(self, tensors: Iterable[Tensor]) -> None:
        """Keep what nobody else holds, and of what is kept as much as there is room for."""
        self._kept += tensors
        room = sum(t.nbytes for t in self._kept)
        while room > MOST:
            room -= self._kept.pop(0).nbytes


workspace = Workspace()
