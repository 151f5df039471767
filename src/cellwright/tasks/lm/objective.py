"""What a language model is trained on: the next token, the state carried from window to window."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from cellwright.evaluation.text_scores import TextScores
from cellwright.models.language_architecture import LanguageModelConfig
from cellwright.models.language_model import LanguageModel, States
from cellwright.nn.tbptt import Window
from cellwright.tasks.task import Metric, Objective, Step


class LanguageObjective(Objective):
    """Cross-entropy in nats, with the penalties that the model's options ask for; perplexity in validation."""

    metric = Metric("perplexity", higher_is_better=False)

    def __init__(self, model: LanguageModelConfig) -> None:
        self.config = model
        self._state: tuple[States, ...] | None = None  # after the last window of training, of each direction
        self._validated: States | None = None  # and of validation

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
        """Of a window of each direction, in nats a token; the gradient stops where it begins."""
        found = [
            model.loss(way.input, _targets(way), self._state and self._state[k], way.reset, backward=k == 1)
            for k, way in enumerate(batch)
        ]
        self._state = tuple(state for _, _, state in found)
        tokens = sum(way.input.numel() for way in batch)
        return Step(torch.stack([loss for loss, _, _ in found]).mean(), tokens, tokens)

    def measure(self, model: LanguageModel, batch: tuple[Window]) -> Tensor:
        """(2,): the sum of nats, and of tokens, forward."""
        nats, self._validated = model.window_nats(batch[0], self._validated)
        return torch.stack([nats.sum(), nats.new_tensor(len(nats))])

    def scores(self, sums: Sequence[float]) -> dict[str, float]:
        """Nats a token, and perplexity."""
        nats, tokens = sums
        found = TextScores(nats, int(tokens), characters=int(tokens))
        return {"loss": found.loss, "perplexity": found.perplexity}

    def state_dict(self) -> dict[str, Any]:
        """The layers' states after the last window of training."""
        return {"state": self._state}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from them."""
        self._state = state["state"]


def _targets(batch: Window) -> Tensor:
    assert batch.targets is not None  # lanes have targets
    return batch.targets
