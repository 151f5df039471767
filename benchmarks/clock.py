"""Where the time of nested calls goes: each name is charged what is spent in it and in nothing named within it."""

from __future__ import annotations

import functools
import time
from collections import defaultdict
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class Clock:
    """Seconds of each name.

    step = clock.around("step", step)
    …
    clock.seconds["step"]
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._open: list[str] = []
        self._since = 0.0

    def around(self, name: str, function: Callable[P, R]) -> Callable[P, R]:
        """The function, its time charged to `name`."""

        @functools.wraps(function)
        def timed(*args: P.args, **options: P.kwargs) -> R:
            self._charge()
            self._open.append(name)
            try:
                return function(*args, **options)
            finally:
                self._charge()
                self._open.pop()

        return timed

    def _charge(self) -> None:
        now = time.perf_counter()
        if self._open:
            self.seconds[self._open[-1]] += now - self._since
        self._since = now
