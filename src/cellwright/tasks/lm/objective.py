"""What a language model is trained on: the next token, the state carried from window to window."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from cellwright.evaluation.perplexity import PerplexityScores
from cellwright.models.language_model import LanguageModel, States
from cellwright.models.language_model_architecture import LanguageModelConfig
from cellwright.nn.tbptt import Window
from cellwright.tasks.task import Metric, Objective, Step


class LanguageObjective(Objective):
    """Cross-entropy in nats, with the penalties that the model's options ask for; perplexity in validation."""

    metric = Metric("perplexity", higher_is_better=False)

    def __init__(self, model: LanguageModelConfig) -> None:
        self.config = model
        self._state: tuple[States | None, ...] | None = None  # before the next window of training, of each direction
        self._validated: States | None = None  # and of validation

    @property
    def partial(self) -> bool:
        """Whether the output layer has groups of tokens, of which a window may have none."""
        return self.config.softmax == "adaptive"

    def model(self) -> LanguageModel:
        """A new language model."""
        return LanguageModel(self.config)

    def begin_pass(self, training: bool) -> None:
        """Forget what was read before."""
        if training:
            self._state = None
        else:
            self._validated = None

    def loss(self, model: LanguageModel, batch: tuple[Window, ...]) -> Step:
        """Of what is new in a window of each direction, in nats a token; the gradient stops where the window begins."""
        losses, states = [], []
        for k, way in enumerate(batch):
            before, targets = self._state and self._state[k], _targets(way)[-way.new :]
            loss, _, after = model.loss(way.input, targets, before, way.reset, backward=k == 1)
            losses.append(loss)
            states.append(after if way.ahead == len(way.input) else _within(model, way, before, backward=k == 1))
        self._state = tuple(states)
        new = sum(way.new * way.input.shape[1] for way in batch)
        return Step(torch.stack(losses).mean(), new, sum(way.input.numel() for way in batch))

    def measure(self, model: LanguageModel, batch: tuple[Window]) -> Tensor:
        """(2,): the sum of nats, and of tokens, forward."""
        nats, self._validated = model.window_nats(batch[0], self._validated)
        return torch.stack([nats.sum(), nats.new_tensor(len(nats))])

    def scores(self, sums: Sequence[float]) -> dict[str, float]:
        """Nats a token, and perplexity."""
        nats, tokens = sums
        found = PerplexityScores(nats, int(tokens), characters=int(tokens))
        return {"loss": found.loss, "perplexity": found.perplexity}

    def state_dict(self) -> dict[str, Any]:
        """The layers' states before the next window of training."""
        return {"state": self._state}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from them."""
        self._state = state["state"]

    def share_state(self, states: Sequence[Mapping[str, Any]], rank: int, world_size: int) -> Mapping[str, Any]:
        """The states of the lanes of process `rank`, as `LaneFeed` shares them out."""
        return {"state": _shared([state["state"] for state in states], rank, world_size)}


def _shared(parts: Sequence[Any], rank: int, world_size: int) -> Any:
    """Every `world_size`-th lane from `rank` on of states (·, B, ·), each of which has every `len(parts)`-th one."""
    if parts[0] is None:
        return None
    if not isinstance(parts[0], Tensor):
        return tuple(_shared(each, rank, world_size) for each in zip(*parts, strict=True))
    width = sum(part.shape[1] for part in parts)
    whole = parts[0].new_empty(parts[0].shape[0], width, *parts[0].shape[2:])
    for number, part in enumerate(parts):
        whole[:, number :: len(parts)] = part
    return whole[:, rank::world_size] if rank < width else whole[:, :1]


@torch.no_grad()
def _within(model: LanguageModel, way: Window, state: States | None, *, backward: bool) -> States | None:
    """The state at the step at which the next window begins, within this one.

    Those steps are read once more: in one pass with the others, cut in two, they would have dropout masks of their own.
    """
    if way.ahead == 0:
        return state
    reset = None if way.reset is None else way.reset[: way.ahead]
    return model.read(way.input[: way.ahead], state, reset=reset, backward=backward).state


def _targets(batch: Window) -> Tensor:
    assert batch.targets is not None  # lanes have targets
    return batch.targets
