"""The compiled path: a cell's kernels, called on tensors, with their gradient.

forward   rows = W x + b for some steps at a time; then step by step u = U h + b' and the cell
backward  step by step the cotangents of x and u; then the gradients of the weights and the rows, products over all rows
"""

from cellwright.backends.kernels.backward import Gradients, backward
from cellwright.backends.kernels.forward import Result, Saved, forward
from cellwright.backends.kernels.steps import Steps

__all__ = ["Gradients", "Result", "Saved", "Steps", "backward", "forward"]
