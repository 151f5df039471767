"""Policies of sb3-contrib's RecurrentPPO that give a rollout to a layer in one call, of any cell.

    from cellwright.integrations.sb3 import MlpRecurrentPolicy

    model = RecurrentPPO(MlpRecurrentPolicy, env)                                     # for "MlpLstmPolicy"
    model = RecurrentPPO(MlpRecurrentPolicy, env, policy_kwargs={"cell": "gru"})

The original calls its LSTM once a step wherever an episode begins, which in training is always.
"""

from __future__ import annotations

from typing import Any, ClassVar

from torch import Tensor, nn, optim

from cellwright import cells
from cellwright.cells import CELLS, Definition
from cellwright.integrations.rollout import check_layer, run
from cellwright.nn import Recurrent

try:
    from gymnasium import Space
    from sb3_contrib.common.recurrent.policies import RecurrentActorCriticPolicy
    from stable_baselines3.common.torch_layers import (
        BaseFeaturesExtractor,
        CombinedExtractor,
        FlattenExtractor,
        NatureCNN,
    )
    from stable_baselines3.common.type_aliases import Schedule
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        f"cellwright.integrations.sb3 needs {error.name}; pip install 'cellwright[sb3]'", name=error.name
    ) from error

__all__ = ["CnnRecurrentPolicy", "MlpRecurrentPolicy", "MultiInputRecurrentPolicy"]

KEPT = 2
"""The states of a layer that RecurrentPPO carries and stores: an LSTM's."""
_OF_TORCH = ("bias", "dropout")  # options of a layer that torch.nn.LSTM has too
_SHAPING = ("batch_first", "bidirectional", "proj_size", "state_batch_first", "device")


class MlpRecurrentPolicy(RecurrentActorCriticPolicy):  # type: ignore[misc]  # untyped
    """sb3-contrib's MlpLstmPolicy for any cell, a rollout in one call.

    With the cell lstm it is the original: the same weights from the same seed, the same state_dict, and the same
    numbers up to rounding. Its arguments are the original's, by the same names whatever the cell.

    Args:
        observation_space: Of the environment.
        action_space: Of the environment.
        lr_schedule: Step size by the share of training that is left.
        net_arch: Layers after the recurrent ones, of policy and value.
        activation_fn: Between these.
        ortho_init: Whether these begin orthogonal.
        use_sde: Whether to explore by state.
        log_std_init: Logarithm of the standard deviation of actions at the start.
        full_std: Whether gSDE's deviation is one a feature and action.
        use_expln: Whether gSDE's deviation is by expln.
        squash_output: Whether gSDE's actions go through tanh.
        features_extractor_class: What makes features of observations; None is the policy's own.
        features_extractor_kwargs: Its arguments.
        share_features_extractor: Whether policy and value share it.
        normalize_images: Whether pixels are divided by 255.
        optimizer_class: Of all parameters.
        optimizer_kwargs: Its arguments but the step size.
        lstm_hidden_size: H, the units of each recurrent layer.
        n_lstm_layers: L, the recurrent layers.
        shared_lstm: Whether the value reads the policy's recurrent layers, without a gradient.
        enable_critic_lstm: Whether the value has recurrent layers of its own.
        lstm_kwargs: Options of `cellwright.Recurrent`, such as bias, dropout, learn_initial_state.
        cell: The cell's name, or a definition made with `cellwright.cell`; one or two states a layer.

    Raises:
        InputError: There is no cell of that name.
        ValueError: The cell has more than two states or reads more than its input, or lstm_kwargs changes the shape of
            output or state.

    """

    own_extractor: ClassVar[type[BaseFeaturesExtractor]] = FlattenExtractor

    def __init__(
        self,
        observation_space: Space[Any],
        action_space: Space[Any],
        lr_schedule: Schedule,
        net_arch: list[int] | dict[str, list[int]] | None = None,
        activation_fn: type[nn.Module] = nn.Tanh,
        ortho_init: bool = True,
        use_sde: bool = False,
        log_std_init: float = 0.0,
        full_std: bool = True,
        use_expln: bool = False,
        squash_output: bool = False,
        features_extractor_class: type[BaseFeaturesExtractor] | None = None,
        features_extractor_kwargs: dict[str, Any] | None = None,
        share_features_extractor: bool = True,
        normalize_images: bool = True,
        optimizer_class: type[optim.Optimizer] = optim.Adam,
        optimizer_kwargs: dict[str, Any] | None = None,
        lstm_hidden_size: int = 256,
        n_lstm_layers: int = 1,
        shared_lstm: bool = False,
        enable_critic_lstm: bool = True,
        lstm_kwargs: dict[str, Any] | None = None,
        cell: str | Definition = "lstm",
    ) -> None:
        self.cell = cells.get(cell)
        options = lstm_kwargs or {}
        _check(type(self).__name__, self.cell, options)
        super().__init__(
            observation_space,
            action_space,
            lr_schedule,
            net_arch,
            activation_fn,
            ortho_init,
            use_sde,
            log_std_init,
            full_std,
            use_expln,
            squash_output,
            self.own_extractor if features_extractor_class is None else features_extractor_class,
            features_extractor_kwargs,
            share_features_extractor,
            normalize_images,
            optimizer_class,
            optimizer_kwargs,
            lstm_hidden_size,
            n_lstm_layers,
            shared_lstm,
            enable_critic_lstm,
            {name: options[name] for name in _OF_TORCH if name in options},
        )
        self.lstm_kwargs = options
        for name in ("lstm_actor", "lstm_critic"):
            if (theirs := getattr(self, name)) is not None:
                setattr(self, name, self._in_place_of(theirs))
        self.optimizer = self.optimizer_class(self.parameters(), lr=lr_schedule(1), **self.optimizer_kwargs)

    def _in_place_of(self, theirs: nn.LSTM) -> Recurrent:
        """A layer of the policy's cell; of the LSTM as torch.nn has it, with the weights that were drawn for that."""
        same = self.cell is CELLS["lstm"] and set(self.lstm_kwargs) <= set(_OF_TORCH)
        layer = Recurrent(
            self.cell,
            theirs.input_size,
            theirs.hidden_size,
            theirs.num_layers,
            batch_first=True,
            device="meta" if same else None,
            **self.lstm_kwargs,
        )
        check_layer(type(self).__name__, layer)
        if same:
            layer._parameters.update(theirs._parameters)
        return layer

    @staticmethod
    def _process_sequence(
        features: Tensor, lstm_states: tuple[Tensor, Tensor], episode_starts: Tensor, lstm: Recurrent
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Output and states of rollouts side by side.

        Args:
            features: (N·T, I), step after step of one rollout, then of the next.
            lstm_states: (L, N, H) each; of a cell with one state the second is not read.
            episode_starts: (N·T,), not zero where an episode begins.
            lstm: The recurrent layers.

        Returns:
            (N·T, H), and the states after the last step.

        """
        rollouts = lstm_states[0].shape[1]
        own = lstm_states[: len(lstm.cell.states)]
        rows, begins = features.reshape(rollouts, -1, lstm.input_size), episode_starts.reshape(rollouts, -1).bool()
        output, after = run(lstm, rows, own, begins)
        return output.flatten(0, 1), (*after, *lstm_states[len(own) :])

    def _get_constructor_parameters(self) -> dict[str, Any]:
        """What `save` writes down, and `load` makes the policy of: the original leaves its recurrent layers out."""
        layer: Recurrent = self.lstm_actor
        written: dict[str, Any] = super()._get_constructor_parameters()
        return written | {
            "lstm_hidden_size": layer.hidden_size,
            "n_lstm_layers": layer.num_layers,
            "shared_lstm": self.shared_lstm,
            "enable_critic_lstm": self.enable_critic_lstm,
            "lstm_kwargs": self.lstm_kwargs,
            "cell": self.cell,
        }


class CnnRecurrentPolicy(MlpRecurrentPolicy):
    """The same for pixels: sb3-contrib's CnnLstmPolicy; args and errors are those of `MlpRecurrentPolicy`."""

    own_extractor = NatureCNN


class MultiInputRecurrentPolicy(MlpRecurrentPolicy):
    """The same for a dict of observations, MultiInputLstmPolicy; args and errors are those of `MlpRecurrentPolicy`."""

    own_extractor = CombinedExtractor


def _check(who: str, cell: Definition, options: dict[str, Any]) -> None:
    """Raise ValueError for a cell that RecurrentPPO cannot carry, and for options that it would not know of."""
    if len(cell.states) > KEPT:
        raise ValueError(
            f"{who}: the cell {cell.name} has {len(cell.states)} states, and RecurrentPPO carries {KEPT} a layer; "
            "expected a cell with fewer, such as lstm or gru"
        )
    if shaping := [name for name in _SHAPING if name in options]:
        raise ValueError(f"{who}: lstm_kwargs has {shaping[0]}, which the policy decides; expected it without")
