"""A text to a short code and back: sequence autoencoder (Dai and Le 2015, Semi-supervised sequence learning).

    code = C · last(encoder(E[x]))                              (K) for a text of T tokens
    h_t  = decoder([E[x_(t-1)] ; code]),  x_0 the padding       t = 1 … T
    P(x_t | x_(t-1), …, x_1, code) = softmax(W h_t + b)

where E is the embedding, whose padding is zeros. The code goes into every step rather than into the first state, so
that any cell, whatever its states, can decode.

    autoencoder = Autoencoder(vocabulary=tokenizer.size, code=32)
    loss = reconstruction(autoencoder(tokens, lengths), tokens, lengths).loss    # train on this
    begin_from(classifier, autoencoder)    # its encoder then reads for a classifier
"""

from typing import NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, pad

from cellwright.models.classifier import Classifier
from cellwright.models.pool import Last, valid
from cellwright.nn import Recurrent


class Reconstruction(NamedTuple):
    """How well texts come back; padding does not count."""

    loss: Tensor
    """Mean cross-entropy of a token, in nats; 0-dimensional, differentiable."""
    exact: Tensor
    """Share of the tokens that are the most probable ones; 0-dimensional."""


class Autoencoder(nn.Module):
    """Encoder layer → code → decoder layer → logits of each token."""

    def __init__(
        self, vocabulary: int, code: int, *, cell: str = "lstm", embedding: int = 128, hidden: int = 128
    ) -> None:
        """Make the layers.

        Args:
            vocabulary: number of token ids, padding (0) included.
            code: numbers K of a text's code.
            cell: name of the recurrent cell of both layers.
            embedding: numbers E a token is embedded in.
            hidden: hidden size H of the decoder, and of each direction of the encoder.

        """
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, embedding, padding_idx=0)
        self.recurrent = Recurrent(cell, embedding, hidden, bidirectional=True, batch_first=True)
        self.last = Last(bidirectional=True)
        self.code = nn.Linear(2 * hidden, code)
        self.decoder = Recurrent(cell, embedding + code, hidden, batch_first=True)
        self.dense = nn.Linear(hidden, vocabulary)

    def encode(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """tokens (B, T) int64, lengths (B) int64 -> codes (B, K)."""
        output, _ = self.recurrent(self.embedding(tokens), lengths=lengths)  # (B, T, 2·H)
        return cast(Tensor, self.code(self.last(output, lengths)))

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """tokens (B, T) int64, T from 1 on, lengths (B) int64 -> logits (B, T, vocabulary), told the tokens before."""
        code = self.encode(tokens, lengths)[:, None].expand(-1, tokens.shape[1], -1)  # (B, T, K)
        before = self.embedding(pad(tokens[:, :-1], (1, 0)))  # (B, T, E)
        output, _ = self.decoder(torch.cat([before, code], dim=-1), lengths=lengths)  # (B, T, H)
        return cast(Tensor, self.dense(output))

    @torch.no_grad()
    def decode(self, code: Tensor, lengths: Tensor) -> Tensor:
        """Codes (B, K), lengths (B) int64 -> tokens (B, T): the most probable ones, told those it gave before."""
        stream = self.decoder.stream(len(code))
        token = torch.zeros_like(lengths)
        found = []
        for step in range(int(lengths.max())):
            output = stream.step(torch.cat([self.embedding(token), code], dim=-1))  # (B, H)
            token = self.dense(output).argmax(-1).masked_fill(step >= lengths, 0)
            found.append(token)
        return torch.stack(found, dim=1)


def reconstruction(logits: Tensor, tokens: Tensor, lengths: Tensor) -> Reconstruction:
    """logits (B, T, V), tokens (B, T), lengths (B), at least one above 0: loss and accuracy over the valid steps."""
    within = valid(logits, lengths).squeeze(-1)  # (B, T)
    told, true = logits[within], tokens[within]  # (tokens, V), (tokens)
    return Reconstruction(cross_entropy(told, true), (told.argmax(-1) == true).double().mean())


def begin_from(classifier: Classifier, autoencoder: Autoencoder, *, freeze: bool = False) -> None:
    """Give the classifier the autoencoder's embedding of tokens and its encoder, in place; its pairs stay its own.

    freeze: train the classifier's other layers alone, rather than these with them.

    Raises RuntimeError, as `load_state_dict` does, where sizes, cell, layers or directions differ.
    """
    for part, source in (
        (classifier.embedding.token, autoencoder.embedding),
        (classifier.recurrent, autoencoder.recurrent),
    ):
        part.load_state_dict(source.state_dict())
        part.requires_grad_(not freeze)
