"""A tag for each word: words and their characters → recurrent layers → dense layer → conditional random field.

Lample, Ballesteros, Subramanian, Kawakami and Dyer (2016), "Neural architectures for named entity recognition". A
second head may classify the whole sentence from the same layers (Hakkani-Tür et al. 2016, "Multi-domain joint semantic
frame parsing using bi-directional RNN-LSTM").
"""

from typing import NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding

from cellwright.data.special_tokens import PADDING, UNKNOWN
from cellwright.data.words import WordBatch
from cellwright.models.crf import CRF
from cellwright.models.dropout import Dropout, LockedDropout, between
from cellwright.models.embedding import EMBEDDING_SCALE, Embedding
from cellwright.models.pooling import LastPooling, MaxPooling
from cellwright.models.tagger_architecture import TaggerConfig
from cellwright.nn import Recurrent


class TaggerOutput(NamedTuple):
    """What a tagger says of B sentences of at most T words."""

    emissions: Tensor
    """(B, T, tags)"""
    logits: Tensor | None
    """(B, classes), or None where sentences are not classified."""


class Tagger(nn.Module):
    """Scores of each tag for each word, and of each class for each sentence.

    model = Tagger(TaggerConfig(vocab_size=5000, alphabet=80, tags=9))
    output = model(batch)                                                   # emissions (B, T, 9)
    loss = -model.log_likelihood(output.emissions, batch.tags, batch.lengths).sum()    # (B)
    best = model.decode(output.emissions, batch.lengths)                    # (B, T)
    """

    def __init__(self, config: TaggerConfig) -> None:
        super().__init__()
        self.config = config
        directions = 2 if config.bidirectional else 1
        features = config.hidden_size * directions
        self.embedding = Embedding(config.vocab_size, config.embedding_dim, pairs=0, fixed=config.fixed_vectors)
        self.spelling = (
            Spelling(config.cell, config.alphabet, config.char_embedding_dim) if config.char_embedding_dim else None
        )
        self.features = nn.ModuleList(Embedding(size, config.feature_dim, pairs=0) for size in config.features)
        self.embedding_dropout = LockedDropout(config.embedding_dropout, batch_first=True)
        self.recurrent = Recurrent(
            config.cell,
            config.embedding_dim + 2 * config.char_embedding_dim + config.feature_dim * len(config.features),
            config.hidden_size,
            num_layers=config.num_layers,
            bidirectional=config.bidirectional,
            dropout=between(config.num_layers, config.dropout),
            batch_first=True,
        )
        self.dropout = LockedDropout(config.dropout, batch_first=True)
        self.dense = nn.Linear(features, config.tags)
        self.crf = CRF(config.tags) if config.crf else None
        self.pool = MaxPooling()
        self.pooled_dropout = Dropout(config.dropout)
        self.classify = nn.Linear(features, config.classes) if config.classes else None

    def forward(self, batch: WordBatch) -> TaggerOutput:
        """Score tags, and classes where there are any."""
        embedded = self.embedding(batch.words)  # (B, T, E)
        if self.spelling is not None:
            spelled = self.spelling(batch.spellings, batch.spelled)  # (U, 2 C)
            embedded = torch.cat([embedded, embedding(batch.forms, spelled)], -1)
        if batch.features is not None:
            said = zip(self.features, batch.features.unbind(-1), strict=True)
            embedded = torch.cat([embedded, *(table(values) for table, values in said)], -1)
        output, _ = self.recurrent(self.embedding_dropout(embedded), lengths=batch.lengths)  # (B, T, D·H)
        emissions = self.dense(self.dropout(output))
        if self.classify is None:
            return TaggerOutput(emissions, None)
        return TaggerOutput(emissions, self.classify(self.pooled_dropout(self.pool(output, batch.lengths))))

    def log_likelihood(self, emissions: Tensor, tags: Tensor, lengths: Tensor) -> Tensor:
        """Log of the probability of each sentence's tags, 0 for one of no word. (B, T, K), (B, T), (B) -> (B)."""
        if self.crf is not None:
            return self.crf.log_likelihood(emissions, tags, lengths)
        each = emissions.log_softmax(-1).gather(-1, tags[..., None]).squeeze(-1)  # (B, T)
        beyond = torch.arange(tags.shape[1], device=tags.device) >= lengths[:, None]
        return each.masked_fill(beyond, 0.0).sum(1)

    def probabilities(self, emissions: Tensor, lengths: Tensor) -> Tensor:
        """Probability of each tag of each word, nothing beyond a length. (B, T, K), (B) -> (B, T, K)."""
        return emissions.softmax(-1) if self.crf is None else self.crf.marginals(emissions, lengths)

    def decode(self, emissions: Tensor, lengths: Tensor) -> Tensor:
        """Return the most probable tags; what stands beyond a length says nothing. (B, T, K), (B) -> (B, T)."""
        return emissions.argmax(-1) if self.crf is None else self.crf.decode(emissions, lengths)


class Spelling(nn.Module):
    """Words as they are spelled: what a layer in both directions has read at the ends of a word's characters."""

    def __init__(self, cell: str, alphabet: int, size: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(alphabet, size, padding_idx=PADDING)
        nn.init.normal_(self.embedding.weight[UNKNOWN:], std=EMBEDDING_SCALE)
        self.recurrent = Recurrent(cell, size, size, bidirectional=True, batch_first=True)
        self.last = LastPooling(bidirectional=True)

    def forward(self, spellings: Tensor, lengths: Tensor) -> Tensor:
        """Spellings (U, C) int64, lengths (U) -> (U, 2 · size)."""
        letters, cell = self.embedding(spellings), self.recurrent.cell
        if cell.results[0] in cell.states:  # then the last output is the final state, and no other is written
            return cast(Tensor, self.recurrent(letters, lengths=lengths, return_sequences=False)[0])
        return cast(Tensor, self.last(self.recurrent(letters, lengths=lengths)[0], lengths))
