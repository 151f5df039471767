"""Long work lets others go first: between its parts, wherever that is, it calls `pause()`.

What a pause does, who runs the work decides, for its own thread: the server answers the short requests that wait, and
raises where nobody waits for the long one any more. Without one it does nothing.

with pausing(answer_others):
    record(run, text)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

BETWEEN = 2048
"""Tokens that work reads between two pauses: some 10 ms of a layer of 128 units on one core."""
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
