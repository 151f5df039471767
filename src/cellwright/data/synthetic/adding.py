"""The adding problem: the sum of the two numbers that are marked."""

import numpy as np
import torch
from torch import Tensor

VARIANCE = 1 / 6
"""The mean squared error of who always answers 1: the variance of the sum of two numbers uniform on [0, 1]."""


def adding(count: int, steps: int, seed: int) -> tuple[Tensor, Tensor]:
    """Draw sequences of random numbers, one of each half marked, and the sum of the marked two.

    Hochreiter and Schmidhuber 1997, "Long short-term memory", experiment 4; the numbers on [0, 1] and the length fixed
    as in Le, Jaitly and Hinton 2015.

    Args:
        count: B, sequences.
        steps: T, at least 2.
        seed: from 0 on.

    Returns:
        (B, T, 2) float32, a number and its mark 0 or 1, and the sums (B,) float32.

    Raises:
        ValueError: fewer steps than two.

    """
    if steps < 2:
        raise ValueError(f"adding: {steps} steps; expected at least 2, one for each number that is marked")
    random = np.random.default_rng(seed)
    numbers = random.random((count, steps), dtype=np.float32)
    first, second = random.integers(0, steps // 2, count), random.integers(steps // 2, steps, count)
    rows = np.arange(count)
    marks = np.zeros_like(numbers)
    marks[rows, first] = marks[rows, second] = 1
    sums = numbers[rows, first] + numbers[rows, second]
    return torch.from_numpy(np.stack([numbers, marks], axis=-1)), torch.from_numpy(sums)
