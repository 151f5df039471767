"""Text classification: embedding → recurrent layers → pooling (→ code) (→ joining of pieces) → dense layer."""

from typing import cast

from torch import Tensor, nn

from cellwright.models.architecture import ClassifierConfig
from cellwright.models.dropout import Dropout, between
from cellwright.models.embedding import Embedding
from cellwright.models.pieces import JoinPieces, encode_within
from cellwright.models.pooling import make_pooling
from cellwright.nn import Recurrent


class Classifier(nn.Module):
    """Logits of each class for texts of token ids.

        model = Classifier(ClassifierConfig(vocab_size=5000, classes=2))
        logits = model(tokens, lengths)    # (B, T) int64 padded with 0, (B) int64 -> (B, classes)

    A row of length 0 is answered too: with what the dense layer makes of zeros.
    """

    def __init__(self, config: ClassifierConfig) -> None:
        super().__init__()
        self.config = config
        features = config.hidden_size * (2 if config.bidirectional else 1)
        self.embedding = Embedding(
            config.vocab_size, config.embedding_dim, config.bigram_buckets, fixed=config.fixed_vectors
        )
        self.embedding_dropout = Dropout(config.embedding_dropout)
        self.recurrent = Recurrent(
            config.cell,
            config.embedding_dim,
            config.hidden_size,
            num_layers=config.num_layers,
            bidirectional=config.bidirectional,
            dropout=between(config.num_layers, config.dropout),
            batch_first=True,
        )
        self.pool = make_pooling(config.pooling, features, config.bidirectional)
        self.code = None if config.code_dim is None else nn.Linear(features, config.code_dim)
        encoded = features if config.code_dim is None else config.code_dim
        self.join = JoinPieces(config.join, config.cell, encoded, config.hidden_size, config.bidirectional)
        self.dropout = Dropout(config.dropout)
        self.dense = nn.Linear(self.join.features, config.classes)

    def forward(
        self,
        tokens: Tensor,
        lengths: Tensor,
        pieces: Tensor | None = None,
        budget: int | None = None,
        shift: Tensor | None = None,
    ) -> Tensor:
        """tokens (R, T) int64, lengths (R) int64 -> logits (B, classes).

        pieces: (B) int64, how many of the R rows, in order, are each text's; None: one each.
        budget: the most padded tokens whose outputs are in memory at once; None: all (`models.pieces`).
        shift: (R, T, E), added to the embedded tokens; None: nothing.
        """
        if tokens.shape[1] == 0:  # every text of the batch is empty, and a layer needs T >= 1
            tokens = tokens.new_zeros(len(tokens), 1)
        encoded = self.join(encode_within(budget, self._encode, tokens, lengths, shift), pieces)  # (B, F)
        return cast(Tensor, self.dense(self.dropout(encoded)))

    def of_embedded(self, embedded: Tensor, lengths: Tensor) -> Tensor:
        """Embedded (B, T, E), lengths (B) int64 -> logits (B, classes): `forward` after the embedding, a piece each."""
        return self.of_outputs(self._outputs(embedded, lengths), lengths)

    def of_outputs(self, output: Tensor, lengths: Tensor) -> Tensor:
        """What the layers give (B, T, D·H), lengths (B) int64 -> logits (B, classes), a piece each."""
        return cast(Tensor, self.dense(self.dropout(self.join(self._pooled(output, lengths), None))))

    def _encode(self, tokens: Tensor, lengths: Tensor, shift: Tensor | None) -> Tensor:
        """(R, T), (R), (R, T, E) or None -> (R, F)."""
        embedded = self.embedding(tokens)
        shifted = embedded if shift is None else embedded + shift
        return self._pooled(self._outputs(shifted, lengths), lengths)

    def _outputs(self, embedded: Tensor, lengths: Tensor) -> Tensor:
        """(R, T, E), (R) -> (R, T, D·H)."""
        output, _ = self.recurrent(self.embedding_dropout(embedded), lengths=lengths)
        return cast(Tensor, output)

    def _pooled(self, output: Tensor, lengths: Tensor) -> Tensor:
        """(R, T, D·H), (R) -> (R, F): F is the code's size, or D·H without one."""
        pooled = self.pool(output, lengths)
        return cast(Tensor, pooled if self.code is None else self.code(pooled))
