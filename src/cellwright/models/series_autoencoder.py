"""A series to a short code and back: what comes back badly is unlike what was learned from.

    code = C · last(encoder(x))                                             (K) for a series of T steps
    h    = decoder(code, code, …)                                           in both directions, T steps
    x̂_t  = W h_t + b

Malhotra et al. (2016), LSTM-based encoder-decoder for multi-sensor anomaly detection. Their decoder is told the steps
before; this one is told the code alone, at every step, so that nothing but the code can bring an odd step back.
"""

from typing import cast

import torch
from torch import Tensor, nn

from cellwright.models.pooling import LastPooling
from cellwright.models.series_architecture import SeriesModelConfig
from cellwright.models.series_input import SeriesInput
from cellwright.nn import Recurrent


class SeriesAutoencoder(nn.Module):
    """Encoder layer → code → decoder layer → values of each step."""

    def __init__(self, config: SeriesModelConfig) -> None:
        super().__init__()
        self.config = config
        self.input = SeriesInput(config)

        def layer(inputs: int) -> Recurrent:
            # One, whatever --num-layers was in runs of before, which took the option and left it unread.
            return Recurrent(
                config.cell,
                inputs,
                config.hidden_size,
                bidirectional=True,
                batch_first=True,
                recurrent_dropout=config.recurrent_dropout,
            )

        self.encoder = layer(self.input.size)
        self.last = LastPooling(bidirectional=True)
        self.code = nn.Linear(2 * config.hidden_size, config.code_dim)
        self.decoder = layer(config.code_dim)
        self.dense = nn.Linear(2 * config.hidden_size, config.channels)

    def encode(self, values: Tensor, known: Tensor, lengths: Tensor) -> Tensor:
        """values (B, T, C), known (B, T, C), lengths (B) int64 -> codes (B, K)."""
        output, _ = self.encoder(self.input(values, known), lengths=lengths)  # (B, T, 2·H)
        return cast(Tensor, self.code(self.last(output, lengths)))

    def forward(self, values: Tensor, known: Tensor, lengths: Tensor) -> Tensor:
        """values (B, T, C), known (B, T, C), lengths (B) int64 -> restored (B, T, C)."""
        code = self.encode(values, known, lengths)[:, None].expand(-1, values.shape[1], -1)  # (B, T, K)
        output, _ = self.decoder(code, lengths=lengths)  # (B, T, 2·H)
        return cast(Tensor, self.dense(output))


def errors(restored: Tensor, values: Tensor, known: Tensor) -> Tensor:
    """(B, T, C), (B, T, C) and its mask -> (B, T): mean squared error of the values that were there, 0 where none."""
    squares = (restored - values).square() * known
    return squares.sum(-1) / known.sum(-1).clamp(min=1)


def scored_steps(known: Tensor, first: Tensor) -> Tensor:
    """known (B, T, C), first (B) -> (B, T) bool: the steps of which something was there and that are not before."""
    steps = torch.arange(known.shape[1], device=known.device)
    return (known.amax(-1) > 0) & (steps >= first[:, None])
