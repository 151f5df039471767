"""Times of several functions, measured in turn: A B C A B C …, so that a slow minute of the machine is everybody's."""

from __future__ import annotations

import gc
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import quantiles
from typing import Any

TURN = 0.02  # seconds that a turn lasts at least: short calls are repeated within it
PAUSE, LONGEST = 0.005, 0.5  # seconds before a turn, and how many there are at most while threads of other pools spin
LEAST_ROUNDS = 3


@dataclass(frozen=True)
class Spread:
    """Lower quartile, median and upper quartile of some numbers."""

    low: float
    median: float
    high: float

    @classmethod
    def of(cls, numbers: list[float]) -> Spread:
        """The quartiles of at least one number."""
        return cls(*(quantiles(numbers, n=4, method="inclusive") if len(numbers) > 1 else numbers * 3))


def interleaved(
    works: Mapping[str, Callable[[], Any]],
    rounds: int,
    seconds: float,
    turn: float | None = None,
    clock: Callable[[], float] | None = None,
) -> dict[str, Spread]:
    """Seconds a call of each function, over at most `rounds` rounds; none is begun after `seconds`, but three are made.

    Call each once before: what it compiles, allocates or reads for the first time is not measured here.
    turn: seconds that a turn lasts at least (TURN); clock: what tells them, time.perf_counter, or where others are at
    work time.thread_time.
    """
    turn, clock = TURN if turn is None else turn, clock or time.perf_counter
    calls = {name: max(1, math.ceil(turn / _turn(work, 1, clock))) for name, work in works.items()}
    times: dict[str, list[float]] = {name: [] for name in works}
    begin = time.perf_counter()
    with _no_collection():
        for done in range(rounds):
            if done >= LEAST_ROUNDS and time.perf_counter() - begin > seconds:
                break
            for name, work in works.items():
                times[name].append(_turn(work, calls[name], clock))
    return {name: Spread.of(found) for name, found in times.items()}


def _turn(work: Callable[[], Any], calls: int, clock: Callable[[], float]) -> float:
    """Seconds a call."""
    _rest()
    if calls > 1:
        work()  # wakes the threads, and brings the weights back to the caches
    begin = clock()
    for _ in range(calls):
        work()
    return (clock() - begin) / calls


def load() -> float:
    """How many processes wanted to run, over the last minute; 0 where the system does not tell."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0


def others_at_work() -> str | None:
    """The sentence that figures are to be doubted by, where other processes want the machine."""
    now = load()
    return f"load average {now:.1f}: others are at work here, and figures will say little" if now > 1 else None


def _rest() -> None:
    """Pause until this process takes no processor time: ONNX Runtime's threads spin for 60 ms after their work."""
    end = time.perf_counter() + LONGEST
    while time.perf_counter() < end:
        before = time.process_time()
        time.sleep(PAUSE)
        if time.process_time() - before < PAUSE / 4:
            return


@contextmanager
def _no_collection() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
