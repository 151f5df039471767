"""Reinforcement learning: training updates and learning curves beside sb3-contrib's and TorchRL's own modules.

python benchmarks/reinforcement.py                 the updates
python benchmarks/reinforcement.py --seeds 5       learning curves too: a few minutes a seed

An update of RecurrentPPO is all that `train` does with a rollout: minibatches, heads and optimizer included. One of
TorchRL is a module over rollouts in recurrent mode and back. Times are processor time of one thread, in turn; numbers
are compared before. The task that is learned is that of the examples (`examples/recall.py`); both policies begin from
the same weights, and draw the same numbers as long as roundings let them.

Needs the extra `rl`; prints Markdown, as docs/reinforcement-learning.md has it.
"""

from __future__ import annotations

import argparse
import copy
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from cellwright.bench.timing import Spread, interleaved, others_at_work
from child_process import ask, asked

sys.path.insert(0, str(Path(__file__).parents[1] / "examples"))

UNITS = (64, 256)
ENVIRONMENTS, STEPS = 8, 128
MINIBATCHES = (128, 512)
ROLLOUTS = ((16, 128, 20), (16, 128, 100), (8, 512, 200))  # rows, steps, mean length of an episode
ROUNDS, SECONDS = 7, 30.0
CURVE, EVERY = 30_720, 5_120


# --- sb3-contrib ---------------------------------------------------------------------------------------
def policies() -> dict[str, Any]:
    """The original and ours."""
    from sb3_contrib.ppo_recurrent import MlpLstmPolicy

    from cellwright.integrations.sb3 import MlpRecurrentPolicy

    return {"theirs": MlpLstmPolicy, "ours": MlpRecurrentPolicy}


def cart() -> Any:
    """CartPole without its velocities; untrained, an episode lasts some twenty steps."""
    import gymnasium
    from gymnasium.wrappers import TransformObservation

    seen = gymnasium.spaces.Box(-10, 10, (2,))
    return TransformObservation(gymnasium.make("CartPole-v1"), lambda whole: whole[::2], seen)


def learner(policy: Any, environment: Callable[[], Any], units: int, minibatch: int) -> Any:
    """RecurrentPPO with a rollout in its buffer."""
    from sb3_contrib import RecurrentPPO
    from stable_baselines3.common.env_util import make_vec_env

    model = RecurrentPPO(
        policy,
        make_vec_env(environment, ENVIRONMENTS, seed=0),
        n_steps=STEPS,
        batch_size=minibatch,
        n_epochs=1,
        seed=0,
        device="cpu",
        policy_kwargs={"lstm_hidden_size": units},
    )
    return model.learn(ENVIRONMENTS * STEPS)


def update_of_ppo(environment: Callable[[], Any], units: int, minibatch: int) -> tuple[float, dict[str, Spread]]:
    """How far values and log probabilities of a minibatch are apart, and seconds an update."""
    models = {name: learner(policy, environment, units, minibatch) for name, policy in policies().items()}
    batch = next(models["theirs"].rollout_buffer.get(minibatch))
    models["ours"].policy.load_state_dict(models["theirs"].policy.state_dict())
    given = (batch.observations, batch.actions.flatten(), batch.lstm_states, batch.episode_starts)
    said = [torch.cat([part.flatten() for part in model.policy.evaluate_actions(*given)]) for model in models.values()]
    times = interleaved({name: model.train for name, model in models.items()}, ROUNDS, SECONDS, clock=time.process_time)
    return float((said[0] - said[1]).detach().abs().max()), times


def rows_of_ppo() -> list[str]:
    """The table of RecurrentPPO's updates, a line a row."""
    from recall import Recall

    lines = ["| RecurrentPPO, H | episodes of | minibatch | differ by | theirs, ms | ours, ms | times |"]
    lines += ["| ---: | ---: | ---: | ---: | ---: | ---: | ---: |"]
    for units in UNITS:
        for length, environment in (("128 steps", Recall), ("some 20", cart)):
            for minibatch in MINIBATCHES:
                apart, times = update_of_ppo(environment, units, minibatch)
                lines.append(f"| {units} | {length} | {minibatch} | {apart:.0e} | {_times(times, 'theirs')} |")
    return lines


# --- TorchRL -------------------------------------------------------------------------------------------
def update_of_torchrl(kind: str, units: int, rollouts: tuple[int, int, int]) -> tuple[float, dict[str, Spread]]:
    """How far outputs and gradients are apart, and seconds there and back: by both backends of TorchRL's, and ours."""
    from tensordict import TensorDict
    from torchrl.modules import GRUModule, LSTMModule, set_recurrent_mode

    from cellwright.integrations.torchrl import convert

    torch.manual_seed(0)
    make, names = {
        "LSTM": (LSTMModule, ["recurrent_state_h", "recurrent_state_c"]),
        "GRU": (GRUModule, ["recurrent_state"]),
    }[kind]
    rows, steps, length = rollouts
    data = TensorDict({"seen": torch.randn(rows, steps, 8)}, [rows, steps])
    data["is_init"] = torch.rand(rows, steps, 1) < 1 / length
    data.update({name: torch.zeros(rows, steps, 1, units) for name in names})
    modules = {"pad": make(8, units, in_key="seen", out_key="features")}
    modules["scan"] = copy.deepcopy(modules["pad"])
    modules["scan"].recurrent_backend = "scan"
    modules["ours"] = convert(copy.deepcopy(modules["pad"]))

    def update(name: str) -> Sequence[torch.Tensor]:
        with set_recurrent_mode(True):
            features = modules[name](data.copy())["features"]
        return features.detach(), *torch.autograd.grad(features.square().mean(), [*modules[name].parameters()])

    said = {name: update(name) for name in modules}
    apart = [
        float((a - b).abs().max()) for way in ("pad", "scan") for a, b in zip(said[way], said["ours"], strict=True)
    ]
    works = {name: (lambda name=name: update(name)) for name in modules}
    return max(apart), interleaved(works, ROUNDS, SECONDS, clock=time.process_time)


def rows_of_torchrl() -> list[str]:
    """The table of TorchRL's modules, a line a row."""
    lines = ["| TorchRL | H | rollouts | episodes of | differ by | pad, ms | ours, ms | times | scan, ms | times |"]
    lines += ["| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"]
    for kind in ("LSTM", "GRU"):
        for units in UNITS:
            for rows, steps, length in ROLLOUTS:
                apart, times = update_of_torchrl(kind, units, (rows, steps, length))
                scan = times["scan"].median
                lines.append(
                    f"| {kind} | {units} | {rows} × {steps} | {length} | {apart:.0e} | {_times(times, 'pad')} "
                    f"| {1e3 * scan:.0f} | {scan / times['ours'].median:.1f} |"
                )
    return lines


def _times(times: dict[str, Spread], theirs: str) -> str:
    one, other = times[theirs].median, times["ours"].median
    return f"{1e3 * one:.0f} | {1e3 * other:.1f} | {one / other:.1f}"


# --- learning curves -----------------------------------------------------------------------------------
def curve(name: str, seed: int) -> dict[str, Any]:
    """The mean return of the last hundred episodes, every EVERY steps, and the seconds of all."""
    from rl_memory_sb3 import model

    learner, returns, begin = model(policies()[name], seed), [], time.process_time()
    while learner.num_timesteps < CURVE:
        learner.learn(EVERY, reset_num_timesteps=False)
        recent = [episode["r"] for episode in learner.ep_info_buffer]
        returns.append(sum(recent) / len(recent))
    return {"returns": returns, "seconds": time.process_time() - begin}


def rows_of_curves(seeds: int) -> list[str]:
    """The table of returns, the median of the seeds and the least and most of them."""
    found = {name: [ask(Path(__file__), name, seed) for seed in range(seeds)] for name in ("theirs", "ours")}
    lines = [f"| steps | MlpLstmPolicy, {seeds} seeds | MlpRecurrentPolicy |", "| ---: | ---: | ---: |"]
    for k in range(CURVE // EVERY):
        cells = []
        for runs in found.values():
            returns = sorted(run["returns"][k] for run in runs)
            cells.append(f"{returns[len(returns) // 2]:.3f} ({returns[0]:.3f} … {returns[-1]:.3f})")
        lines.append(f"| {(k + 1) * EVERY} | {' | '.join(cells)} |")
    seconds = [sorted(run["seconds"] for run in runs)[seeds // 2] for runs in found.values()]
    return [*lines, f"| seconds of processor time, collection included | {seconds[0]:.0f} | {seconds[1]:.0f} |"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=0, help="learning curves of so many seeds")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    if (warning := others_at_work()) is not None:
        print(warning, file=sys.stderr)
    print("\n".join([*rows_of_ppo(), "", *rows_of_torchrl()]), flush=True)
    if options.seeds:
        print("\n".join(["", *rows_of_curves(options.seeds)]))


if __name__ == "__main__":
    if (given := asked()) is None:
        main()
    else:
        import json

        torch.set_num_threads(1)
        print(json.dumps(curve(*given)))
