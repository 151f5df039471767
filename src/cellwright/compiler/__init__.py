"""From a cell's equations to fused CPU kernels. Nothing here imports torch: a kernel takes addresses and sizes.

ir        what is computed: program, the step as a list of operations, printed as mathematics, verified after each pass;
          autodiff, its derivative by a table of rules; remat, what forward saves and backward computes again; halves,
          what of it 16 bits will do for; phases, a program in the parts between its products; interpret, a program run
          on arrays. No machine is known here
codegen   how: vector, values of several lanes that turn Python arithmetic into LLVM IR; vectormath, exp, tanh, … on
          them; microkernel, the register-tiled matrix product; bfloat16_tile, the same in fewer bits (bfloat16), by
          amx_tile (tile_registers), or in vector registers (register_tile) dot_tile or matrix_tile; int8_tile, of
          weights of int8, by byte_products or int8_registers; tiles, which it is; gemm, the products over all rows,
          copied as strips or transposed_rows; pack, weights in panels; pointwise, a program over the units of a row;
          loop_builder, forward, backward, the sequence; team, several threads on one sequence; arguments and
          gate_layout, what lies where; ir_builder, loops and addresses; entry, what each thread calls
runtime   where it runs: jit, LLVM and the cache on disk; openmp, PyTorch's pool of threads; parallel_for, a call on it
target    the processor's width and features
units     what multiplies in an arithmetic on this processor
kernel    all of it together: `kernel(cell, dtype, arithmetic)` with `forward` and `backward`
pipeline  the stages from equations to instructions as one list, each of which can be printed
"""
