"""Recurrent layers: torch.nn's, with lengths in any order, resets and gates, and a layer for any cell."""

from cellwright.nn.acceleration import Acceleration, accelerate
from cellwright.nn.conversion import Conversion, convert, revert, to_torch
from cellwright.nn.freezing import freeze
from cellwright.nn.layers import GRU, LSTM, RNN
from cellwright.nn.pickling import safe_globals
from cellwright.nn.ragged import Padded, last_valid, mask, pack, pad, unpack
from cellwright.nn.recurrent import Recurrent
from cellwright.nn.single_step import GRUCell, LSTMCell, RecurrentCell, RNNCell

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "Acceleration",
    "Conversion",
    "GRUCell",
    "LSTMCell",
    "Padded",
    "RNNCell",
    "Recurrent",
    "RecurrentCell",
    "accelerate",
    "convert",
    "freeze",
    "last_valid",
    "mask",
    "pack",
    "pad",
    "revert",
    "safe_globals",
    "to_torch",
    "unpack",
]
