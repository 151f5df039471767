"""A cell's kernels, called on tensors, with their gradient: the compiled backend, whose door is `autograd`.

forward   rows = W x + b for some steps at a time; then step by step u = U h + b' and the cell
backward  a stretch of steps at a time: step by step the cotangents of x and u; then what the stretch adds to the
          gradients of the weights and the rows, products over its rows
"""
