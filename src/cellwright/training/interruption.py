"""Reasons to stop before the training is done: Ctrl-C, SIGTERM, no minutes left, or a search that prunes it."""

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Literal, Self

Reason = Literal["interrupted", "minutes", "pruned"]


class Stopped(Exception):
    """Raised between two steps, after the checkpoint is written unless pruned, to leave Lightning's loop."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason: Reason = reason


class Interruption:
    """Turns the first SIGINT or SIGTERM into a request; while entered. A second SIGINT stops at once.

    with Interruption(say) as interruption:
        ... interruption.requested ...
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self.requested = False
        self._say = say
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        # Python delivers signals to the main thread only, and refuses handlers from any other.
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._request) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _request(self, number: int, frame: FrameType | None) -> None:
        if self.requested and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.requested = True
        self._say("stopping after this step; press Ctrl-C again to stop at once")
