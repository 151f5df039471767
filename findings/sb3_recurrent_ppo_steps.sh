#!/bin/sh
# sb3-contrib 2.9.2: RecurrentPPO trains step by step as soon as an episode begins in a minibatch, although it need not.
#
# Its policy runs the LSTM in one call where no state has to be reset within a sequence, and else once a step. The
# sequences of a minibatch are cut at every beginning of an episode, so that none is reset but before its first step,
# where it is enough to set the state that it is given to zero: so one expects one call a minibatch. Computed is a call
# for each step of the longest sequence wherever a sequence begins with its episode, and one call only where none does.
# Seen, and expected here, non-zero exit otherwise:
#   episodes of 8 steps, minibatches of 16    : calls of the actor's LSTM 8 8 8 8
#   beginnings after a sequence's first step  : 0
#   one call, those states set to zero before : values and log probabilities differ by less than 1e-5
#   minibatches of 16, no episode begins      : calls of the actor's LSTM 1 1 1 1
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6 gymnasium==1.4.0 \
    stable-baselines3==2.9.2 sb3-contrib==2.9.2
cat > "$folder/calls.py" <<'PYTHON'
import gymnasium
import numpy as np
import torch
from sb3_contrib import RecurrentPPO
from sb3_contrib.common.recurrent.policies import RecurrentActorCriticPolicy
from sb3_contrib.common.recurrent.type_aliases import RNNStates


class Noise(gymnasium.Env):
    """Observations at random, in episodes of a given number of steps."""

    observation_space = gymnasium.spaces.Box(-1, 1, (3,), np.float32)
    action_space = gymnasium.spaces.Discrete(2)

    def __init__(self, steps: int) -> None:
        self.steps, self.done = steps, 0

    def observation(self) -> np.ndarray:
        return self.np_random.uniform(-1, 1, 3).astype(np.float32)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.done = 0
        return self.observation(), {}

    def step(self, action):
        self.done += 1
        return self.observation(), float(action), self.done == self.steps, False, {}


class Watched(RecurrentActorCriticPolicy):
    """The policy as it is, with a list of what each minibatch took."""

    def counted(self, *minibatch):
        calls = []
        hook = self.lstm_actor.register_forward_hook(lambda *_: calls.append(1))
        found = super().evaluate_actions(*minibatch)
        hook.remove()
        return found, len(calls)

    def evaluate_actions(self, obs, actions, lstm_states, episode_starts):
        found, calls = self.counted(obs, actions, lstm_states, episode_starts)
        starts = episode_starts.reshape(lstm_states.pi[0].shape[1], -1)
        kept = 1 - starts[:, :1]
        states = RNNStates(*(tuple(kept * each for each in pair) for pair in lstm_states))
        with torch.no_grad():
            again, once = self.counted(obs, actions, states, torch.zeros_like(episode_starts))
        assert once == 1, "one call where no episode begins in 2.9.2"
        difference = max((ours - theirs).abs().max().item() for ours, theirs in zip(again[:2], found[:2]))
        SEEN.append((calls, int(starts[:, 1:].sum()), difference))
        return found


def minibatches(episode: int, rollouts: int) -> list[tuple[int, int, float]]:
    """Of the last of so many rollouts of 64 steps: calls, later beginnings, and how far one call is from them."""
    SEEN.clear()
    options = {"n_steps": 64, "batch_size": 16, "n_epochs": 1, "seed": 0, "device": "cpu"}
    RecurrentPPO(Watched, Noise(episode), policy_kwargs={"lstm_hidden_size": 16}, **options).learn(64 * rollouts)
    return SEEN[-4:]


SEEN = []
seen = minibatches(episode=8, rollouts=1)
calls, later, differences = zip(*seen)
print("episodes of 8 steps, minibatches of 16    : calls of the actor's LSTM", *calls)
print("beginnings after a sequence's first step  :", sum(later))
worst = "less than 1e-5" if max(differences) < 1e-5 else f"{max(differences):.2g}"
print("one call, those states set to zero before : values and log probabilities differ by", worst)
assert calls == (8, 8, 8, 8) and sum(later) == 0 and max(differences) < 1e-5, "a call a step in 2.9.2"
calls = [each[0] for each in minibatches(episode=1000, rollouts=2)]
print("minibatches of 16, no episode begins      : calls of the actor's LSTM", *calls)
assert calls == [1, 1, 1, 1], "one call where no episode begins in 2.9.2"
PYTHON
"$folder/venv/bin/python" "$folder/calls.py"
