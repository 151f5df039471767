"""Those that compute the same with PyTorch alone: a table, one row a rival; `benchmarks/rivals` adds others."""

from __future__ import annotations

from cellwright.bench import torch_layers
from cellwright.bench.case import TORCH, Case
from cellwright.bench.rival import Rival

OURS = "cellwright"
LOOP = "Python loop"

RIVALS = {
    rival.name: rival
    for rival in (
        Rival(OURS, torch_layers.anything, torch_layers.compiled),
        Rival("torch.nn padded", torch_layers.cannot_pad, torch_layers.padded),
        Rival("torch.nn packed", torch_layers.cannot_pack, torch_layers.packed),
        Rival("torch.nn packed before", torch_layers.cannot_pack, torch_layers.packed_before),
        Rival(LOOP, torch_layers.anything, torch_layers.loop),
    )
}


IN_AUTOCAST = {
    rival.name: rival
    for rival in (
        Rival(
            "torch.nn padded, autocast",
            torch_layers.cannot_pad_in_autocast,
            torch_layers.padded_in_autocast,
            bfloat16=True,
        ),
        Rival("torch.nn packed, autocast", torch_layers.cannot_pack, torch_layers.packed_in_autocast, bfloat16=True),
    )
}
"""What else a user has where fewer bits than float32's will do."""


def of_case(case: Case) -> dict[str, Rival]:
    """Ours, and what a user has without it: torch.nn's layer, the Python loop where torch.nn has none."""
    names = ("torch.nn padded", "torch.nn packed") if case.cell in TORCH else (LOOP,)
    found = {name: RIVALS[name] for name in (OURS, *names)}
    return found | IN_AUTOCAST if case.cell in TORCH and case.precision != "highest" else found
