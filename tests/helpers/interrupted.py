"""Work that Ctrl-C ends at a chosen moment."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from cellwright.data import cache
from cellwright.tasks.predictor import Predictor


@contextmanager
def ended_at_commit(number: int) -> Iterator[None]:
    """What is prepared within the block is ended when rows are counted on the disk for the so-manieth time."""
    commit, count = cache._OnDisk.commit, 0

    def ended(growing: Any, **given: Any) -> Any:
        nonlocal count
        count += 1
        if count == number:
            raise KeyboardInterrupt
        return commit(growing, **given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cache._OnDisk, "commit", ended)
        with pytest.raises(KeyboardInterrupt):
            yield


@contextmanager
def answers_end_after(predictor: type[Predictor[Any]], calls: int) -> Iterator[None]:
    """Within the block this kind of predictor answers so many calls, and is ended in the next."""
    answer, made = predictor.answered, 0

    def answered(self: Predictor[Any], given: Any, first: int) -> Any:
        nonlocal made
        made += 1
        if made > calls:
            raise KeyboardInterrupt
        return answer(self, given, first)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(predictor, "answered", answered)
        yield
