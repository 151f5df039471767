"""From programs to LLVM IR: what lies where, which product does it, in which order rows are computed."""
