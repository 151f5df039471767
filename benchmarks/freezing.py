"""What freezing gains: one sequence, an LSTM's weights packed at each call, once, and once as int8, beside others.

    python benchmarks/freezing.py [--busy]
    python benchmarks/freezing.py --batches [--busy]      int8 by tile registers and by dot products, of batches

An LSTM with as many inputs as units, in inference, on one thread, of 100 steps and of one; medians in milliseconds,
taken in turn, of results that are compared before. `quantize_dynamic` is torch's own int8 (weights and inputs of 8
bits), ONNX Runtime computes float32. With --busy the clock is the processor time of the thread, and the least quarter
is shown, for a machine that others use. Of batches the layers are all frozen, and the results of int8 are equal.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import onnxruntime
import torch
from torch import Tensor, nn

import cellwright
from cellwright.bench.timing import Spread, interleaved, others_at_work
from cellwright.compiler.units import INT8_UNIT

STEPS = (100, 1)
UNITS = (64, 128, 256, 512, 1024)
BATCHES = (1, 4, 8, 32)
Work = Callable[[], Tensor]


def works(steps: int, units: int) -> dict[str, Work]:
    """What is timed, by name: the same layer several times."""
    theirs, x = nn.LSTM(units, units).eval(), torch.randn(steps, 1, units)
    layers: dict[str, nn.Module] = {"torch.nn": theirs, "quantize_dynamic": quantised(theirs)}
    for name in ("packed at each call", "frozen", "frozen as int8"):
        ours = cellwright.LSTM(units, units).eval()
        ours.load_state_dict(theirs.state_dict())
        if name != "packed at each call":
            ours.freeze("int8" if name.endswith("int8") else None)
        layers[name] = ours

    def infer(layer: nn.Module) -> Tensor:
        with torch.inference_mode():
            return layer(x)[0]

    def packed(layer: nn.Module) -> Tensor:
        with cellwright.use_backend(
            "compiled"
        ):  # small calls go to torch's kernels else; those of frozen layers do not
            return infer(layer)

    found: dict[str, Work] = {}
    for name, layer in layers.items():
        call = packed if name == "packed at each call" else infer
        found[name] = lambda layer=layer, call=call: call(layer)  # type: ignore[misc]
    return {"ONNX Runtime": by_onnxruntime(theirs, x)} | found


def quantised(layer: nn.LSTM) -> nn.Module:
    """The layer with torch's own weights of int8."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that torch.ao.quantization is to move
        model = torch.ao.quantization.quantize_dynamic(nn.Sequential(layer), {nn.LSTM}, dtype=torch.qint8)
    return model[0]  # type: ignore[no-any-return]


def by_onnxruntime(layer: nn.LSTM, x: Tensor) -> Work:
    """The layer in ONNX Runtime, on one thread."""
    state = (torch.zeros(1, 1, layer.hidden_size), torch.zeros(1, 1, layer.hidden_size))
    names = ["x", "h", "c"]
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the exporter is the older one, which needs no other package
        path = str(Path(folder) / "layer.onnx")
        torch.onnx.export(layer, (x, state), path, dynamo=False, input_names=names, output_names=["y", "hn", "cn"])
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    given = {"x": x.numpy(), "h": state[0].numpy(), "c": state[1].numpy()}
    given = {one.name: given[one.name] for one in session.get_inputs()}
    return lambda: torch.from_numpy(session.run(None, given)[0])


def of_batch(batch: int, units: int) -> dict[str, Work]:
    """The frozen layer over 100 steps of some sequences, by how it multiplies."""
    x = torch.randn(100, batch, units)

    def work(arithmetic: str, unit: str = "") -> Work:
        torch.manual_seed(0)
        layer = cellwright.LSTM(units, units).eval()
        if arithmetic != "int8":
            layer.matmul_precision = arithmetic
        layer.freeze("int8" if arithmetic == "int8" else None)

        def infer() -> Tensor:
            os.environ[INT8_UNIT] = unit  # which each call looks at
            with torch.inference_mode():
                return layer(x)[0]

        return infer

    fewer = {"bf16": work("bf16"), "int8 by vnni": work("int8", "vnni"), "int8 by amx": work("int8", "amx")}
    return {"float32": work("float32")} | fewer


def print_batches(shown: Callable[[Spread], str], clock: Callable[[], float] | None) -> None:
    """The table of batches, in milliseconds."""
    head = list(of_batch(1, 8))
    print(f"| sequences | units | {' | '.join(head)} |\n| ---: | ---: |{' ---: |' * len(head)}")
    for batch in BATCHES:
        for units in UNITS:
            functions = of_batch(batch, units)
            outputs = {name: function() for name, function in functions.items()}
            assert torch.equal(outputs["int8 by vnni"], outputs["int8 by amx"])
            times = interleaved(functions, 15, 2.0, clock=clock)
            print(f"| {batch} | {units} | {' | '.join(map(shown, times.values()))} |", flush=True)


def main() -> None:
    """Print a table."""
    clock = time.thread_time if "--busy" in sys.argv else None

    def shown(spread: Spread) -> str:
        return f"{(spread.median if clock is None else spread.low) * 1e3:.3g}"

    torch.set_num_threads(1)
    torch.manual_seed(0)
    if doubt := others_at_work():
        print(doubt)
    if "--batches" in sys.argv:
        print_batches(shown, clock)
    else:
        print_one(shown, clock)


def print_one(shown: Callable[[Spread], str], clock: Callable[[], float] | None) -> None:
    """The table of one sequence, in milliseconds."""
    head = list(works(1, 8))
    print(f"| steps | units | {' | '.join(head)} | int8 errs by |\n| ---: | ---: |{' ---: |' * (len(head) + 1)}")
    for steps in STEPS:
        for units in UNITS:
            functions = works(steps, units)
            outputs = {name: function() for name, function in functions.items()}
            exact = outputs["torch.nn"]
            errors = {n: float((o - exact).abs().max() / exact.abs().max()) for n, o in outputs.items()}
            assert all(e < (0.1 if "int8" in n or "quant" in n else 1e-5) for n, e in errors.items()), errors
            times = interleaved(functions, 25, 5.0, clock=clock)
            said = f"{errors['frozen as int8']:.1e} (torch's {errors['quantize_dynamic']:.1e})"
            print(f"| {steps} | {units} | {' | '.join(map(shown, times.values()))} | {said} |", flush=True)


if __name__ == "__main__":
    main()
