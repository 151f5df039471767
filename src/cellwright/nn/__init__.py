"""Recurrent layers: torch.nn's, with lengths in any order, resets and gates, and a layer for any cell."""

from cellwright.nn.conversion import to_torch
from cellwright.nn.freezing import freeze
from cellwright.nn.layers import GRU, LSTM, RNN
from cellwright.nn.ragged import Padded, last_valid, mask, pack, pad, unpack
from cellwright.nn.recurrent import Recurrent
from cellwright.nn.single_step import GRUCell, LSTMCell, RecurrentCell, RNNCell

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "GRUCell",
    "LSTMCell",
    "Padded",
    "RNNCell",
    "Recurrent",
    "RecurrentCell",
    "freeze",
    "last_valid",
    "mask",
    "pack",
    "pad",
    "to_torch",
    "unpack",
]
