"""Language model: embedding → recurrent layers → softmax over the next token.

    P(x_1 … x_n) = Π P(x_t | mark, x_1, …, x_(t-1))

A document begins with a mark, the token 0, whose turn as the next token says that the document has ended. T time, B
batch; time comes first. Losses are in nats.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from cellwright.errors import InputError
from cellwright.models.dropout import LockedDropout, TokenDropout, drop_weights
from cellwright.models.language_model_architecture import LanguageModelConfig
from cellwright.models.softmax import AdaptiveSoftmax, Softmax
from cellwright.nn import Recurrent
from cellwright.nn.stream import Stream
from cellwright.nn.tbptt import Window, detached, lanes, windows
from cellwright.packing import Lengths

MARK = 0
"""Begins every document."""
EMBEDDING_RANGE = 0.1
"""First embeddings are uniform in ± this (Merity et al.): small enough for the output layer that may share them."""
SCORED_AT_ONCE = 2048
"""Tokens of a stream whose outputs are in memory at once."""

States = tuple[Any, ...]  # the state of each layer, as the layer returns it


class Read(NamedTuple):
    """What a model has read of some steps."""

    raw: Tensor
    """The last layer's outputs (T, B, H)."""
    features: Tensor
    """The same without what was dropped."""
    state: States
    """To go on from; the gradient goes back through it unless it is detached."""


class LanguageModel(nn.Module):
    """The next token's distribution, told the tokens so far.

    model = LanguageModel(LanguageModelConfig(vocab_size=65, hidden_size=256))
    loss, state = model.loss(window.input, window.targets, state, window.reset)    # of nn.tbptt.windows
    logarithms, state = model(tokens)    # (T, B) int64 -> (T, B, V): of the probabilities of each next token
    """

    def __init__(self, config: LanguageModelConfig) -> None:
        super().__init__()
        self.config = config
        if config.tie_weights and config.softmax == "adaptive":
            raise InputError(
                "--tie-weights with --softmax adaptive: its groups have weights of their own; leave one of them out"
            )
        self.embedding = nn.Embedding(config.vocab_size, config.embedding_dim)
        nn.init.uniform_(self.embedding.weight, -EMBEDDING_RANGE, EMBEDDING_RANGE)
        self.token_dropout = TokenDropout(config.vocab_size, config.embedding_row_dropout)
        last = config.embedding_dim if config.tie_weights else config.hidden_size
        sizes = [config.embedding_dim, *[config.hidden_size] * (config.num_layers - 1), last]
        self.layers = _layers(config, sizes)
        self.backward_layers = _layers(config, sizes if config.directions == "both" else [])
        """Of the same sizes, or none; embedding and softmax serve both directions, as in Peters et al. 2018."""
        rates = [config.embedding_dropout, *[config.dropout] * (config.num_layers - 1), config.output_dropout]
        self.dropouts = nn.ModuleList(LockedDropout(rate) for rate in rates)
        if config.weight_drop:
            for layer in (*self.layers, *self.backward_layers):
                drop_weights(cast(Recurrent, layer), config.weight_drop)
        tied = self.embedding.weight if config.tie_weights else None
        adaptive = config.softmax == "adaptive"
        self.softmax = AdaptiveSoftmax(last, config.vocab_size) if adaptive else Softmax(last, config.vocab_size, tied)

    def forward(
        self,
        tokens: Tensor,
        state: States | None = None,
        *,
        reset: Tensor | None = None,
        lengths: Lengths | None = None,
    ) -> tuple[Tensor, States]:
        """tokens (T, B) int64 -> logarithms of the probabilities (T, B, V) of each next token, and the state after."""
        read = self.read(tokens, state, reset=reset, lengths=lengths)
        return cast(Tensor, self.softmax(read.features)), read.state

    def read(
        self,
        tokens: Tensor,
        state: States | None = None,
        *,
        reset: Tensor | None = None,
        lengths: Lengths | None = None,
        backward: bool = False,
    ) -> Read:
        """All but the softmax. `state`, `reset` and `lengths` are those of `nn.Recurrent`'s call.

        backward: by the layers of the other direction, of texts that are given from their last token on.
        """
        values = self.token_dropout(self.embedding(tokens), tokens)  # (T, B, E)
        values, raw, after = self.dropouts[0](values), values, []
        for k, layer in enumerate(self.backward_layers if backward else self.layers):
            raw, end = layer(values, None if state is None else state[k], reset=reset, lengths=lengths)
            values = self.dropouts[k + 1](raw)
            after.append(end)
        return Read(raw, values, tuple(after))

    def loss(
        self,
        tokens: Tensor,
        targets: Tensor,
        state: States | None = None,
        reset: Tensor | None = None,
        *,
        backward: bool = False,
    ) -> tuple[Tensor, Tensor, States]:
        """What to train on, of some steps of lanes side by side.

        Args:
            tokens: (T, B) int64.
            targets: (t, B) int64, the next tokens of the last t steps, whose loss it is; those before lead up to them.
            state: after the steps before; None for none.
            reset: (T, B) bool, where a document begins; None for nowhere.
            backward: as for `read`.

        Returns the loss, penalties included, and the mean nats of a target, both 0-dimensional, and the state after,
        a constant.

        """
        read = self.read(tokens, state, reset=reset, backward=backward)
        new = read._replace(raw=read.raw[-len(targets) :], features=read.features[-len(targets) :])
        nats = self.softmax.nats(new.features.flatten(0, 1), targets.flatten()).mean()
        return nats + self._penalties(new), nats.detach(), cast(States, detached(read.state))

    def _penalties(self, read: Read) -> Tensor:
        """Merity et al., section 4.3; they square what was dropped and the change of what was not."""
        penalty = read.raw.new_zeros(())
        if self.config.activation_regularization:
            penalty = penalty + self.config.activation_regularization * read.features.square().mean()
        if self.config.temporal_activation_regularization and len(read.raw) > 1:
            penalty = penalty + self.config.temporal_activation_regularization * read.raw.diff(dim=0).square().mean()
        return penalty

    @torch.no_grad()
    def nats(self, documents: Sequence[Tensor]) -> Tensor:
        """Minus the logarithm of each next token's probability, (N - 1) of N tokens in all, float64.

        Args:
            documents: token numbers (n,) int64 of each, its mark first; told what stands before in its own document,
                from the first token on.

        The state is carried from window to window: memory does not grow with a document's length.

        """
        return torch.cat(list(self.nats_of(windows(lanes(documents, 1), window=SCORED_AT_ONCE))))

    @torch.no_grad()
    def nats_of_each(self, documents: Sequence[Tensor]) -> list[Tensor]:
        """The same of each document (n,), n from 2 on, side by side: (n - 1) float64 of each.

        To the rounding of float32. All of their outputs are in memory at once.
        """
        lengths = torch.tensor([len(each) - 1 for each in documents])
        tokens = pad_sequence(list(documents))  # (T + 1, B)
        features = self.read(tokens[:-1], lengths=lengths).features.transpose(0, 1)  # (B, T, H)
        there = torch.arange(features.shape[1]) < lengths[:, None]
        pairs = zip(*(torch.split(each[there], SCORED_AT_ONCE) for each in (features, tokens[1:].T)), strict=True)
        nats = torch.cat([self.softmax.nats(some, targets).double() for some, targets in pairs])
        return list(torch.split(nats, lengths.tolist()))

    def nats_of(self, windows: Iterable[Window]) -> Iterator[Tensor]:
        """Yield those of each of some windows that follow each other, as `window_nats` returns them."""
        state = None
        for window in windows:
            nats, state = self.window_nats(window, state)
            yield nats

    @torch.no_grad()
    def window_nats(self, window: Window, state: States | None) -> tuple[Tensor, States]:
        """Minus the logarithm of the probability of each of a window's targets (t · B) in order, and the state after.

        float64; `state` is that after the window before, None for none.
        """
        assert window.targets is not None
        read = self.read(window.input, state, reset=window.reset)
        return self.softmax.nats(read.features.flatten(0, 1), window.targets.flatten()).double(), read.state

    def stream(self) -> "TokenStream":
        """One text that comes token by token."""
        return TokenStream(self)


def _layers(config: LanguageModelConfig, sizes: Sequence[int]) -> nn.ModuleList:
    """One layer from each size to the next."""
    return nn.ModuleList(
        Recurrent(
            config.cell, inputs, hidden, recurrent_dropout=config.recurrent_dropout, forget_bias=config.forget_bias
        )
        for inputs, hidden in pairwise(sizes)
    )


class TokenStream:
    """A text of which a model has read the first tokens; made by `LanguageModel.stream`.

    However the tokens come, one by one or some at once, the layers' states are the same, bit for bit.
    """

    def __init__(self, model: LanguageModel) -> None:
        self._model = model
        self._layers: list[Stream] = [cast(Recurrent, layer).stream() for layer in model.layers]

    @torch.no_grad()
    def feed(self, tokens: Sequence[int]) -> Tensor:
        """Read some tokens, at least one; return the logarithms of the next one's probabilities (V)."""
        values = self._model.embedding(torch.tensor(tokens))  # (t, E)
        for layer in self._layers:
            values = layer.step(values[0])[None] if len(tokens) == 1 else layer.feed(values)
        return cast(Tensor, self._model.softmax(values[-1:]))[0]
