"""Processes that are started anew find each other, whatever those before them have left in the launcher's store."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from time import sleep

import pytest
from torch.distributed import DistStoreError, HashStore, PrefixStore, Store

from cellwright.training.meeting import meet

PATIENCE = timedelta(seconds=20)


def met(store: Store, delays: list[float]) -> list[PrefixStore]:
    """The place of each process, a thread here, that comes so many seconds late."""

    def come(rank: int) -> PrefixStore:
        sleep(delays[rank])
        return meet(store, rank, len(delays), PATIENCE)

    with ThreadPoolExecutor(len(delays)) as pool:
        return [*pool.map(come, range(len(delays)))]


@pytest.mark.parametrize("delays", [[0.0, 0.1, 0.2], [0.2, 0.1, 0.0], [0.1, 0.0, 0.2]])
def test_the_place_is_one_and_has_nothing_of_those_before(delays: list[float]) -> None:
    store = HashStore()
    before = met(store, [0.0, 0.0, 0.0])
    before[0].set("address", "of a process that is gone")
    assert before[2].get("address") == b"of a process that is gone"
    places = met(store, delays)
    assert not places[1].check(["address"])
    for rank, place in enumerate(places):
        place.set(f"address {rank}", str(rank))
    assert [place.get(f"address {(rank + 1) % 3}") for rank, place in enumerate(places)] == [b"1", b"2", b"0"]


def test_a_process_that_was_killed_before_it_met_the_others_is_not_waited_for() -> None:
    store = HashStore()
    store.set("process 1", "who is gone")
    first, second = met(store, [0.0, 0.1])
    first.set("key", "value")
    assert second.get("key") == b"value"


def test_one_that_does_not_come_is_an_error() -> None:
    store = HashStore()
    store.set("process 1", "who is gone")
    with pytest.raises(DistStoreError, match=r"process 1 has not come within 0:00:00\.2"):
        meet(store, 0, 2, timedelta(seconds=0.2))
