"""Work on several threads: those of a kernel's team, and Python's own."""

import threading
from collections.abc import Callable
from typing import Any

import torch

from cellwright.backends.kernels import partition


def on_threads(number: int, function: Callable[..., Any], *arguments: Any) -> Any:
    """The function's result where kernels share even the smallest call among that many threads; one thread after it."""
    small, partition.SMALL = partition.SMALL, 0
    torch.set_num_threads(number)
    try:
        return function(*arguments)
    finally:
        torch.set_num_threads(1)
        partition.SMALL = small


def at_once(number: int, work: Callable[[int], None]) -> None:
    """Run work(k) on that many Python threads that start together; raises what one of them raised."""
    start, raised = threading.Barrier(number), []

    def run(k: int) -> None:
        try:
            start.wait()
            work(k)
        except BaseException as error:
            raised.append(error)

    running = [threading.Thread(target=run, args=(k,)) for k in range(number)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    if raised:
        raise raised[0]
