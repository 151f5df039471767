"""torch.nn's layers, each `Recurrent` with its cell; every option of `Recurrent` is documented there.

layer_norm=True takes the cell with layer normalisation, whose gains and offsets stand in for the biases.

Each constructor writes its arguments out, though they are nearly `Recurrent`'s: editors, help and type checkers show
them, and torch.nn's must be accepted by place.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cellwright.nn.recurrent import Recurrent


class LSTM(Recurrent):
    """torch.nn.LSTM: same arguments, parameters and call; see `Recurrent` for what it does beyond.

    Args and errors are those of torch.nn.LSTM and, by name only, of `Recurrent`; `layer_norm=True` takes the cell
    layer-norm-lstm.

    Examples:
        >>> import torch
        >>> layer = LSTM(8, 16, batch_first=True)
        >>> output, (h, c) = layer(torch.randn(3, 50, 8), lengths=[50, 7, 0])
        >>> output.shape, h.shape, c.shape
        (torch.Size([3, 50, 16]), torch.Size([1, 3, 16]), torch.Size([1, 3, 16]))

    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
        *,
        layer_norm: bool = False,
        recurrent_dropout: float = 0.0,
        zoneout: float | Mapping[str, float] = 0.0,
        forget_bias: float | None = None,
        learn_initial_state: bool = False,
        state_batch_first: bool = False,
        checkpoint_every: int | None = None,
        heads: int = 1,
        rank: int = 0,
        matmul_precision: str | None = None,
    ) -> None:
        super().__init__(
            "layer-norm-lstm" if layer_norm else "lstm",
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            proj_size,
            device,
            dtype,
            recurrent_dropout=recurrent_dropout,
            zoneout=zoneout,
            forget_bias=forget_bias,
            learn_initial_state=learn_initial_state,
            state_batch_first=state_batch_first,
            checkpoint_every=checkpoint_every,
            heads=heads,
            rank=rank,
            matmul_precision=matmul_precision,
        )


class GRU(Recurrent):
    """torch.nn.GRU: same arguments, parameters and call; see `Recurrent` for what it does beyond.

    Args and errors are those of torch.nn.GRU and, by name only, of `Recurrent`; `layer_norm=True` takes the cell
    layer-norm-gru.

    Examples:
        >>> import torch
        >>> layer = GRU(8, 16, batch_first=True)
        >>> output, h = layer(torch.randn(3, 50, 8), lengths=[50, 7, 0])
        >>> output.shape, h.shape
        (torch.Size([3, 50, 16]), torch.Size([1, 3, 16]))

    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
        *,
        layer_norm: bool = False,
        recurrent_dropout: float = 0.0,
        zoneout: float | Mapping[str, float] = 0.0,
        learn_initial_state: bool = False,
        state_batch_first: bool = False,
        checkpoint_every: int | None = None,
        heads: int = 1,
        rank: int = 0,
        matmul_precision: str | None = None,
    ) -> None:
        super().__init__(
            "layer-norm-gru" if layer_norm else "gru",
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            proj_size,
            device,
            dtype,
            recurrent_dropout=recurrent_dropout,
            zoneout=zoneout,
            learn_initial_state=learn_initial_state,
            state_batch_first=state_batch_first,
            checkpoint_every=checkpoint_every,
            heads=heads,
            rank=rank,
            matmul_precision=matmul_precision,
        )


class RNN(Recurrent):
    """torch.nn.RNN: same arguments, parameters and call; see `Recurrent` for what it does beyond.

    Args and errors are those of torch.nn.RNN and, by name only, of `Recurrent`.

    Examples:
        >>> import torch
        >>> layer = RNN(8, 16, nonlinearity="relu", batch_first=True)
        >>> output, h = layer(torch.randn(3, 50, 8), lengths=[50, 7, 0])
        >>> output.shape, h.shape
        (torch.Size([3, 50, 16]), torch.Size([1, 3, 16]))

    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        proj_size: int = 0,
        recurrent_dropout: float = 0.0,
        zoneout: float | Mapping[str, float] = 0.0,
        learn_initial_state: bool = False,
        state_batch_first: bool = False,
        checkpoint_every: int | None = None,
        heads: int = 1,
        rank: int = 0,
        matmul_precision: str | None = None,
    ) -> None:
        if proj_size:
            raise ValueError(
                f"RNN: proj_size is {proj_size!r}, and torch.nn projects the LSTM's state only; expected 0, or "
                f'Recurrent("{rnn_cell("RNN", nonlinearity)}", …, proj_size={proj_size!r})'
            )
        super().__init__(
            rnn_cell("RNN", nonlinearity),
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            0,
            device,
            dtype,
            recurrent_dropout=recurrent_dropout,
            zoneout=zoneout,
            learn_initial_state=learn_initial_state,
            state_batch_first=state_batch_first,
            checkpoint_every=checkpoint_every,
            heads=heads,
            rank=rank,
            matmul_precision=matmul_precision,
        )
        self.nonlinearity = nonlinearity


def rnn_cell(who: str, nonlinearity: str) -> str:
    """The cell of torch.nn.RNN's argument."""
    names = {"tanh": "rnn", "relu": "rnn-relu"}
    if nonlinearity not in tuple(names):
        raise ValueError(f"{who}: nonlinearity is {nonlinearity!r}; expected 'tanh' or 'relu'")
    return names[nonlinearity]
