"""A text to a short code and back: sequence autoencoder (Dai and Le 2015, Semi-supervised sequence learning).

    code = C · last(encoder(E[x]))                              (K) for a text of T tokens
    h_t  = decoder([E[x_(t-1)] ; code]),  x_0 the padding       t = 1 … T
    P(x_t | x_(t-1), …, x_1, code) = softmax(W h_t + b)

where E is the embedding, whose padding is zeros. The code goes into every step rather than into the first state, so
that any cell, whatever its states, can decode.

    autoencoder = Autoencoder(AutoencoderConfig(vocab_size=tokenizer.size, code_dim=32))
    loss = reconstruction(autoencoder(tokens, lengths), tokens, lengths).loss    # train on this
    begin_from(classifier, autoencoder)    # its encoder then reads for a classifier
    freeze_encoder(classifier)             # and is not trained further
"""

from typing import NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, pad

from cellwright.models.architecture import AutoencoderConfig
from cellwright.models.classifier import Classifier
from cellwright.models.embedding import Embedding
from cellwright.models.pooling import LastPooling, valid
from cellwright.nn import Recurrent


class Reconstruction(NamedTuple):
    """How well texts come back; padding does not count."""

    loss: Tensor
    """Mean cross-entropy of a token, in nats; 0-dimensional, differentiable."""
    exact: Tensor
    """Share of the tokens that are the most probable ones; 0-dimensional."""


class Autoencoder(nn.Module):
    """Encoder layer → code → decoder layer → logits of each token."""

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        self.config = config
        size, hidden = config.embedding_dim, config.hidden_size
        self.embedding = Embedding(config.vocab_size, size, pairs=0, padding_is_read=True)  # at the beginning
        self.recurrent = Recurrent(config.cell, size, hidden, bidirectional=True, batch_first=True)
        self.last = LastPooling(bidirectional=True)
        self.code = nn.Linear(2 * hidden, config.code_dim)
        self.decoder = Recurrent(config.cell, size + config.code_dim, hidden, batch_first=True)
        self.dense = nn.Linear(hidden, config.vocab_size)

    def encode(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """tokens (B, T) int64, lengths (B) int64 -> codes (B, K)."""
        output, _ = self.recurrent(self.embedding(tokens), lengths=lengths)  # (B, T, 2·H)
        return cast(Tensor, self.code(self.last(output, lengths)))

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """tokens (B, T) int64, T from 1 on, lengths (B) int64 -> logits (B, T, vocabulary), told the tokens before."""
        return self.told(self.encode(tokens, lengths), tokens, lengths)

    def told(self, code: Tensor, tokens: Tensor, lengths: Tensor) -> Tensor:
        """The same of codes (B, K), whatever texts they are of."""
        code = code[:, None].expand(-1, tokens.shape[1], -1)  # (B, T, K)
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


def begin_from(classifier: Classifier, autoencoder: Autoencoder) -> None:
    """Give the classifier the autoencoder's embedding of tokens and its encoder, in place; its pairs stay its own.

    A classifier that compresses its pieces is given the map to the code as well.

    Raises RuntimeError, as `load_state_dict` does, where sizes, cell, layers or directions differ.
    """
    sources = (autoencoder.embedding.token, autoencoder.recurrent, autoencoder.code)
    for part, source in zip(_encoder(classifier), sources, strict=False):
        part.load_state_dict(source.state_dict())


def freeze_encoder(classifier: Classifier) -> None:
    """Leave what `begin_from` gave as it is, and train the classifier's other layers alone."""
    for part in _encoder(classifier):
        part.requires_grad_(False)


def _encoder(classifier: Classifier) -> list[nn.Module]:
    parts: list[nn.Module] = [classifier.embedding.token, classifier.recurrent]
    return parts if classifier.code is None else [*parts, classifier.code]
