"""What freezing gains: one sequence of 100 steps, its weights packed at each call and once, beside torch.nn.

python benchmarks/freezing.py

An LSTM with as many inputs as units, in inference, on one thread; medians in milliseconds, taken in turn, of results
that are compared before. Ours are the kernels, whatever the size; without them a small call is torch's own kernel.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

import cellwright
from cellwright.bench.timing import interleaved, others_at_work

STEPS = 100
UNITS = (64, 128, 256, 512)


def works(units: int) -> dict[str, Callable[[], Tensor]]:
    """What is timed, by name: the same layer three times."""
    theirs = nn.LSTM(units, units).eval()
    x = torch.randn(STEPS, 1, units)
    layers: dict[str, nn.Module] = {"torch.nn": theirs}
    for name in ("packed at each call", "frozen"):
        ours = cellwright.LSTM(units, units).eval()
        ours.load_state_dict(theirs.state_dict())
        layers[name] = ours.freeze() if name == "frozen" else ours

    def infer(layer: nn.Module) -> Tensor:
        with torch.inference_mode(), cellwright.use_backend("compiled"):
            return layer(x)[0]

    return {name: lambda layer=layer: infer(layer) for name, layer in layers.items()}  # type: ignore[misc]


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.manual_seed(0)
    if doubt := others_at_work():
        print(doubt)
    print("| units | torch.nn | packed at each call | frozen |\n| ---: | ---: | ---: | ---: |")
    for units in UNITS:
        functions = works(units)
        outputs = [function() for function in functions.values()]
        assert all(torch.allclose(output, outputs[0], atol=1e-5) for output in outputs)
        times = interleaved(functions, 25, 5.0)
        print(
            f"| {units} | " + " | ".join(f"{spread.median * 1e3:.3g}" for spread in times.values()) + " |", flush=True
        )
