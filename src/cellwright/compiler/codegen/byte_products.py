"""Sums of products of bytes, four a lane: by the instruction that there is, with the same bits by each.

vnni         four products of bytes a lane and instruction (AVX512-VNNI, AVX-VNNI)
sdot         the same of Arm, of bytes with a sign
pmaddwd      two of 16 bits
plain        shifts and multiplications, which any processor has, and which the others are held against
plain sdot   the same on the bytes that sdot takes
"""

from __future__ import annotations

from llvmlite import ir
from llvmlite.ir import IRBuilder as Builder
from llvmlite.ir import Value

from cellwright.compiler.codegen.ir_builder import BYTE
from cellwright.compiler.codegen.vector import Lanes, declare

WORD = 4  # bytes


def takes_signed(unit: str) -> bool:
    """Whether a unit reads the bytes of a with a sign, too."""
    return unit.endswith("sdot")


def dot(b: Builder, lanes: Lanes, unit: str, sums: Value, a: Value, w: Value) -> Value:
    """Add to each lane of the sums its four bytes of a (signed where the unit takes signs) times those of w, signed.

    Many arguments: three registers, and what multiplies them.
    """
    if unit in ("vnni", "sdot"):
        quads = ir.VectorType(BYTE, WORD * lanes.width)
        of_arm = f"llvm.aarch64.neon.sdot.v{lanes.width}i32.v{WORD * lanes.width}i8"
        name = of_arm if unit == "sdot" else f"llvm.x86.avx512.vpdpbusd.{32 * lanes.width}"  # of AVX-VNNI as well
        kind = ir.FunctionType(lanes.integers, [lanes.integers, quads, quads])
        return b.call(declare(b.module, name, kind), [sums, b.bitcast(a, quads), b.bitcast(w, quads)])
    if unit == "pmaddwd":
        pairs = ir.VectorType(ir.IntType(16), 2 * lanes.width)
        eight, low = ir.Constant(pairs, [8] * 2 * lanes.width), ir.Constant(pairs, [255] * 2 * lanes.width)
        own, weight = b.bitcast(a, pairs), b.bitcast(w, pairs)
        even = _pairs(b, lanes, b.and_(own, low), b.ashr(b.shl(weight, eight), eight))
        odd = _pairs(b, lanes, b.lshr(own, eight), b.ashr(weight, eight))
        return b.add(b.add(sums, even), odd)
    for k in range(WORD):
        own, weight = (b.ashr(b.shl(x, lanes.integer(24 - 8 * k)), lanes.integer(24)) for x in (a, w))
        if not takes_signed(unit):
            own = b.and_(own, lanes.integer(255))
        sums = b.add(sums, b.mul(own, weight))
    return sums


_PMADDWD = {4: "sse2.pmadd.wd", 8: "avx2.pmadd.wd", 16: "avx512.pmaddw.d.512"}


def _pairs(b: Builder, lanes: Lanes, x: Value, y: Value) -> Value:
    """The sums of neighbouring products of numbers of 16 bits."""
    kind = ir.FunctionType(lanes.integers, [x.type, y.type])
    return b.call(declare(b.module, f"llvm.x86.{_PMADDWD[lanes.width]}", kind), [x, y])
