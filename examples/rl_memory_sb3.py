"""Recurrent PPO of sb3-contrib on a task that needs memory, with a policy of any cell.

    pip install 'cellwright[sb3]'
    python examples/rl_memory_sb3.py          # half a minute
    python examples/rl_memory_sb3.py mgu      # of another cell

The line that is this library's is the policy; all else is sb3-contrib's.
"""

from __future__ import annotations

import sys

import numpy as np
import torch
from sb3_contrib import RecurrentPPO
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.policies import BasePolicy

from cellwright.integrations.sb3 import MlpRecurrentPolicy
from recall import Recall

ENVIRONMENTS, STEPS, UNITS = 8, 128, 64


def model(policy: type[BasePolicy], seed: int, **policy_kwargs: object) -> RecurrentPPO:
    """The learner of this task; of another policy too, which it is compared with."""
    return RecurrentPPO(
        policy,
        make_vec_env(Recall, ENVIRONMENTS, seed=seed),
        n_steps=STEPS,
        batch_size=2 * STEPS,
        n_epochs=5,
        learning_rate=2e-3,
        gamma=0.5,
        seed=seed,
        device="cpu",
        policy_kwargs={"lstm_hidden_size": UNITS, **policy_kwargs},
    )


def main(cell: str = "lstm", steps: int = 50_000) -> float:
    """Train, and return the mean return of twenty further episodes."""
    learner = model(MlpRecurrentPolicy, seed=0, cell=cell)
    for _ in range(10):
        learner.learn(steps // 10, reset_num_timesteps=False)
        recent = np.mean([episode["r"] for episode in learner.ep_info_buffer or ()])
        print(f"{learner.num_timesteps} steps: return {recent:.3f}", flush=True)
    score, _ = evaluate_policy(learner, make_vec_env(Recall, ENVIRONMENTS, seed=1), n_eval_episodes=20)
    print(f"afterwards: return {score:.3f}")
    return float(score)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(*sys.argv[1:2])
