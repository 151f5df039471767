"""Long work lets others go first: between its parts, wherever that is, it calls `pause()`.

What a pause does, who runs the work decides, for its own thread: the server answers the short requests that wait, and
raises where nobody waits for the long one any more. Without one it does nothing.

with pausing(answer_others):
    record(run, text)
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

BETWEEN = 2048
"""Tokens that work reads between two pauses at most: some 10 ms of a layer of 128 units on one core."""
SLICE, FIRST = 0.01, 256
"""Processor seconds between two pauses, about, however large the model is; and tokens until that is known."""
_CALLED: ContextVar[Callable[[], None] | None] = ContextVar("called at a pause", default=None)


def pause() -> None:
    """Let others go first; raises what they that decide raise, so the work must leave nothing half done."""
    if called := _CALLED.get():
        with pausing(None):  # those that go first have pauses of their own, or none
            called()


@contextmanager
def pausing(called: Callable[[], None] | None) -> Iterator[None]:
    """Call this at each pause of the block's work; None: no pauses."""
    before = _CALLED.set(called)
    try:
        yield
    finally:
        _CALLED.reset(before)


class Pace:
    """Pauses of work whose parts may be larger or smaller: by how long the part before took, each takes some SLICE.

    Where nothing is called at a pause, no part is smaller than it need be: what is computed does not go by the clock.

    pace = Pace(most=2048)
    while rows:
        count = max(1, pace.tokens() // tokens_of_a_row)
        pace.pause(count * tokens_of_a_row)
        read(rows[:count])
        rows = rows[count:]
    """

    def __init__(self, most: int) -> None:
        """Args: most: tokens between two pauses."""
        self._most = most
        self._reading, self._began = 0, 0.0

    def tokens(self) -> int:
        """About how many tokens the next part may read, from 1 on."""
        if _CALLED.get() is None:
            return self._most
        if not self._reading:
            return min(FIRST, self._most)
        taken = max(time.thread_time() - self._began, 1e-6)  # that of another program does not count
        return max(1, min(int(self._reading * SLICE / taken), self._most))

    def pause(self, reading: int) -> None:
        """Pause, before a part that reads so many tokens."""
        pause()
        self._reading, self._began = reading, time.thread_time()
