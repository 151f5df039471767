"""Memory that a call is done with, for the next one.

The C library hands blocks of a megabyte back to the system, and takes fresh pages for the next: for the weights of a
layer of 256 units, packed in every call, that took three times as long as to pack them.
"""

from __future__ import annotations

import threading

import torch
from torch import Tensor

MOST = 1 << 25  # bytes that a thread keeps


class Workspace(threading.local):
    """What one thread keeps, the oldest first."""

    def __init__(self) -> None:
        self._kept: list[Tensor] = []

    def take(self, size: int) -> Tensor:
        """So many bytes on the CPU or more, their values whatever they are; to be given back soon."""
        for k, tensor in enumerate(self._kept):
            if tensor.nbytes >= size:
                return self._kept.pop(k)
        if self._kept and size <= MOST:  # too small; what comes in its place is given back in its place
            self._kept.pop()
        return torch.empty(size, dtype=torch.uint8, device="cpu")

    def give(self, room: Tensor) -> None:
        """Keep what nobody else holds, and of what is kept the last MOST bytes; what alone has more is not kept."""
        if room.nbytes > MOST:
            return
        self._kept.append(room)
        held = sum(t.nbytes for t in self._kept)
        while held > MOST:
            held -= self._kept.pop(0).nbytes


workspace = Workspace()
