"""What a step computes, as a list of operations: no machine is known here, and no LLVM."""
