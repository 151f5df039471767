"""What layers give for every beginning of a text, its first token, its first two, …; what they share computed once.

    forward  h₁ → h₂ → h₃ → …    the same states in every beginning, as far as it goes
    reverse  h₁ ← h₂ ← h₃        begins anew at the end of each

Of 1,000 tokens the reverse direction takes 500,500 steps, the forward one 1,000.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from cellwright.inspect.recording import beginnings
from cellwright.nn import Recurrent
from cellwright.pauses import pause


def outputs_of_beginnings(layer: Recurrent, sequence: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """The outputs of a layer, batch first, for the beginnings of a sequence (T, I), some at a time.

    Yields (R, t, D·H) of R beginnings, and their lengths (R), the last of which is t. What is past a row's length is no
    output, and not zero. There is a pause (`cellwright.pauses`) before each, and before what they share.
    """
    steps = len(sequence)
    if layer.bidirectional and layer.num_layers > 1:  # whose second layer reads what the first makes of the end
        for lengths in beginnings(steps):
            rows = sequence[: int(lengths[-1])].expand(len(lengths), -1, -1)
            yield layer(rows, lengths=lengths)[0], lengths
        return
    pause()
    ahead = (_direction(layer, "") if layer.bidirectional else layer)(sequence[None])[0]  # (1, T, H)
    back = _direction(layer, "_reverse") if layer.bidirectional else None
    for lengths in beginnings(steps):
        shared = ahead[:, : int(lengths[-1])].expand(len(lengths), -1, -1)
        if back is None:
            yield shared, lengths
            continue
        # The place, from the end, of each step; those of a text's end on it are its own inverse.
        places = (lengths[:, None] - 1 - torch.arange(shared.shape[1])).clamp(min=0)  # (R, t)
        found = back(sequence[places], lengths=lengths)[0]
        yield torch.cat([shared, found.gather(1, places[..., None].expand_as(found))], -1), lengths


def _direction(layer: Recurrent, suffix: str) -> Recurrent:
    """One direction of a layer as a layer of its own, with the same weights; it reads from the first step on."""
    end = f"_l0{suffix}"
    own = {name.removesuffix(suffix): each for name, each in layer.state_dict().items() if name.endswith(end)}
    # On no device nothing is drawn: the program's random numbers stay as they are.
    one = Recurrent(layer.cell, layer.input_size, layer.hidden_size, bias=layer.bias, batch_first=True, device="meta")
    one.load_state_dict(own, assign=True)
    return one.eval()
