"""A sequence to another one: encoder, attention, decoder (Sutskever, Vinyals and Le 2014; Bahdanau et al. 2014).

    e   = encoder(E[x])                                     every symbol of the source, in both directions
    d_t = lower(y_(t-1)),   y_0 = C · last(e)               the decoder as far as it needs no attention
    c_t = attention(d_t, e)                                 `models.attention`
    h_t = upper([d_t ; c_t])                                what it has looked at so far
    P(y_t | y_(t-1), …, x) = softmax(W h_t + b)             with copying: `models.copying`, whose
                                                            traces are told to the attention too

The source enters the decoder as its first input rather than as its first state, so that any cell, whatever its states,
can decode. The attention stands between two recurrent layers rather than behind one: the upper one remembers where the
decoder has looked, and yet in training nothing waits for the step before, so that each layer runs over the whole target
in one call. With `input_feeding` (Luong et al. 2015, section 3.3) the lower layer is told h_(t-1) as well, and
training goes a step at a time.

Target id 0 is the end of a target, and what stands before its first symbol.

    model = Transducer(TransducerConfig(source_vocab_size=30, target_vocab_size=41))
    logits = model(sources, source_lengths, targets, target_lengths)    # (B, T + 1, V)
    loss = negative_log_likelihood(logits, targets, target_lengths)
"""

from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, pad

from cellwright.models.attention import Attention, Memory
from cellwright.models.copying import Copies, Copying
from cellwright.models.dropout import Dropout, between
from cellwright.models.embedding import EMBEDDING_SCALE, FixedRows
from cellwright.models.following import after, traces
from cellwright.models.pooling import LastPooling, valid
from cellwright.models.transducer_architecture import TransducerConfig
from cellwright.nn import Recurrent
from cellwright.nn.states import as_tuple

END = 0
"""Target id of the end, and of what stands before the first symbol."""


class Encoded(NamedTuple):
    """What a decoder is told of B sources: what it attends to, its first input (B, E), what it may copy or None."""

    memory: Memory
    begin: Tensor
    copies: Copies | None

    def take(self, rows: Tensor) -> "Encoded":
        """Those of these rows, (R,) int64, in this order."""
        return Encoded(self.memory.take(rows), self.begin[rows], self.copies and self.copies.take(rows))


class DecoderState(NamedTuple):
    """Where a decoder is in its target, for R rows: the states of its layers, and its last output (R, H).

    `trace` (R, S) is that of `models.following` in its source; None where nothing is copied.
    """

    lower: tuple[Tensor, ...]
    upper: tuple[Tensor, ...]
    output: Tensor
    trace: Tensor | None

    def take(self, rows: Tensor) -> "DecoderState":
        """The places of these rows, (N,) int64, in this order."""
        lower, upper = (tuple(s.index_select(1, rows) for s in states) for states in (self.lower, self.upper))
        trace = None if self.trace is None else self.trace.index_select(0, rows)
        return DecoderState(lower, upper, self.output.index_select(0, rows), trace)


class Decoded(NamedTuple):
    """What the decoder says of some steps: logits (B, T, V), alignments (B, T, S), and where it then is.

    `own` are the logits (B, T, V) without what copying adds to them.
    """

    logits: Tensor
    own: Tensor
    alignment: Tensor
    state: DecoderState


class Transducer(nn.Module):
    """Logits of each target symbol, told the source and the target's symbols before."""

    def __init__(self, config: TransducerConfig) -> None:
        super().__init__()
        self.config = config
        hidden, features = config.hidden_size, config.hidden_size * (2 if config.bidirectional else 1)
        self.source_embedding = _embedding(config.source_vocab_size, config.embedding_dim)
        self.fixed = FixedRows(config.source_vocab_size) if config.fixed_vectors else None
        self.encoder = Recurrent(
            config.cell,
            config.embedding_dim,
            hidden,
            num_layers=config.num_layers,
            bidirectional=config.bidirectional,
            dropout=between(config.num_layers, config.dropout),
            batch_first=True,
            forget_bias=config.forget_bias,
        )
        self.last = LastPooling(config.bidirectional)
        self.begin = nn.Linear(features, config.embedding_dim)
        self.target_embedding = _embedding(config.target_vocab_size, config.embedding_dim)
        fed = hidden if config.input_feeding else 0
        one_way = partial(Recurrent, config.cell, batch_first=True, forget_bias=config.forget_bias)
        self.lower = one_way(config.embedding_dim + fed, hidden)
        self.attend = Attention(config.attention, hidden, features, follows=config.copying)
        self.upper = one_way(hidden + features, hidden)
        self.dropout = Dropout(config.dropout)
        self.dense = nn.Linear(hidden, config.target_vocab_size)
        self.copying = Copying(config.source_vocab_size, hidden, features) if config.copying else None

    def forward(self, sources: Tensor, source_lengths: Tensor, targets: Tensor, target_lengths: Tensor) -> Tensor:
        """Logits (B, T + 1, V) of each symbol and of the end; sources (B, S), targets (B, T) int64, lengths (B)."""
        return self.decode(self.encode(sources, source_lengths), targets, target_lengths).logits

    def encode(self, sources: Tensor, lengths: Tensor) -> Encoded:
        """Read sources (B, S) int64, S from 1 on."""
        embedded = self.source_embedding(sources)  # (B, S, E)
        if self.fixed is not None:
            embedded = self.fixed(sources, embedded)
        output, _ = self.encoder(self.dropout(embedded), lengths=lengths)  # (B, S, D·H)
        memory = self.attend.memory(output, lengths)
        copies = None if self.copying is None else self.copying.memory(sources, output, memory.outside)
        return Encoded(memory, self.begin(self.last(output, lengths)), copies)

    def decode(self, encoded: Encoded, targets: Tensor, lengths: Tensor) -> Decoded:
        """Run the decoder over targets (B, T) int64 of these lengths, and one step more for the end of each."""
        inputs = torch.cat([encoded.begin[:, None], self.dropout(self.target_embedding(targets))], 1)  # (B, T + 1, E)
        copies = encoded.copies
        trace = None if copies is None else traces(copies.trace(), targets, copies.symbols)  # (B, T + 1, S)
        if self.config.input_feeding:
            return self._one_by_one(encoded, inputs, trace)
        return self._run(encoded, inputs, trace, None, lengths + 1)

    def step(self, encoded: Encoded, said: Tensor | None, state: DecoderState | None) -> Decoded:
        """One step after symbols (B,) int64 were said, which left the decoder in a state; at first both are None."""
        inputs = encoded.begin if said is None else self.target_embedding(said)  # (B, E)
        trace = None
        if encoded.copies is not None:
            trace = encoded.copies.trace()
            if said is not None and state is not None and state.trace is not None:
                trace = after(state.trace, said, encoded.copies.symbols)
            trace = trace[:, None]
        return self._step(encoded, inputs[:, None], trace, state)

    def _step(self, encoded: Encoded, inputs: Tensor, trace: Tensor | None, state: DecoderState | None) -> Decoded:
        """Inputs (B, 1, E), traces (B, 1, S)."""
        if self.config.input_feeding:
            before = inputs.new_zeros(len(inputs), self.config.hidden_size) if state is None else state.output
            inputs = torch.cat([inputs, before[:, None]], -1)
        return self._run(encoded, inputs, trace, state, None)

    def _one_by_one(self, encoded: Encoded, inputs: Tensor, trace: Tensor | None) -> Decoded:
        """Inputs (B, T, E) and traces (B, T, S), each step after the one before."""
        state: DecoderState | None = None
        steps: list[Decoded] = []
        for t in range(inputs.shape[1]):
            now = slice(t, t + 1)
            steps.append(self._step(encoded, inputs[:, now], None if trace is None else trace[:, now], state))
            state = steps[-1].state
        logits, own, alignment = (
            torch.cat(parts, 1) for parts in zip(*((s.logits, s.own, s.alignment) for s in steps), strict=True)
        )
        return Decoded(logits, own, alignment, steps[-1].state)

    def _run(
        self,
        encoded: Encoded,
        inputs: Tensor,
        trace: Tensor | None,
        state: DecoderState | None,
        lengths: Tensor | None,
    ) -> Decoded:
        """Inputs (B, T, E + what is fed) and, of what copies, traces (B, T, S), through both layers."""
        below, lower = self.lower(inputs, state and state.lower, lengths=lengths)  # (B, T, H)
        context, alignment = self.attend(below, encoded.memory, trace)  # (B, T, D·H), (B, T, S)
        seen = self.dropout(torch.cat([below, context], -1))
        output, upper = self.upper(seen, state and state.upper, lengths=lengths)  # (B, T, H)
        shown = self.dropout(output)
        logits = own = self.dense(shown)
        if self.copying is not None and encoded.copies is not None and trace is not None:
            logits = self.copying(own, shown, encoded.copies, trace)
        left = None if trace is None else trace[:, -1]
        return Decoded(logits, own, alignment, DecoderState(as_tuple(lower), as_tuple(upper), output[:, -1], left))


def negative_log_likelihood(logits: Tensor, targets: Tensor, lengths: Tensor, smoothing: float = 0.0) -> Tensor:
    """Of each target and its end, in nats: logits (B, T + 1, V), targets (B, T), lengths (B) -> (B,).

    smoothing: share of each target symbol spread evenly over all.
    """
    # Behind a target stands padding, which is END: what is beyond the first one does not count.
    true = pad(targets, (0, 1))
    lost = cross_entropy(logits.transpose(1, 2), true, reduction="none", label_smoothing=smoothing)  # (B, T + 1)
    return lost.masked_fill(~valid(logits, lengths + 1).squeeze(-1), 0.0).sum(1)


def _embedding(vocabulary: int, size: int) -> nn.Embedding:
    embedding = nn.Embedding(vocabulary, size)
    nn.init.normal_(embedding.weight, std=EMBEDDING_SCALE)
    return embedding
