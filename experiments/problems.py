"""Four problems made for long dependencies, as batches without end, and the skill of a model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from cellwright.data import synthetic
from cellwright.data.synthetic.adding import VARIANCE
from cellwright.data.synthetic.agreement import WORDS
from learning import CELLS, Batch, Reader, accuracy, mean_loss, train

ROWS, STEPS = 32, 1500
FAR = [0, 10, 20, 30, 40, 50, 60]
TEST = 10**6  # the seed of test batches; training draws from 0 on


@dataclass(frozen=True)
class Problem:
    """One of the four.

    draw       (distance, seed) -> a batch; the distance None: mixed
    guess      the accuracy, or of numbers the squared error, of the best answer without memory
    distances  those that are tested
    mixed      one model for all distances rather than one for each
    """

    draw: Callable[[int | None, int], Batch]
    inputs: int
    outputs: int
    guess: float
    distances: list[int]
    tokens: bool = True
    every_step: bool = False
    mixed: bool = False


def _reber(distance: int | None, seed: int) -> Batch:
    strings = synthetic.embedded_reber(ROWS, distance or 5, seed)
    return Batch(strings[:, :-1], strings[:, 1:])


def _agreement(distance: int | None, seed: int) -> Batch:
    random = torch.Generator().manual_seed(seed)
    mixed = torch.randint(0, FAR[-1] + 1, (ROWS,), generator=random).tolist()
    tokens, lengths, numbers = synthetic.agreement(mixed if distance is None else [distance] * ROWS, seed)
    return Batch(tokens, numbers, lengths)


PROBLEMS = {
    "adding": Problem(
        lambda d, s: Batch(*synthetic.adding(ROWS, d or 2, s)), 2, 1, VARIANCE, [10, 30, 60], tokens=False
    ),
    "temporal order": Problem(
        lambda d, s: Batch(*synthetic.temporal_order(ROWS, d or 10, s)), 8, 4, 1 / 4, [10, 30, 60]
    ),
    "embedded Reber": Problem(_reber, 7, 7, 1 / 2, [10, 30, 60], every_step=True),
    "agreement": Problem(_agreement, len(WORDS), 2, 1 / 2, FAR, mixed=True),
}


def skill(problem: Problem, model: Reader, distance: int) -> float:
    """1 for one that is always right, 0 for one without memory."""
    batches = [problem.draw(distance, TEST + k) for k in range(8)]
    if not problem.tokens:
        return 1 - mean_loss(model, batches) / problem.guess
    if problem.every_step:
        batches = [_deciding(batch) for batch in batches]
    return (accuracy(model, batches) - problem.guess) / (1 - problem.guess)


def _deciding(batch: Batch) -> Batch:
    """Of Reber strings, only the symbol judged that repeats the second."""
    target = torch.full_like(batch.target, -100)
    target[:, -2] = batch.target[:, -2]
    return batch._replace(target=target)


def learn(problem: Problem, cell: str, distance: int | None, seed: int, steps: int) -> tuple[Reader, int]:
    """A model trained until it is nearly always right on what it is tested on, or for so many steps; and those."""
    torch.manual_seed(seed)
    sizes = {"tokens": problem.tokens, "every_step": problem.every_step, "hidden": 24}
    model = Reader(problem.inputs, problem.outputs, **sizes, **CELLS[cell])
    asked = problem.distances if distance is None else [distance]
    batches = (problem.draw(distance, TEST * seed // 10 + k) for k in range(steps))
    taken, _ = train(
        model, batches, learning_rate=0.01, solved=lambda: min(skill(problem, model, d) for d in asked) > 0.98
    )
    return model, taken
