"""Functions are timed in turn."""

import pytest

from cellwright.bench import timing
from cellwright.bench.timing import Spread, interleaved


@pytest.fixture
def clock(monkeypatch):
    """A clock that a call moves on, in place of the machine's."""

    class Clock:
        now = worked = 0.0
        spins_until = 0.0  # other threads take processor time until then

        def perf_counter(self):
            return self.now

        def process_time(self):
            return self.worked

        def sleep(self, seconds):
            self.worked += seconds * (self.now < self.spins_until)
            self.now += seconds

    made = Clock()
    monkeypatch.setattr(timing, "time", made)
    return made


def worker(clock, log, name, *seconds):
    remaining = list(seconds)

    def work():
        log.append(name)
        clock.now += remaining.pop(0) if len(remaining) > 1 else remaining[0]

    return work


@pytest.mark.parametrize(("spins", "waits"), [(0.0, timing.PAUSE), (0.06, 0.06), (1e9, timing.LONGEST)])
def test_a_turn_waits_for_threads_that_spin(clock, spins, waits):
    begun = []

    def work():
        begun.append(clock.now)
        clock.now += 1.0

    clock.spins_until = spins
    interleaved({"A": work}, rounds=1, seconds=1e9)
    assert waits <= begun[0] + 1e-9 < waits + 3 * timing.PAUSE


def test_turns_alternate(clock):
    log = []
    found = interleaved({name: worker(clock, log, name, 1.0) for name in "ABC"}, rounds=4, seconds=1e9)
    assert "".join(log) == "ABC" + 4 * "ABC"  # once each to see how long it takes
    assert found["A"] == Spread(1.0, 1.0, 1.0)


def test_short_calls_are_repeated_within_a_turn(clock):
    log = []
    found = interleaved({"A": worker(clock, log, "A", 0.005), "B": worker(clock, log, "B", 1.0)}, 3, 1e9)
    assert "".join(log) == "AB" + 3 * "AAAAAB"  # four calls, after one that is not timed
    assert found["A"].median == pytest.approx(0.005)


def test_no_round_is_begun_late_but_three_are_made(clock):
    log = []
    interleaved({"A": worker(clock, log, "A", 1.0)}, rounds=9, seconds=0.1)
    assert len(log) == 1 + 3
    log.clear()
    interleaved({"A": worker(clock, log, "A", 1.0)}, rounds=9, seconds=4.5)
    assert len(log) == 1 + 5


def test_quartiles(clock):
    found = interleaved({"A": worker(clock, [], "A", 1.0, 5.0, 1.0, 3.0, 2.0, 4.0)}, rounds=5, seconds=1e9)["A"]
    assert (found.low, found.median, found.high) == pytest.approx((2.0, 3.0, 4.0))
    assert Spread.of([7.0]) == Spread(7.0, 7.0, 7.0)


@pytest.mark.parametrize(("average", "said"), [(1.0, None), (2.34, "load average 2.3: others are at work here")])
def test_a_busy_machine_is_told(monkeypatch, average, said):
    monkeypatch.setattr("os.getloadavg", lambda: (average, 9.0, 9.0))
    doubt = timing.others_at_work()
    assert doubt is None if said is None else doubt.startswith(said)
