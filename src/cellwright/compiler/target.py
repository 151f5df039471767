"""The processor: how many lanes a register holds, how many registers there are."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import llvmlite.binding as llvm

from cellwright.compiler.vector import Lanes


@dataclass(frozen=True)
class Target:
    """A processor as LLVM names it, and the registers that kernels are laid out for."""

    cpu: str
    features: str
    register_bytes: int
    registers: int

    def lanes(self, dtype: str) -> Lanes:
        """The lanes of one register."""
        return Lanes(dtype, self.register_bytes // Lanes(dtype, 1).bytes)


# feature that must be there, bytes of a register, how many of them; the first that fits is taken
_REGISTERS = (("avx512f", 64, 32), ("avx2", 32, 16), ("neon", 16, 32), ("sse2", 16, 16))


@functools.cache
def host(register_bytes: int | None = None) -> Target:
    """This processor; `register_bytes` (64, 32, 16 or 8) lays kernels out for narrower registers, to test them here."""
    features = llvm.get_host_cpu_features()
    has = {name for name, on in features.items() if on}
    found, registers = next(((size, n) for name, size, n in _REGISTERS if name in has), (8, 16))
    size = register_bytes or found
    return Target(llvm.get_host_cpu_name(), features.flatten(), size, registers if size == found else 16)
