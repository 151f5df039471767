"""Temporal order: which of two symbols came first, long ago, among others that say nothing."""

import numpy as np
import torch
from torch import Tensor

SYMBOLS = "EBabcdXY"
"""Begin, end, four that say nothing, and the two that decide; a token is a place in this list."""
CLASSES = ("XX", "XY", "YX", "YY")


def temporal_order(count: int, steps: int, seed: int) -> tuple[Tensor, Tensor]:
    """Draw sequences with X or Y at two places, and which of the four orders it is.

    Hochreiter and Schmidhuber 1997, "Long short-term memory", experiment 6a, where T is about 100: the first place is
    from T / 10 to T / 5, the second from T / 2 to 3 T / 5.

    Args:
        count: B, sequences.
        steps: T, at least 10.
        seed: from 0 on.

    Returns:
        Tokens (B, T) int64, and the place in `CLASSES` (B,) int64.

    Raises:
        ValueError: fewer steps than ten.

    """
    if steps < 10:
        raise ValueError(f"temporal_order: {steps} steps; expected at least 10, or the two places may coincide")
    random = np.random.default_rng(seed)
    tokens = random.integers(SYMBOLS.index("a"), SYMBOLS.index("X"), (count, steps))
    tokens[:, 0], tokens[:, -1] = SYMBOLS.index("E"), SYMBOLS.index("B")
    which = random.integers(0, 2, (2, count))  # 0 is X
    rows = np.arange(count)
    tokens[rows, random.integers(steps // 10, steps // 5 + 1, count)] = SYMBOLS.index("X") + which[0]
    tokens[rows, random.integers(steps // 2, 3 * steps // 5 + 1, count)] = SYMBOLS.index("X") + which[1]
    return torch.from_numpy(tokens), torch.from_numpy(2 * which[0] + which[1])
