"""The processes of a run that `torchrun` started: how they meet, agree, and what happens when one is lost.

torch's elastic launcher starts them and starts them anew; here is what `fit` asks of the others.
"""

import functools
import os
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import distributed
from torch.distributed.rendezvous import rendezvous

from cellwright.errors import InputError, ProcessLost
from cellwright.training.meeting import meet

Value = TypeVar("Value")

PATIENCE = timedelta(minutes=5)
"""That a process waits for another within training: a machine that is cut off is not noticed otherwise."""
PREPARING = timedelta(hours=2)
"""The same while data is read, which may take one machine much longer than another."""


def is_first_process() -> bool:
    """Whether this process writes and speaks; `torchrun` numbers the processes in RANK."""
    return os.environ.get("RANK", "0") == "0"


def by_torchrun() -> bool:
    """Whether `torchrun` started this process, alone or with others."""
    return "TORCHELASTIC_RUN_ID" in os.environ


def processes() -> int:
    """How many processes train together."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def join() -> None:
    """Meet the other processes, where there are some: by gloo on CPUs, by NCCL too where there are GPUs."""
    if processes() > 1 and not distributed.is_initialized():
        backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
        shared, rank, count = next(rendezvous("env://", timeout=PATIENCE))
        place = meet(shared, rank, count, PATIENCE)
        distributed.init_process_group(backend, store=place, rank=rank, world_size=count, timeout=PATIENCE)


def gathered(value: Value) -> list[Value]:
    """What each process gives, in their order; anything that pickles."""
    if processes() == 1:
        return [value]
    found: list[Any] = [None] * processes()
    distributed.all_gather_object(found, value, group=_talk())
    return found


def summed(numbers: Sequence[float], device: torch.device | None = None) -> list[float]:
    """The sum over all processes of each number, in float64, the same in every process; device: of the model."""
    return summing(numbers, device)()


def summing(numbers: Sequence[float], device: torch.device | None = None) -> Callable[[], list[float]]:
    """Begin what `summed` does, and return what waits for it: there are other things to do meanwhile."""
    if processes() == 1:
        return lambda: list(numbers)
    sums = torch.tensor(numbers, dtype=torch.float64, device=device)
    work = distributed.all_reduce(sums, async_op=True)

    def wait() -> list[float]:
        work.wait()
        found: list[float] = sums.tolist()
        return found

    return wait


@contextmanager
def together() -> Iterator[None]:
    """Where one process makes out a mistake of the user, all end with its sentence, and none waits for another.

    Raises InputError.
    """
    said: str | None = None
    try:
        yield
    except InputError as error:
        if processes() == 1:
            raise
        said = str(error)
    found = gathered(said and (socket.gethostname(), said))
    mistakes = [(number, *each) for number, each in enumerate(found) if each]
    if not mistakes:
        return
    number, host, sentence = mistakes[0]
    raise InputError(sentence if number == 0 else f"process {number}, on {host}: {sentence}") from None


@contextmanager
def reaching_others(out: Path) -> Iterator[None]:
    """Say in a sentence that another process cannot be reached any more. Raises ProcessLost."""
    try:
        yield
    except RuntimeError as error:
        if not _is_of_others(error):
            raise
        # Without the place in gloo's source, and what it advises.
        why = str(error).strip().splitlines()[0].partition("] ")[2].partition(". This is")[0] or str(error)
        raise ProcessLost(
            f"{out}: another of the {processes()} processes ended or cannot be reached ({why}); expected all of them "
            "until the end: the run goes on from its last checkpoint when torchrun starts them anew, as it does by "
            "itself with --max-restarts, or by the same command with --resume"
        ) from None


def check_alike(data: str, fingerprint: str) -> None:
    """Raise InputError where a process has read other rows than the first."""
    found = gathered((socket.gethostname(), fingerprint))
    for number, (host, other) in enumerate(found):
        if other != found[0][1]:
            raise InputError(
                f"{data}: process {number}, on {host}, reads other rows there than the first one, on {found[0][0]}; "
                "expected the same file on all machines: copy it, or put it where all see it"
            )


def launchers() -> list[str]:
    """The `torchrun`s that started the processes, one a machine; none without.

    They stay the same when they start the processes anew, so that a run can be told to be their own.
    """
    return sorted({each for each in gathered(_launcher()) if each is not None})


def _launcher() -> str | None:
    if not by_torchrun():
        return None
    number = os.getppid()
    try:  # numbers of processes come again, with the time of their start they do not
        began = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:  # no Linux
        began = ""
    return f"{os.environ['TORCHELASTIC_RUN_ID']} {socket.gethostname()} {number} {began}".strip()


@functools.cache
def _talk() -> distributed.ProcessGroup:
    """A group for what takes long to get ready for, and is no tensor on a GPU."""
    group: distributed.ProcessGroup = distributed.new_group(backend="gloo", timeout=PREPARING)
    return group


def _is_of_others(error: RuntimeError) -> bool:
    """Gloo's errors have no class of their own."""
    return isinstance(error, distributed.DistError) or "gloo/" in str(error)
