"""The processor: how many lanes a register holds, how many registers there are."""

from __future__ import annotations

import ctypes
import functools
import os
import sys
from dataclasses import dataclass
from typing import NamedTuple

import llvmlite.binding as llvm


@dataclass(frozen=True)
class Target:
    """A processor as LLVM names it, and the registers that kernels are laid out for."""

    cpu: str
    features: str
    register_bytes: int
    registers: int


# feature that must be there, bytes of a register, how many of them; the first that fits is taken
_REGISTERS = (("avx512f", 64, 32), ("avx2", 32, 16), ("neon", 16, 32), ("sse2", 16, 16))
# Lays every kernel of a process out for narrower registers, as ONEDNN_MAX_CPU_ISA does for oneDNN's.
REGISTER_BYTES = "CELLWRIGHT_REGISTER_BYTES"
_WIDTHS = (64, 32, 16, 8)


@functools.cache
def host(register_bytes: int | None = None) -> Target:
    """This processor; `register_bytes` (64, 32, 16 or 8) lays kernels out for narrower registers, to test them here."""
    register_bytes = register_bytes or _asked_width()
    features = llvm.get_host_cpu_features()
    has = {name for name, on in features.items() if on}
    found, registers = next(((size, n) for name, size, n in _REGISTERS if name in has), (8, 16))
    size = register_bytes or found
    return Target(llvm.get_host_cpu_name(), features.flatten(), size, registers if size == found else 16)


def _asked_width() -> int | None:
    """The width of registers that the environment asks for, or None."""
    asked = os.environ.get(REGISTER_BYTES)
    if not asked:
        return None
    if asked not in map(str, _WIDTHS):
        raise ValueError(f"{REGISTER_BYTES} is {asked!r}; expected one of {', '.join(map(str, _WIDTHS))}, or nothing")
    return int(asked)


# --- what multiplies bfloat16 --------------------------------------------------------------------------
# Takes this unit for products of fewer bits, as ONEDNN_MAX_CPU_ISA does for oneDNN's; the emulated ones are for tests.
UNIT = "CELLWRIGHT_BFLOAT16_UNIT"
_UNITS = ("float32", "amx", "emulated amx")
_ARCH_PRCTL, _REQUEST, _TILE_DATA = 158, 0x1023, 18  # arch_prctl(ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA)


class Microkernel(NamedTuple):
    """What multiplies: its name, and why it does."""

    name: str
    reason: str


def microkernel(arithmetic: str) -> Microkernel:
    """What this processor multiplies in an arithmetic with: tiles of bfloat16 where it has them, else float32."""
    if arithmetic == "float32":
        return Microkernel("float32", "float32 was asked for")
    asked = os.environ.get(UNIT)
    if asked:
        if asked not in _UNITS:
            raise ValueError(f"{UNIT} is {asked!r}; expected one of {', '.join(_UNITS)}, or nothing")
        if asked == "amx" and (reason := no_tiles()):
            raise ValueError(f"{UNIT} asks for {asked!r} and {reason}")
        return Microkernel(asked, f"{UNIT} asks for it")
    if reason := no_tiles():
        return Microkernel("float32", reason)
    return Microkernel("amx", "the processor has tile registers for bfloat16")


@functools.cache
def no_tiles() -> str | None:
    """Why AMX's tiles cannot be used, or None. The right to their registers is asked of Linux once a process."""
    if not llvm.get_host_cpu_features().get("amx-bf16"):
        return "the processor has no unit for bfloat16 that is faster than float32"
    if not sys.platform.startswith("linux"):
        return "tile registers are asked for on Linux only"
    if ctypes.CDLL(None, use_errno=True).syscall(_ARCH_PRCTL, _REQUEST, _TILE_DATA):
        return f"the system gives no right to tile registers ({os.strerror(ctypes.get_errno())})"
    return None
