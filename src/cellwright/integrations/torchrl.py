"""A layer of any cell in TorchRL: what torchrl.modules.LSTMModule and GRUModule are to torch.nn's.

    memory = RecurrentModule(cellwright.GRU(4, 64, batch_first=True), in_key="observation", out_key="features")
    env.append_transform(memory.make_tensordict_primer())    # beside InitTracker
    with set_recurrent_mode(True):
        memory(rollouts)                                     # one call, whatever episodes begin in them

    policy = convert(policy)                                 # TorchRL's modules in it are such ones, with their weights

In recurrent mode TorchRL cuts a batch wherever `is_init` is set, pads the pieces and puts them together again; here
`is_init` is the layer's `reset=`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Size, Tensor, nn
from torch.nn.functional import pad

from cellwright.integrations.rollout import check_layer, run
from cellwright.nn import GRU, LSTM, Recurrent
from cellwright.nn.states import as_tuple

try:
    from tensordict import TensorDictBase, unravel_key_list
    from tensordict.nn import TensorDictModuleBase, dispatch
    from torchrl.data import Unbounded
    from torchrl.envs.transforms import TensorDictPrimer
    from torchrl.modules import GRUModule, LSTMModule, recurrent_mode
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        f"cellwright.integrations.torchrl needs {error.name}; pip install 'cellwright[torchrl]'", name=error.name
    ) from error

__all__ = ["RecurrentModule", "convert"]

Key = str | tuple[str, ...]
INIT = "is_init"
_THEIRS = ("lstm", "gru")  # what TorchRL's modules, and so their state_dicts, call the layer of the cell of that name


class RecurrentModule(TensorDictModuleBase):  # type: ignore[misc]  # untyped
    """TorchRL's LSTMModule and GRUModule for a layer of any cell.

    Keys, modes, primer and shapes are theirs, and so is the state_dict of an LSTM's and a GRU's. In sequential mode,
    the default, every element of a tensordict is one step; within `torchrl.modules.set_recurrent_mode(True)` the last
    batch dimension is time. A step whose `is_init` is set begins from the layer's initial state, in both modes: zeros,
    or the learned one of a layer with learn_initial_state=True.

    The new state stands at the last step of each row, and zeros before it. TorchRL's modules also leave a state where
    an episode ends within a row, and in recurrent mode begin each episode from what the tensordict has as its state
    there: the primer's zeros, in a rollout.

    Args:
        layer: LSTM, GRU, RNN or Recurrent with batch_first=True, of a cell that reads its input only.
        in_key: Of the input; keys of states are then "recurrent_state", of a cell with several
            "recurrent_state_h", …, with each state's letter.
        in_keys: In place of it: of the input and each state, and perhaps "is_init" at the end.
        out_key: Of the output; states are then below ("next", …) under the same names.
        out_keys: In place of it: of the output and each new state.
        default_recurrent_mode: The mode outside of `set_recurrent_mode`; None is sequential.

    Raises:
        TypeError: `layer` is none of this library's.
        ValueError: The layer is time first or has its states batch first, its cell reads more than its input, or keys
            are missing, too many or given twice.

    Examples:
        >>> import cellwright, torch
        >>> from tensordict import TensorDict
        >>> from torchrl.modules import set_recurrent_mode
        >>> layer = cellwright.Recurrent("mgu", 4, 16, batch_first=True)
        >>> memory = RecurrentModule(layer, in_key="observation", out_key="features")
        >>> begins = torch.zeros(3, 50, 1, dtype=torch.bool)
        >>> begins[0, 20] = True
        >>> rollouts = TensorDict({"observation": torch.randn(3, 50, 4), "is_init": begins}, [3, 50])
        >>> with set_recurrent_mode(True):
        ...     memory(rollouts)["features"].shape
        torch.Size([3, 50, 16])

    """

    def __init__(
        self,
        layer: Recurrent,
        *,
        in_key: Key | None = None,
        in_keys: Sequence[Key] | None = None,
        out_key: Key | None = None,
        out_keys: Sequence[Key] | None = None,
        default_recurrent_mode: bool | None = None,
    ) -> None:
        super().__init__()
        who = type(self).__name__
        if not isinstance(layer, Recurrent):
            raise TypeError(
                f"{who}: layer is {type(layer).__name__}; expected LSTM, GRU, RNN or Recurrent of cellwright"
            )
        if not layer.batch_first or layer.state_batch_first:
            raise ValueError(
                f"{who}: the layer has batch_first={layer.batch_first}, state_batch_first={layer.state_batch_first}; "
                "expected batch_first=True, as tensordicts are, and states as usual"
            )
        check_layer(who, layer)
        letters = layer.cell.states
        states = ["recurrent_state"] if len(letters) == 1 else [f"recurrent_state_{letter}" for letter in letters]
        self.in_keys = _keys(who, "in", in_key, in_keys, states)
        if self.in_keys[-1] != INIT:
            self.in_keys = [*self.in_keys, INIT]
        self.out_keys = _keys(who, "out", out_key, out_keys, [("next", name) for name in states])
        self._default_recurrent_mode = bool(default_recurrent_mode)
        self._name = layer.cell.name if layer.cell.name in _THEIRS else "recurrent"
        self.add_module(self._name, layer)

    @property
    def layer(self) -> Recurrent:
        """The layer, whose parameters are below "lstm", "gru", or of other cells "recurrent"."""
        layer: Recurrent = getattr(self, self._name)
        return layer

    @property
    def recurrent_mode(self) -> bool:
        """Whether a call takes the last batch dimension as time."""
        mode = recurrent_mode()
        return self._default_recurrent_mode if mode is None else bool(mode)

    @property
    def canonical_keys(self) -> list[Key]:
        """What `torchrl.modules.canonicalize_rnn_subset` goes by."""
        return [*self.in_keys, *self.out_keys]

    def make_tensordict_primer(self) -> TensorDictPrimer:
        """The transform that puts states into an environment's tensordicts, zeros at each reset.

        Raises:
            ValueError: A new state's key is not ("next", …) of the state's.

        """
        shapes = {}
        before, after = self.in_keys[1:-1], self.out_keys[1:]
        for old, new, state in zip(before, after, as_tuple(self.layer.initial_state()), strict=True):
            name = (old,) if isinstance(old, str) else old
            if new != ("next", *name):
                raise ValueError(
                    f"{type(self).__name__}: the new state of {old!r} has the key {new!r}; expected "
                    f"{('next', *name)!r}, where an environment's next step finds it"
                )
            shapes[name] = Unbounded(shape=state.shape)
        return TensorDictPrimer(shapes, expand_specs=True)

    @dispatch  # type: ignore[untyped-decorator]  # untyped
    def forward(self, tensordict: TensorDictBase) -> TensorDictBase:
        """Run the layer over a tensordict, and put output and new states into it.

        Args:
            tensordict: Of any batch size, in recurrent mode with time last. Input (…, I), `is_init` (…, 1) or (…), and
                states (…, L·D, ·), of which a row's first step counts; without them it begins from the initial state.

        Returns:
            The same tensordict.

        Raises:
            ValueError: `is_init` is missing, or something has a wrong shape.
            RuntimeError: As the layer's call.

        """
        who, batch = type(self).__name__, tensordict.shape
        if self.recurrent_mode and not batch:
            raise ValueError(
                f"{who}: the tensordict has no batch dimension; expected time, the last, in recurrent mode"
            )
        time = batch[-1] if self.recurrent_mode else 1
        begins = _begins(who, tensordict.get(INIT, None), batch).reshape(-1, time)
        input = tensordict.get(self.in_keys[0])
        state = self._state(tensordict, time)
        output, after = run(self.layer, input.reshape(-1, time, *input.shape[len(batch) :]), state, begins)
        tensordict.set(self.out_keys[0], output.reshape(*batch, -1))
        for key, new in zip(self.out_keys[1:], after, strict=True):
            last = new.transpose(0, 1)[:, None]  # (B, 1, L·D, ·)
            tensordict.set(key, pad(last, (0, 0, 0, 0, time - 1, 0)).reshape(*batch, *last.shape[2:]))
        return tensordict

    def _state(self, tensordict: TensorDictBase, time: int) -> tuple[Tensor, ...] | None:
        """The states (L·D, B, ·) before each row's first step; None where the tensordict has none."""
        keys = self.in_keys[1:-1]
        found = [tensordict.get(key, None) for key in keys]
        missing = [key for key, each in zip(keys, found, strict=True) if each is None]
        if len(missing) == len(keys):
            return None
        if missing:
            raise ValueError(
                f"{type(self).__name__}: the tensordict lacks {missing[0]!r}; expected all of {keys}, or none of them"
            )
        rows = (each.reshape(-1, time, *each.shape[-2:])[:, 0] for each in found)
        return tuple(each.transpose(0, 1) for each in rows)


def convert(model: nn.Module) -> nn.Module:
    """Put a `RecurrentModule` in the place of each of TorchRL's LSTMModule and GRUModule in a model.

    It holds the same Parameters under the same names: an optimizer made before goes on, and the state_dict stays.

    Args:
        model: A policy, a loss, or such a module itself; it is changed.

    Returns:
        The model; of such a module itself, what takes its place.

    Examples:
        >>> module = LSTMModule(input_size=4, hidden_size=16, in_key="observation", out_key="features")
        >>> convert(module).layer
        LSTM(4, 16, batch_first=True)

    """
    new = {each: _converted(each) for each in model.modules() if isinstance(each, LSTMModule | GRUModule)}
    for parent in [*model.modules()]:
        parent._modules.update({name: new[child] for name, child in parent._modules.items() if child in new})
    return new.get(model, model)


def _converted(module: LSTMModule | GRUModule) -> RecurrentModule:
    theirs: Any = module.lstm if isinstance(module, LSTMModule) else module.gru
    sizes = (theirs.input_size, theirs.hidden_size, theirs.num_layers)
    options = {"bias": theirs.bias, "dropout": theirs.dropout, "bidirectional": theirs.bidirectional}
    if theirs.proj_size:
        options["proj_size"] = theirs.proj_size
    kind = LSTM if isinstance(module, LSTMModule) else GRU
    layer = kind(*sizes, batch_first=True, device="meta", **options)
    layer._parameters.update(theirs._parameters)
    new = RecurrentModule(
        layer, in_keys=module.in_keys, out_keys=module.out_keys, default_recurrent_mode=module._recurrent_mode
    )
    new.train(module.training)
    return new


def _keys(who: str, side: str, key: Key | None, keys: Sequence[Key] | None, states: Sequence[Key]) -> list[Key]:
    """The keys of one side, input or output first."""
    if (key is None) == (keys is None):
        raise ValueError(f"{who}: {side}_key is {key!r} and {side}_keys is {keys!r}; expected one of them")
    found: list[Key] = unravel_key_list([key, *states] if keys is None else [*keys])
    without = found[:-1] if side == "in" and found[-1:] == [INIT] else found
    if len(without) != 1 + len(states):
        raise ValueError(
            f"{who}: {side}_keys is {found}; expected {1 + len(states)}: of the {side}put, and of each state of the "
            f"cell, such as {[*states]}"
        )
    return found


def _begins(who: str, given: Tensor | None, batch: Size) -> Tensor:
    """`is_init` as bool of the batch's shape."""
    if given is None:
        raise ValueError(
            f"{who}: the tensordict has no {INIT!r}; expected it of InitTracker, a transform of the environment"
        )
    if given.shape not in (batch, (*batch, 1)):
        raise ValueError(
            f"{who}: {INIT!r} has shape {tuple(given.shape)}; expected {(*batch, 1)} or {tuple(batch)}, the batch's"
        )
    return given.reshape(batch).bool()
