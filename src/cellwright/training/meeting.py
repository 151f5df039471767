"""Where the processes of a run meet: a part of the launcher's store that no process before them has written to.

`torchrun` keeps one store for all processes that it starts, and torch writes under the same keys after each new start
(torch 2.13.0; pytorch/pytorch#135712). A process that reads the address of another before the other has written it
finds that of the process that was killed: the connection is refused, or both wait. So they first agree on a name that
was never in the store, and all their keys begin with it:

    process 0, named a                                process 1, named b
                                                      1: "b"          I am b
    reads b at 1, maybe an older name at first
    b: "a"             the place is a                 reads a at b
    reads 1 again until it finds                      a 1: ""         I know it
"""

import time
from datetime import timedelta
from uuid import uuid4

from torch.distributed import DistStoreError
from torch.distributed.distributed_c10d import PrefixStore, Store

BETWEEN = 0.01
"""Seconds between two looks of the first process."""


def meet(store: Store, rank: int, count: int, patience: timedelta) -> PrefixStore:
    """The part of the store that the `count` processes have for themselves; each calls this with its rank.

    Raises DistStoreError where one is missing for longer than `patience`.
    """
    name = uuid4().hex
    store.set_timeout(patience)
    if rank == 0:
        for other in range(1, count):
            _tell(store, other, name, patience)
        return PrefixStore(name, store)
    store.set(f"process {rank}", name)
    place = store.get(name).decode()
    store.set(f"{place} {rank}", "")
    return PrefixStore(place, store)


def _tell(store: Store, other: int, place: str, patience: timedelta) -> None:
    """Tell another process the place until it says that it knows."""
    end = time.monotonic() + patience.total_seconds()
    while not store.check([f"{place} {other}"]):
        if time.monotonic() > end:
            raise DistStoreError(f"process {other} has not come within {patience}; expected it to meet process 0")
        store.set(store.get(f"process {other}").decode(), place)
        time.sleep(BETWEEN)
