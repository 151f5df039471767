"""The processor: how many lanes a register holds, how many registers there are."""

from __future__ import annotations

import ctypes
import functools
import os
import platform
import sys
from dataclasses import dataclass

import llvmlite.binding as llvm

LINE = 64  # bytes of a line of a cache, which processors hand to each other as one


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


# What LLVM does not tell of an Arm processor, and Linux does: in which word (AT_HWCAP, AT_HWCAP2), by which bit.
_TOLD_BY_LINUX = {"dotprod": (16, 20), "bf16": (26, 14)}


def on_arm() -> bool:
    """Whether this is an Arm processor of 64 bits."""
    return platform.machine() in ("aarch64", "arm64")


def processor_features() -> llvm.FeatureMap:
    """What this processor has, by LLVM's names. Every Arm processor of 64 bits has neon, whoever runs it."""
    found = llvm.get_host_cpu_features()
    if on_arm():
        found["neon"] = True
        if sys.platform.startswith("linux"):
            told = ctypes.CDLL(None).getauxval
            told.argtypes, told.restype = [ctypes.c_ulong], ctypes.c_ulong
            found.update({name: bool(told(word) >> bit & 1) for name, (word, bit) in _TOLD_BY_LINUX.items()})
    return found


@functools.cache
def host(register_bytes: int | None = None) -> Target:
    """This processor; `register_bytes` (64, 32, 16 or 8) lays kernels out for narrower registers, to test them here."""
    register_bytes = register_bytes or _asked_width()
    features = processor_features()
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


# --- what multiplies bfloat16, and bytes ----------------------------------------------------------------
_LEAST_DOT_PRODUCT = 16  # bytes of a register
_ARCH_PRCTL, _REQUEST, _TILE_DATA = 158, 0x1023, 18  # arch_prctl(ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA)


def no_dot_products() -> str | None:
    """Why AVX512-BF16's dot products cannot be used, or None."""
    if not processor_features().get("avx512bf16"):
        return "the processor has no dot products of bfloat16"
    if host().register_bytes < _LEAST_DOT_PRODUCT:
        return f"there are no dot products of bfloat16 in registers of {host().register_bytes} bytes"
    return None


def no_matrix_products() -> str | None:
    """Why Arm's products of small matrices of bfloat16 (bfmmla) cannot be used, or None."""
    return None if on_arm() and processor_features().get("bf16") else "the processor has no matrix products of bfloat16"


def no_byte_products(register_bytes: int) -> str | None:
    """Why dot products of bytes (AVX512-VNNI, AVX-VNNI) cannot be used in registers of a size, or None."""
    features = processor_features()
    if not (features.get("avx512vnni") or features.get("avxvnni")):
        return "the processor has no dot products of bytes"
    if not _LEAST_DOT_PRODUCT <= register_bytes <= (64 if features.get("avx512vnni") else 32):
        return f"there are no dot products of bytes in registers of {register_bytes} bytes"
    return None


def no_signed_byte_products(register_bytes: int) -> str | None:
    """Why Arm's dot products of bytes (sdot) cannot be used in registers of a size, or None."""
    if not (on_arm() and processor_features().get("dotprod")):
        return "the processor has no dot products of bytes with a sign"
    least = _LEAST_DOT_PRODUCT
    return (
        None
        if register_bytes == least
        else f"there are no dot products of bytes in registers of {register_bytes} bytes"
    )


def no_sums_of_pairs(target: Target) -> str | None:
    """Why a processor's sums of pairs of products (AVX2's pmaddwd and its kin) cannot be used, or None."""
    features, size = target.features.split(","), target.register_bytes
    least = {64: "+avx512bw", 32: "+avx2", 16: "+sse2"}.get(size)
    return None if least in features else f"there are no sums of pairs of products in registers of {size} bytes"


def no_byte_tiles() -> str | None:
    """Why AMX's tiles cannot be used for bytes, or None."""
    if not llvm.get_host_cpu_features().get("amx-int8"):
        return "the processor has no tile registers for bytes"
    return no_tiles()


@functools.cache
def no_tiles() -> str | None:
    """Why AMX's tiles cannot be used, or None. The right to their registers is asked of Linux once a process."""
    if not processor_features().get("amx-bf16"):
        return "the processor has no unit for bfloat16 that is faster than float32"
    if not sys.platform.startswith("linux"):
        return "tile registers are asked for on Linux only"
    if ctypes.CDLL(None, use_errno=True).syscall(_ARCH_PRCTL, _REQUEST, _TILE_DATA):
        return f"the system gives no right to tile registers ({os.strerror(ctypes.get_errno())})"
    return None
