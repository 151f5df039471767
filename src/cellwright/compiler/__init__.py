"""From a cell's equations to fused CPU kernels. Nothing here imports torch: a kernel takes addresses and sizes.

program    the step as a list of operations, printed as mathematics, verified after every pass
derive     its derivative, by a table of rules
vector     values of several lanes that turn Python arithmetic into LLVM IR;  vectormath  exp, tanh, … on them
tile       the register-tiled matrix product;  rows  a program over the units of a row;  *_loop  the sequence
target     the processor's width and features;  build  LLVM and the cache on disk;  threads  PyTorch's OpenMP pool
kernel     all of it together: `kernel(cell, dtype)` with `forward` and `backward`
"""
