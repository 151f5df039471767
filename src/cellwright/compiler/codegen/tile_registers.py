"""The tile registers of a processor with AMX: eight, each 16 rows of 64 bytes; or memory in their place, for tests.

    dot(c, a, b)         C[m, n] += Σ_k A[m, 2k] B[2k, n] + A[m, 2k + 1] B[2k + 1, n],  16 × 16 sums of 32 terms
    dot_bytes(c, a, b)   C[m, n] += Σ_k Σ_i A[m, 4k + i] B[4k + i, n],  16 × 16 sums of 64 terms

C holds float32, a row of A 32 bfloat16, a row of B 16 words of two neighbouring terms. As the processor adds: the even
terms one after another from zero, each with one fused multiply-add, so the odd ones, then both together to C;
denormals are read and written as zero (Intel's manual, TDPBF16PS). In memory the same is done by plain instructions.

A thread has to be told the shape of its tiles before it multiplies, and other libraries take that back.
"""

from __future__ import annotations

from llvmlite import ir
from llvmlite.ir import Function, Module, Value
from llvmlite.ir import IRBuilder as Builder

from cellwright.compiler.codegen import bfloat16, byte_products
from cellwright.compiler.codegen.bfloat16_tile import TERMS
from cellwright.compiler.codegen.ir_builder import BYTE, at, count, element, function, integer, load, pointer
from cellwright.compiler.codegen.vector import Lanes, Vector, declare, i32
from cellwright.compiler.target import LINE

ROWS, COLUMNS = 16, 16
_REGISTERS = 8
_SUMS = Lanes("float32", COLUMNS)
# Palette 1; then from byte 16 on how many bytes a row of each tile has, from byte 48 on how many rows.
_SHAPE = [1] + [0] * 15 + [LINE, 0] * _REGISTERS + [0] * 16 + [ROWS] * _REGISTERS + [0] * 8


class OnRegisters:
    """What a tile whose products are made by tile registers has its threads do before and after."""

    emulated: bool

    def begin(self, b: Builder) -> None:
        """Before a thread multiplies."""
        if not self.emulated:
            configure(b)

    def end(self, b: Builder) -> None:
        """When it has done with it."""
        if not self.emulated:
            release(b)


class TileRegisters:
    """The registers of a function that is being written; `emulated` keeps them in memory."""

    def __init__(self, b: Builder, *, emulated: bool) -> None:
        self._b, self._memory = b, list[Value]()
        if emulated:
            with b.goto_entry_block():
                self._memory += [_aligned(b) for _ in range(_REGISTERS)]

    def load(self, register: int, place: Value, stride: Value) -> None:
        """Sixteen rows, `stride` bytes apart."""
        if self._memory:
            self._copy(place, stride, self._memory[register], integer(LINE))
        else:
            self._call("tileloadd64", register, place, stride)

    def store(self, register: int, place: Value, stride: Value) -> None:
        """Store sixteen rows, `stride` bytes apart."""
        if self._memory:
            self._copy(self._memory[register], integer(LINE), place, stride)
        else:
            self._call("tilestored64", register, place, stride)

    def dot(self, sums: int, a: int, b: int) -> None:
        """Add the product of two registers to a third."""
        if self._memory:
            self._b.call(_emulated_dot(self._b.module), [self._memory[r] for r in (sums, a, b)])
        else:
            self._call("tdpbf16ps", sums, a, b)

    def dot_bytes(self, sums: int, a: int, b: int) -> None:
        """The same of bytes: those of a without a sign, those of b with one, and sums of 32 bits."""
        if self._memory:
            self._b.call(_emulated_dot_of_bytes(self._b.module), [self._memory[r] for r in (sums, a, b)])
        else:
            self._call("tdpbusd", sums, a, b)

    def _call(self, name: str, *operands: int | Value) -> None:
        given = [ir.Constant(BYTE, o) if isinstance(o, int) else o for o in operands]
        kind = ir.FunctionType(ir.VoidType(), [o.type for o in given])
        self._b.call(declare(self._b.module, f"llvm.x86.{name}", kind), given)

    def _copy(self, source: Value, source_stride: Value, target: Value, target_stride: Value) -> None:
        b = self._b
        with count(b, integer(0), integer(ROWS)) as r:
            row = _SUMS.load(b, b.bitcast(b.gep(source, [b.mul(r, source_stride)]), ir.FloatType().as_pointer()))
            target_row = b.gep(target, [b.mul(r, target_stride)])
            _SUMS.store(row, b.bitcast(target_row, ir.FloatType().as_pointer()))


def _aligned(b: Builder) -> Value:
    """Memory for a register."""
    place = b.alloca(BYTE, ROWS * LINE)
    place.align = LINE
    return place


def configure(b: Builder) -> None:
    """Tell this thread's processor the shape of its tiles."""
    load_shape = declare(b.module, "llvm.x86.ldtilecfg", ir.FunctionType(ir.VoidType(), [pointer]))
    b.call(load_shape, [b.bitcast(_shape(b.module), pointer)])


def _shape(module: Module) -> Value:
    """The words that say it, once a module."""
    if known := module.globals.get("tile_shape"):
        return known
    kind = ir.ArrayType(BYTE, len(_SHAPE))
    shape = ir.GlobalVariable(module, kind, "tile_shape")
    shape.linkage, shape.global_constant, shape.initializer = "internal", True, ir.Constant(kind, _SHAPE)
    return shape


def release(b: Builder) -> None:
    """Give the tiles up, so that the system need not save them any more."""
    b.call(declare(b.module, "llvm.x86.tilerelease", ir.FunctionType(ir.VoidType(), [])), [])


def _emulated_dot(module: Module) -> Function:
    """The function dot(C, A, B) on registers in memory, made once a module."""
    if known := module.globals.get("emulated_dot"):
        return known
    made, b = function(module, "emulated_dot", [pointer] * 3, inline=True)
    sums, rows, words = made.args
    zero = Vector(_SUMS, b, _SUMS.constant(0.0))
    with b.goto_entry_block():
        totals = [b.alloca(_SUMS.scalar, COLUMNS) for _ in range(2)]
    with count(b, integer(0), integer(ROWS)) as m:
        for total in totals:
            _SUMS.store(zero, total)
        with count(b, integer(0), integer(TERMS // 2)) as k:
            pair = load(b, rows, b.add(b.mul(m, integer(LINE // 4)), k), i32)
            own = _SUMS.splat(b, b.bitcast(pair, _SUMS.scalar)).bits()
            other = _SUMS.load(b, at(b, element(b, words, k, LINE), integer(0), _SUMS.scalar)).bits()
            for total, x, y in zip(
                totals, bfloat16.terms_of(b, _SUMS, own), bfloat16.terms_of(b, _SUMS, other), strict=True
            ):
                added = bfloat16.flushed(x).fma(bfloat16.flushed(y), _SUMS.load(b, total))
                _SUMS.store(bfloat16.flushed(added), total)
        both = bfloat16.flushed(_SUMS.load(b, totals[0]) + _SUMS.load(b, totals[1]))
        target = at(b, element(b, sums, m, LINE), integer(0), _SUMS.scalar)
        _SUMS.store(bfloat16.flushed(bfloat16.flushed(_SUMS.load(b, target)) + both), target)
    b.ret_void()
    return made


def _emulated_dot_of_bytes(module: Module) -> Function:
    """The function dot(C, A, B) of bytes on registers in memory, made once a module."""
    if known := module.globals.get("emulated_dot_of_bytes"):
        return known
    made, b = function(module, "emulated_dot_of_bytes", [pointer] * 3, inline=True)
    sums, rows, words = made.args
    with count(b, integer(0), integer(ROWS)) as m, count(b, integer(0), integer(LINE // byte_products.WORD)) as k:
        word = load(b, rows, b.add(b.mul(m, integer(LINE // byte_products.WORD)), k), i32)
        own = _SUMS.splat(b, b.bitcast(word, _SUMS.scalar)).bits()
        other = _SUMS.load(b, at(b, element(b, words, k, LINE), integer(0), _SUMS.scalar)).bits()
        target = at(b, element(b, sums, m, LINE), integer(0), _SUMS.scalar)
        found = byte_products.dot(b, _SUMS, "plain", _SUMS.load(b, target).bits(), own, other)
        _SUMS.store(Vector(_SUMS, b, b.bitcast(found, _SUMS.vector)), target)
    b.ret_void()
    return made
