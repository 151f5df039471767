"""What fewer bits cost: the errors of each arithmetic, in one matrix product and in the results of layers.

python benchmarks/precision.py

Each is the largest difference from float64, as a share of the largest number: of a product of 512³, and of the outputs
and the gradients of a layer over 100 steps of 8 sequences, 128 units. Beside them torch.nn in float32 and in autocast.
"""

from __future__ import annotations

import copy
from typing import get_args

import torch
from torch import Tensor, nn

import cellwright
from cellwright.backends.kernels.products import Factor, sums_of_products
from cellwright.backends.precision import Arithmetic
from cellwright.cells import CELLS
from cellwright.compiler.kernel import kernel
from cellwright.compiler.units import microkernel

SIZE, STEPS, BATCH, HIDDEN = 512, 100, 8, 128
KINDS = ("LSTM", "GRU", "RNN")
ARITHMETICS: tuple[Arithmetic, ...] = tuple(a for a in get_args(Arithmetic) if a != "int8")  # which is a frozen layer's


def error(found: Tensor, wanted: Tensor) -> float:
    """The largest difference, as a share of the largest number."""
    return float((found.double() - wanted).abs().max() / wanted.abs().max())


def of_product(arithmetic: Arithmetic) -> float:
    """Of Aᵀ B, numbers from a normal distribution, as the kernels compute it."""
    a, b = torch.randn(2, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    made, factor = kernel(CELLS["rnn"], "float32", arithmetic), Factor(a, b, SIZE, torch.arange(SIZE))
    found, _ = sums_of_products(made, torch.get_num_threads(), factor)
    return error(found, a.double().T @ b.double())


def results(layer: nn.Module, x: Tensor) -> list[Tensor]:
    """The output, and the gradients of the input and of every weight."""
    x = x.detach().requires_grad_()
    output = layer(x)[0]
    cotangent = torch.randn(output.shape, generator=torch.Generator().manual_seed(1)).to(output.dtype)
    return [output.detach(), *torch.autograd.grad(output, [x, *layer.parameters()], cotangent)]


def of_layer(layer: nn.Module, *, autocast: bool = False) -> str:
    """Of its output, and the largest of its gradients."""
    x = torch.randn(STEPS, BATCH, HIDDEN, generator=torch.Generator().manual_seed(2))
    wanted = results(copy.deepcopy(layer).double(), x.double())
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        output, *gradients = (error(*pair) for pair in zip(results(layer, x), wanted, strict=True))
    return f"{output:.1e}, {max(gradients):.1e}"


def row(kind: str, library: object, *, autocast: bool = False, **options: str) -> str:
    """The cell of the table: one layer, drawn from the same seed for all."""
    torch.manual_seed(0)
    return of_layer(getattr(library, kind)(HIDDEN, HIDDEN, **options), autocast=autocast)


if __name__ == "__main__":
    print("| multiplied in | by | a product | " + " | ".join(KINDS) + " |\n" + "|---" * (3 + len(KINDS)) + "|")
    with cellwright.use_backend("compiled"):
        for arithmetic in ARITHMETICS:
            layers = [row(kind, cellwright, matmul_precision=arithmetic) for kind in KINDS]
            of_one = f"{of_product(arithmetic):.1e}"
            print("| " + " | ".join([arithmetic, microkernel(arithmetic).name, of_one, *layers]) + " |")
    for name, on in (("torch.nn", False), ("torch.nn in autocast", True)):
        print("| " + " | ".join([name, "", "", *(row(kind, nn, autocast=on) for kind in KINDS)]) + " |")
