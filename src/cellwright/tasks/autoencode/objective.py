"""What an autoencoder learns: to bring each token back, told those before it and the code."""

from collections.abc import Sequence

import torch
from torch import Tensor

from cellwright.data.batches import Batch
from cellwright.models.architecture import AutoencoderConfig
from cellwright.models.autoencoder import Autoencoder, reconstruction
from cellwright.tasks.task import Metric, Objective, Step


class AutoencodeObjective(Objective):
    """Cross-entropy of a token, in training and in validation."""

    metric = Metric("exact")

    def __init__(self, model: AutoencoderConfig) -> None:
        self.config = model

    def model(self) -> Autoencoder:
        """A new autoencoder."""
        return Autoencoder(self.config)

    def loss(self, model: Autoencoder, batch: Batch) -> Step:
        """Mean cross-entropy of a token, in nats."""
        tokens = int(batch.lengths.sum())
        found = reconstruction(model(batch.tokens, batch.lengths), batch.tokens, batch.lengths)
        return Step(found.loss, tokens, tokens)

    def measure(self, model: Autoencoder, batch: Batch) -> Tensor:
        """(3,): the sum of losses, of exact tokens, of tokens."""
        tokens = batch.lengths.sum().double()
        found = reconstruction(model(batch.tokens, batch.lengths), batch.tokens, batch.lengths)
        return torch.stack([found.loss.double() * tokens, found.exact * tokens, tokens])

    def scores(self, sums: Sequence[float]) -> dict[str, float]:
        """Mean cross-entropy in nats, and the share of tokens that are the most probable ones."""
        loss, exact, tokens = sums
        return {"loss": loss / tokens, "exact": exact / tokens}
