"""Texts of many clients answered together: a queue, and one thread that owns the model.

worker = Worker(Metrics(), most_waiting=1000)
predict = Work("predict", predictor.predict, most=256)
answers = worker.submit(predict, ["很好用", "退货了"]).result()
worker.close()    # answers what it has accepted

    clients      a  b   c d e   f …
    the thread   [ a ][  b   ][ c d e ][ f …
                      a batch is what has queued while the one before it was computed: nobody waits for company

    clients      L  a     b c     d
    the thread   [ L …][ a ][… L …][ b c ][… L …][ d ][… L ]
                      at each pause of long work the short work that waits goes first, all of it, and then one of
                      what is a good deal shorter: neither waits for the other's end
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from cellwright.pauses import BETWEEN, pause, pausing
from cellwright.serve.metrics import Metrics

SHORT = BETWEEN
"""Tokens that a job, and a batch of such jobs, may read without a pause."""
SHORTER = 4
"""A job lets those go first that are so many times shorter, and all short ones."""


class BusyError(Exception):
    """The queue is full, or the server ends; the message is one sentence for the client."""


class _AbandonedError(Exception):
    """Nobody waits for what is computed."""


@dataclass(frozen=True)
class Work:
    """What the model can be asked.

    name    of it in the metrics
    answer  one answer a text, in their order; where one may be long, with pauses (`cellwright.pauses`)
    most    texts at once
    effort  about how many tokens the model reads for a text
    """

    name: str
    answer: Callable[[Sequence[str]], Iterable[Any]]
    most: int
    effort: Callable[[str], int] = len


class Answers(Future[list[Any]]):
    """The answers to a job; cancelling takes the texts back, or ends their work at its next pause."""

    abandoned = False

    def cancel(self) -> bool:
        """True if the work had not begun."""
        self.abandoned = True
        return super().cancel()


@dataclass(frozen=True, eq=False)
class _Job:
    """A request: texts, about how many tokens are read for them, and where their answers go."""

    work: Work
    texts: Sequence[str]
    effort: int
    answers: Answers = field(default_factory=Answers)


class Worker:
    """One thread that answers jobs in the order of their coming, alike ones together, and shorter ones in between."""

    def __init__(self, metrics: Metrics, *, most_waiting: int) -> None:
        self._metrics = metrics
        self._most_waiting = most_waiting
        self._waiting: list[_Job] = []
        self._paused = 0.0  # seconds that long work has stood still
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="cellwright model", daemon=True)
        self._thread.start()

    def submit(self, work: Work, texts: Sequence[str]) -> Answers:
        """Accept texts. Raises BusyError."""
        job = _Job(work, texts, sum(map(work.effort, texts)))
        with self._changed:
            if self._closed:
                raise BusyError("the server ends; ask again when it has started anew")
            if len(self._waiting) >= self._most_waiting:
                raise BusyError(f"{len(self._waiting):,} requests wait already; ask again in a second")
            self._waiting.append(job)
            self._metrics.waiting.set(len(self._waiting))
            self._changed.notify()
        return job.answers

    def close(self) -> None:
        """Accept no more, answer what was accepted, and return when it is done."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while self._wait():
            self._answer(self._next())

    def _wait(self) -> bool:
        """Wait for a job; False at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            return bool(self._waiting)

    def _next(self, longest: float = math.inf) -> list[_Job]:
        """The first job that is no longer, with those after it that are alike and short together with it; or none."""
        batch: list[_Job] = []
        texts = effort = 0
        with self._changed:
            for job in (each for each in self._waiting if each.effort <= longest):
                texts, effort = texts + len(job.texts), effort + job.effort
                if batch and not (job.work is batch[0].work and texts <= job.work.most and effort <= SHORT):
                    break
                batch.append(job)
            taken = set(batch)
            self._waiting = [each for each in self._waiting if each not in taken]
            self._metrics.waiting.set(len(self._waiting))
        return [job for job in batch if job.answers.set_running_or_notify_cancel()]

    def _answer(self, jobs: list[_Job]) -> None:
        effort = sum(job.effort for job in jobs)
        with pausing((lambda: self._pause(jobs, effort)) if effort > SHORT else None):
            self._answer_together(jobs)

    def _pause(self, jobs: list[_Job], effort: int) -> None:
        """Let short jobs go first, and one that is shorter; give up jobs that nobody waits for."""
        began, paused = time.perf_counter(), self._paused
        with self._changed:
            short = sum(job.effort <= SHORT for job in self._waiting)  # who comes meanwhile waits for the next pause
        while short > 0:
            batch = self._next(SHORT)
            short -= max(len(batch), 1)  # none is left of those that were taken back
            self._answer(batch)
        self._answer(self._next(max(SHORT, effort // SHORTER)))
        self._paused = paused + time.perf_counter() - began
        if all(job.answers.abandoned for job in jobs):
            raise _AbandonedError

    def _answer_together(self, jobs: list[_Job]) -> None:
        if not jobs:
            return
        work, texts = jobs[0].work, [text for job in jobs for text in job.texts]
        began, paused = time.perf_counter(), self._paused
        try:
            answers = [answer for part in _parts(work, texts) for answer in work.answer(part)]
            if len(answers) != len(texts):
                raise RuntimeError(f"{work.name}: {len(answers)} answers to {len(texts)} texts")
        except Exception as error:  # handed to the client's request, which tells it
            self._blame(jobs, error)
            return
        taken = time.perf_counter() - began - (self._paused - paused)
        self._metrics.batch_seconds.labels(work.name).observe(taken)
        self._metrics.batch_texts.labels(work.name).observe(len(texts))
        rest = iter(answers)
        for job in jobs:
            job.answers.set_result([next(rest) for _ in job.texts])

    def _blame(self, jobs: list[_Job], error: Exception) -> None:
        """Give the error to the one job, or answer each by itself: a client does not suffer from another's text."""
        if len(jobs) == 1:
            jobs[0].answers.set_exception(error)
        else:
            for job in jobs:
                self._answer([job])


def _parts(work: Work, texts: Sequence[str]) -> Iterator[list[str]]:
    """The texts, as many at a time as are short together, with a pause before each part."""
    part: list[str] = []
    effort = 0
    for text in texts:
        effort += work.effort(text)
        if part and effort > SHORT:
            pause()
            yield part
            part, effort = [], work.effort(text)
        part.append(text)
    pause()
    yield part
