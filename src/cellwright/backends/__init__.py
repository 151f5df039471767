"""What computes a layer: three backends, the choice between them, and what stands around a call.

call          what a backend is asked to compute, and what it gives
reference     any cell in plain PyTorch: the specification
kernels/      what the compiler made, called on tensors
torch_native  torch's own kernels, for the cells of torch.nn
dispatch      which of the three a call takes, and why;  bounds  below which size the kernels do not pay
precision     how exactly kernels multiply, and who decides
surroundings  what around a call wants to see torch's own operations;  programs  what torch.compile is told of functions
custom_op     the same as one operator, for programs;  recompute  in chunks of time, computed again in backward
"""
