"""Proximal policy optimisation in TorchRL on a task that needs memory, with a recurrent module of any cell.

    pip install 'cellwright[torchrl]'
    python examples/rl_memory_torchrl.py          # about a minute
    python examples/rl_memory_torchrl.py mgu      # of another cell

The lines that are this library's are those with `RecurrentModule`; all else is TorchRL's.
"""

from __future__ import annotations

import sys

import torch
from tensordict import TensorDict
from tensordict.nn import InteractionType, TensorDictModule, TensorDictSequential
from torch import nn
from torch.distributions import Categorical
from torchrl.envs import GymWrapper, InitTracker, SerialEnv, TransformedEnv
from torchrl.modules import ProbabilisticActor, set_recurrent_mode
from torchrl.objectives import ClipPPOLoss
from torchrl.objectives.value import GAE

import cellwright
from cellwright.integrations.torchrl import RecurrentModule
from recall import STEPS, SYMBOLS, Recall

ENVIRONMENTS, EPOCHS, MINIBATCH = 8, 5, 2
UNITS, RATE, GAMMA, LAMBDA = 64, 5e-3, 0.5, 0.95


def main(cell: str = "gru", rounds: int = 50, seed: int = 0) -> list[float]:
    """Train, and return the mean return of each round's episodes."""
    torch.manual_seed(seed)
    layer = cellwright.Recurrent(cell, SYMBOLS, UNITS, batch_first=True)
    memory = RecurrentModule(layer, in_key="observation", out_key="features")
    head = TensorDictModule(nn.Linear(UNITS, SYMBOLS), in_keys=["features"], out_keys=["logits"])
    value = TensorDictModule(nn.Linear(UNITS, 1), in_keys=["features"], out_keys=["state_value"])
    actor = ProbabilisticActor(
        TensorDictSequential(memory, head),
        in_keys=["logits"],
        distribution_class=Categorical,
        return_log_prob=True,
        default_interaction_type=InteractionType.RANDOM,
    )
    critic = TensorDictSequential(memory, value)

    env = TransformedEnv(SerialEnv(ENVIRONMENTS, lambda: GymWrapper(Recall(), categorical_action_encoding=True)))
    env.append_transform(InitTracker())
    env.append_transform(memory.make_tensordict_primer())
    env.set_seed(seed)

    advantage = GAE(gamma=GAMMA, lmbda=LAMBDA, value_network=critic)
    loss = ClipPPOLoss(actor, critic, entropy_coeff=0.0, normalize_advantage=True)
    optimizer = torch.optim.Adam(loss.parameters(), lr=RATE)
    returns = []
    for number in range(rounds):
        with torch.no_grad():
            rollouts = env.rollout(STEPS, actor, break_when_any_done=False)  # (environments, steps)
            advantage(rollouts)
        returns.append(rollouts["next", "reward"].sum(1).mean().item())
        for _ in range(EPOCHS):
            for part in torch.randperm(ENVIRONMENTS).split(MINIBATCH):
                with set_recurrent_mode(True):  # each row in one call, from the state it began with
                    losses: TensorDict = loss(rollouts[part])
                optimizer.zero_grad()
                (losses["loss_objective"] + losses["loss_critic"]).backward()
                nn.utils.clip_grad_norm_(loss.parameters(), 0.5)
                optimizer.step()
        if number % 5 == 4:
            print(f"{(number + 1) * ENVIRONMENTS * STEPS} steps: return {returns[-1]:.3f}", flush=True)
    return returns


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(*sys.argv[1:2])
