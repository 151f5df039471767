"""Texts of many clients answered together: a queue, and one thread that owns the model.

worker = Worker(Metrics(), most_waiting=1000)
predict = Work("predict", predictor.predict, most=256)
answers = worker.submit(predict, ["很好用", "退货了"]).result()
worker.close()    # answers what it has accepted

    clients      a  b   c d e   f …
    the thread   [ a ][  b   ][ c d e ][ f …
                      a batch is what has queued while the one before it was computed: nobody waits for company
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from cellwright.serve.metrics import Metrics


class BusyError(Exception):
    """The queue is full, or the server ends; the message is one sentence for the client."""


@dataclass(frozen=True)
class Work:
    """What the model can be asked.

    name    of it in the metrics
    answer  one answer a text, in their order
    most    texts at once
    """

    name: str
    answer: Callable[[Sequence[str]], Iterable[Any]]
    most: int


@dataclass(frozen=True)
class _Job:
    """A request: texts, and where their answers go."""

    work: Work
    texts: Sequence[str]
    answers: Future[list[Any]] = field(default_factory=Future)


class Worker:
    """One thread that answers jobs in the order in which they came; neighbours of one kind together."""

    def __init__(self, metrics: Metrics, *, most_waiting: int) -> None:
        self._metrics = metrics
        self._most_waiting = most_waiting
        self._waiting: deque[_Job] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="cellwright model", daemon=True)
        self._thread.start()

    def submit(self, work: Work, texts: Sequence[str]) -> Future[list[Any]]:
        """Accept texts; cancelling the future takes them back while they wait. Raises BusyError."""
        job = _Job(work, texts)
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
        while batch := self._next():
            self._answer([job for job in batch if job.answers.set_running_or_notify_cancel()])

    def _next(self) -> list[_Job]:
        """Wait for jobs and take the first, with as many after it as may be answered with it; empty at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            batch: list[_Job] = []
            texts = 0
            while self._waiting and (not batch or self._fits(self._waiting[0], batch[0].work, texts)):
                batch.append(self._waiting.popleft())
                texts += len(batch[-1].texts)
            self._metrics.waiting.set(len(self._waiting))
        return batch

    def _fits(self, job: _Job, work: Work, texts: int) -> bool:
        return job.work is work and texts + len(job.texts) <= work.most

    def _answer(self, jobs: list[_Job]) -> None:
        if not jobs:
            return
        work, texts = jobs[0].work, [text for job in jobs for text in job.texts]
        began = time.perf_counter()
        try:
            answers = list(work.answer(texts))
            if len(answers) != len(texts):
                raise RuntimeError(f"{work.name}: {len(answers)} answers to {len(texts)} texts")
        except Exception as error:  # handed to the client's request, which tells it
            self._blame(jobs, error)
            return
        self._metrics.batch_seconds.labels(work.name).observe(time.perf_counter() - began)
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
