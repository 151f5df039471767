"""What a long piece of work is doing, said while it lasts: `reading big.csv (85 MB)`, then how far it is.

    with told(say), stage("tokenising texts", 1_000_000) as done:
        for text in texts:
            ...
            done(1)

A stage speaks when it has lasted for a second, then every five; one that is over sooner says nothing. Its sentences go
to whoever listens: the command line does, a program that calls the library hears none.
"""

import functools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from typing import Any, ParamSpec, TypeVar

FIRST, AGAIN = 1.0, 5.0
"""Seconds until a stage speaks, and between its later sentences."""

Given = ParamSpec("Given")
Returned = TypeVar("Returned")
Say = Callable[[str], None]

_listener: ContextVar[Say | None] = ContextVar("listener", default=None)
_inside: ContextVar[bool] = ContextVar("inside", default=False)


@contextmanager
def told(say: Say) -> Iterator[None]:
    """Let the stages inside speak to `say`, from a thread of their own."""
    token = _listener.set(say)
    try:
        yield
    finally:
        _listener.reset(token)


@contextmanager
def stage(what: str, total: int = 0, *, lasted: float = 0.0) -> Iterator[Callable[[int], None]]:
    """Say `what` is done while it lasts; what is yielded counts how much of it is. A stage inside another is silent.

    lasted: seconds that the user has waited for it before.
    """
    say = _listener.get()
    if say is None or _inside.get():
        yield lambda count: None
        return
    spoken = _Stage(what, total, say, lasted)
    token = _inside.set(True)
    try:
        with spoken:
            yield spoken.count
    finally:
        _inside.reset(token)


def in_turn(what: str, size: int, together: int, work: Callable[[slice], None]) -> None:
    """Work on so many of `size` items after the others, as a stage; of few, what works on them says how far it is."""
    with stage(what, size) if size > together else nullcontext(int) as done:
        for start in range(0, size, together):
            part = slice(start, min(start + together, size))
            work(part)
            done(part.stop - part.start)


def staged(what: Callable[..., str]) -> Callable[[Callable[Given, Returned]], Callable[Given, Returned]]:
    """Make a function a stage; `what` says it of the function's arguments."""

    def decorate(function: Callable[Given, Returned]) -> Callable[Given, Returned]:
        @functools.wraps(function)
        def run(*given: Given.args, **named: Given.kwargs) -> Returned:
            with stage(what(*given, **named) if _listener.get() else ""):
                return function(*given, **named)

        return run

    return decorate


class _Stage:
    """A thread that speaks while the work lasts."""

    def __init__(self, what: str, total: int, say: Say, lasted: float) -> None:
        self._what, self._total, self._say, self._lasted = what, total, say, lasted
        self._done = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._speak, daemon=True)

    def count(self, more: int) -> None:
        """So much more is done."""
        self._done += more

    def __enter__(self) -> None:
        self._began = time.monotonic()
        self._thread.start()

    def __exit__(self, *error: Any) -> None:
        self._failed = error[0] is not None
        self._over.set()
        self._thread.join()

    def _speak(self) -> None:
        if self._over.wait(max(0.0, FIRST - self._lasted)):
            return
        self._say(f"{self._sentence()} …")
        seconds = 0.0
        while not self._over.wait(AGAIN):
            seconds = time.monotonic() - self._began
            self._say(f"{self._sentence()}, {seconds:.0f} s …")
        if seconds and not self._failed:
            self._say(f"{self._what}: done in {time.monotonic() - self._began:.0f} s")

    def _sentence(self) -> str:
        far = f": {self._done:,} of {self._total:,}" if self._total else f": {self._done:,}" if self._done else ""
        return self._what + far
