"""Long work that lets others go first."""

import threading

import pytest
import torch

from cellwright.inspect.capture import capturing
from cellwright.pauses import pause, pausing


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
