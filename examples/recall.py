"""A task that needs memory: say what was shown some steps ago.

Every step shows a symbol at random, and the action is rewarded if it names the symbol of DELAY steps before. What is
seen says nothing of what is right, so a policy without memory gets one in SYMBOLS, and one that remembers gets all.
"""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np

SYMBOLS, DELAY, STEPS = 3, 4, 128


class Recall(gymnasium.Env[np.ndarray, int]):
    """Episodes of STEPS steps; the return is the share of them with the right action, 1 at best."""

    observation_space = gymnasium.spaces.Box(0, 1, (SYMBOLS,))
    action_space = gymnasium.spaces.Discrete(SYMBOLS)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Draw the symbols of an episode."""
        super().reset(seed=seed)
        self._shown = self.np_random.integers(SYMBOLS, size=STEPS + 1)
        self._step = 0
        return self._seen(), {}

    def step(self, action: int) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Reward the action, and show the next symbol."""
        right = self._step >= DELAY and int(action) == self._shown[self._step - DELAY]
        self._step += 1
        return self._seen(), float(right) / (STEPS - DELAY), self._step == STEPS, False, {}

    def _seen(self) -> np.ndarray:
        return np.eye(SYMBOLS, dtype=np.float32)[self._shown[self._step]]
