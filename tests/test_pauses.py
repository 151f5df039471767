"""Long work that lets others go first."""

import threading

import pytest
import torch

from cellwright import pauses
from cellwright.inspect.capture import capturing
from cellwright.pauses import BETWEEN, FIRST, SLICE, Pace, pause, pausing


def test_a_pause_calls_what_was_asked_for_inside_the_block_only():
    called = []
    pause()
    with pausing(lambda: called.append("outer")):
        pause()
        with pausing(lambda: called.append("inner")):
            pause()
        pause()
    pause()
    assert called == ["outer", "inner", "outer"]


def test_who_goes_first_has_no_pauses_but_its_own():
    called = []

    def other():
        called.append("other")
        pause()

    with pausing(other):
        pause()
        pause()
    assert called == ["other", "other"]


def test_another_thread_has_pauses_of_its_own():
    called = []
    with pausing(lambda: called.append("here")):
        thread = threading.Thread(target=pause)
        thread.start()
        thread.join()
    assert called == []


def test_no_pause_while_layers_are_listened_to():
    """What goes first would be heard as this text's gates."""
    called = []
    with pausing(lambda: called.append("here")), capturing([torch.nn.Identity()]):
        pause()
    assert called == []


def test_what_a_pause_raises_ends_the_work():
    def give_up():
        raise LookupError

    with pytest.raises(LookupError), pausing(give_up):
        pause()
    pause()


def parts_of(monkeypatch, *, tokens_a_second, count):
    """How many tokens each of so many parts reads, one after the other, on a clock of its own."""
    clock, parts, pace = [0.0], [], Pace(BETWEEN)
    monkeypatch.setattr(pauses.time, "thread_time", lambda: clock[0])
    for _ in range(count):
        parts.append(pace.tokens())
        pace.pause(parts[-1])
        clock[0] += parts[-1] / tokens_a_second
    return parts


@pytest.mark.parametrize(("speed", "settled"), [(1e4, 1e4 * SLICE), (1e5, 1e5 * SLICE), (1e7, BETWEEN), (1.0, 1)])
def test_a_part_takes_a_slice_of_time_however_fast_the_model_is(monkeypatch, speed, settled):
    with pausing(lambda: None):
        first, *rest = parts_of(monkeypatch, tokens_a_second=speed, count=4)
    assert first == FIRST
    assert rest == pytest.approx([settled] * 3, abs=2)  # each is rounded down


def test_where_nobody_is_let_go_first_parts_do_not_go_by_the_clock(monkeypatch):
    assert parts_of(monkeypatch, tokens_a_second=1e3, count=3) == [BETWEEN] * 3


def test_what_goes_first_at_a_pause_is_not_taken_for_the_part():
    clock_of_others = []
    with pausing(lambda: clock_of_others.append(sum(range(300_000)))):
        pace = Pace(BETWEEN)
        pace.pause(BETWEEN)
        assert pace.tokens() == BETWEEN
    assert clock_of_others
