"""What multiplies in an arithmetic: by what the processor has, and where that does not decide, by measurement.

amx            tile registers: 16 × 16 sums of 32 terms an instruction. Taken where they are.
avx512_bf16    dot products of two terms. Some processors begin as many of them as of float32's, some half as many,
               so both are timed, once, and the rate kept beside the compiled code; taken where it pays for the
               products that an arithmetic needs.
bfmmla         Arm's products of 2 × 4 by 4 × 2 numbers, timed likewise.
float32        else

int8 is multiplied by tile registers (amx) where they are, few rows of it by dot products; else by dot products of bytes
(vnni, on Arm sdot) where there are such, else by pmaddwd on x86 with AVX2, else by plain instructions (plain): all with
the same bits.
"""

from __future__ import annotations

import ctypes
import functools
import os
import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from llvmlite import ir

from cellwright.compiler.codegen.bfloat16_tile import ORDER
from cellwright.compiler.codegen.ir_builder import function, pointer
from cellwright.compiler.codegen.microkernel import ROWS, Tile
from cellwright.compiler.codegen.tiles import PARTS, tile_of
from cellwright.compiler.codegen.vector import i64
from cellwright.compiler.runtime.jit import compile_module, kept
from cellwright.compiler.target import (
    Target,
    host,
    no_byte_products,
    no_byte_tiles,
    no_dot_products,
    no_matrix_products,
    no_signed_byte_products,
    no_sums_of_pairs,
    no_tiles,
)

# Takes this unit for products of fewer bits, as ONEDNN_MAX_CPU_ISA does for oneDNN's; the emulated ones are for tests.
UNIT = "CELLWRIGHT_BFLOAT16_UNIT"
INT8_UNIT = "CELLWRIGHT_INT8_UNIT"  # the same for products of int8
# Why a processor has not got a unit, or None; in the order in which they are taken.
MISSING: dict[str, Callable[[], str | None]] = {
    "amx": no_tiles,
    "avx512_bf16": no_dot_products,
    "bfmmla": no_matrix_products,
}
UNITS = ("float32", *MISSING, *(f"emulated {unit}" for unit in MISSING))
_PAYS = 1.1  # times the rate of float32, from which on fewer bits are taken
_TERMS, _CALLS, _TURNS = 256, 200, 9  # of a product that is timed: its panel lies in the first cache


class Microkernel(NamedTuple):
    """What multiplies: its name, and why it does."""

    name: str
    reason: str


def microkernel(arithmetic: str) -> Microkernel:
    """What this processor multiplies in an arithmetic with.

    Raises ValueError where the environment asks for a unit that is not known, or not there.
    """
    if arithmetic == "float32":
        return Microkernel("float32", "float32 was asked for")
    if arithmetic == "int8":
        return _of_bytes(os.environ.get(INT8_UNIT))
    if asked := os.environ.get(UNIT):
        if asked not in UNITS:
            raise ValueError(f"{UNIT} is {asked!r}; expected one of {', '.join(UNITS)}, or nothing")
        if missing := MISSING.get(asked, lambda: None)():
            raise ValueError(f"{UNIT} asks for {asked!r} and {missing}")
        return Microkernel(asked, f"{UNIT} asks for it")
    return _found(arithmetic)


@functools.cache
def _of_bytes(asked: str | None) -> Microkernel:
    target = host()
    missing = {
        "amx": no_byte_tiles(),
        "vnni": no_byte_products(target.register_bytes),
        "sdot": no_signed_byte_products(target.register_bytes),
        "pmaddwd": no_sums_of_pairs(target),
        "plain": None,
        "emulated amx": None,
    }
    if asked:
        if asked not in missing:
            raise ValueError(f"{INT8_UNIT} is {asked!r}; expected one of {', '.join(missing)}, or nothing")
        if reason := missing[asked]:
            raise ValueError(f"{INT8_UNIT} asks for {asked!r} and {reason}")
        return Microkernel(asked, f"{INT8_UNIT} asks for it")
    found = next(unit for unit, reason in missing.items() if reason is None)
    has = dict.fromkeys(("vnni", "sdot"), "the processor has dot products of bytes")
    has["amx"] = "the processor has tile registers for bytes"
    return Microkernel(found, has.get(found) or str(missing["vnni"]))


@functools.cache
def _found(arithmetic: str) -> Microkernel:
    if (no_tile := no_tiles()) is None:
        return Microkernel("amx", "the processor has tile registers for bfloat16")
    if no_dot_products() is None:
        unit = "avx512_bf16"
    elif no_matrix_products() is None:
        unit = "bfmmla"
    else:
        return Microkernel("float32", no_tile)
    products = len(ORDER[PARTS[arithmetic]])
    gain = gain_of(unit) / products
    measured = f"a product by {unit} was measured at {gain:.2g} times the rate of float32"
    return Microkernel(unit if gain >= _PAYS else "float32", measured)


@functools.cache
def gain_of(unit: str) -> float:
    """How many times as fast as float32's tile a unit's is here, in products of bfloat16; timed once a machine."""
    target = host()
    return float(kept(f"rate of {unit}", target, lambda: repr(_measured(target, unit)).encode()))


def _measured(target: Target, unit: str) -> float:
    """The median over turns of the two tiles' times, in turn, for each column of results."""
    tiles = [tile_of(target, "float32", arithmetic, unit) for arithmetic in ("float32", "bf16")]
    runs = [_timed(target, tile) for tile in tiles]
    for run in runs:
        run()
    taken = [[run() / tile.columns for run, tile in zip(runs, tiles, strict=True)] for _ in range(_TURNS)]
    return statistics.median(plain / fewer for plain, fewer in taken)


def _timed(target: Target, tile: Tile) -> Callable[[], float]:
    """A function that multiplies a tile's rows by a panel many times, and gives the seconds that it took."""
    module = ir.Module("timed")
    made, b = function(module, "run", [i64, pointer, pointer, i64, pointer, pointer, i64, i64, pointer])
    b.call(tile.define_product(module), made.args)
    b.ret_void()
    address = compile_module(str(module), target).get_function_address("run")
    call = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 9)(address)
    rows, results = (np.zeros((ROWS, width), np.float32) for width in (_TERMS, tile.columns))
    places = [np.array([row.ctypes.data for row in matrix], np.int64) for matrix in (rows, results)]
    panel, starts = np.zeros((tile.depth(_TERMS), tile.columns), np.float32), np.zeros(tile.columns, np.float32)
    operands = np.zeros(tile.operand_bytes(ROWS, _TERMS) + 1, np.uint8)
    held = (rows, results, *places, panel, starts, operands)
    lists, words = (p.ctypes.data for p in places), (a.ctypes.data for a in (panel, starts))
    arguments = [ROWS, *lists, _TERMS, *words, 0, 1, operands.ctypes.data]

    def run(held: object = held) -> float:
        begin = time.perf_counter()
        for _ in range(_CALLS):
            call(*arguments)
        return time.perf_counter() - begin

    return run
