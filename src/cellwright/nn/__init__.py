"""Recurrent layers: torch.nn's, with lengths in any order, resets and gates, and a layer for any cell.

recurrent     the layer of any cell;  layers  torch.nn's, each that with its cell;  single_step  one step
stack         what a batch asks of each layer: `Recurrent` and `Stream` use it
inputs, given, states    what a user gives, as layers compute with it;  checks  what is refused
weights, masks, precision    parameters and their initial values; noise in the recurrence; how kernels multiply
direct, ready     short ways of small calls: to torch's own kernels, and of frozen layers
stream, freezing  a step at a time; weights packed once
ragged        batches for those who hold lists of tensors
tbptt         sequences longer than memory, window by window;  spans  where the windows stand
acceleration, conversion    our kernels under torch.nn's classes; torch.nn's layers made ours, and back
pretrained, pickling    layers in folders and in pickles
torch_names, symbolic, quantization    what code and tools for torch.nn's layers meet in ours
"""

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
