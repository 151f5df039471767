"""The part of llvmlite that the compiler uses; llvmlite ships no types."""

__version__: str
