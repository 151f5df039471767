"""Layers in the frameworks of reinforcement learning, a module each; each needs its framework when it is imported.

from cellwright.integrations.sb3 import MlpRecurrentPolicy        # a policy of sb3-contrib's RecurrentPPO
from cellwright.integrations.torchrl import RecurrentModule       # a TensorDictModule, as TorchRL's LSTMModule

Both give a whole rollout to a layer in one call: episodes that end within it are `reset=` (`rollout.py`).
"""
