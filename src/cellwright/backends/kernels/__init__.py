"""A cell's kernels, called on tensors, with their gradient: the compiled backend, whose door is `autograd`.

forward   rows = W x + b for some steps at a time; then step by step u = U h + b' and the cell
backward  a stretch of steps at a time: step by step the cotangents of x and u; then what the stretch adds to the
          gradients of the weights and the rows, products over its rows

binding           a call's sizes and tensors, and the words that all loops have
frame             the words of a run, made once for a layer;  batch  the numbers that a batch fills in
partition         who computes what: threads, the sequences of each;  stretches  the steps of a backward pass in parts
panels            weights as products read them;  int8_panels  those of a layer frozen as int8
saved             what a forward pass keeps for its backward pass;  sparse  before which steps of what that makes again
products          products over rows as parts of a run;  weight_gradients  those of matrices and biases
workspace         memory that a call is done with, for the next one
stepper           one step again and again, for streams;  prepared  small calls of frozen layers, bound once
"""
