"""Values of several lanes whose arithmetic writes LLVM IR.

    lanes = Lanes("float32", 16)
    a, b = lanes.load(builder, p), lanes.load(builder, q)
    lanes.store(a * b + 1.0, r)          # three instructions, appended to the builder's block

No fast-math flag is set: NaN, infinities and the order of additions are what IEEE 754 says, so that a row's bits do not
depend on where it was computed.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Union

from llvmlite import ir
from llvmlite.ir import Function, FunctionType, Module, Type, Value
from llvmlite.ir import IRBuilder as Builder

Operand = Union["Vector", float, int]

i1, i32, i64 = ir.IntType(1), ir.IntType(32), ir.IntType(64)


@dataclass(frozen=True)
class Lanes:
    """A floating type ("float32" or "float64") and how many of it are computed at once."""

    dtype: str
    width: int

    @property
    def bytes(self) -> int:
        """The size of one lane."""
        return 4 if self.dtype == "float32" else 8

    @property
    def scalar(self) -> Type:
        """The IR type of one lane."""
        return ir.FloatType() if self.dtype == "float32" else ir.DoubleType()

    @property
    def vector(self) -> Type:
        """The IR type of all lanes."""
        return ir.VectorType(self.scalar, self.width)

    @property
    def integers(self) -> Type:
        """The IR type of the lanes' bits."""
        return ir.VectorType(ir.IntType(8 * self.bytes), self.width)

    @property
    def mask(self) -> Type:
        """The IR type of a truth value a lane."""
        return ir.VectorType(i1, self.width)

    @property
    def suffix(self) -> str:
        """How LLVM's intrinsics are named for this type."""
        return f"v{self.width}f{8 * self.bytes}"

    def round(self, value: float) -> float:
        """The number of this type nearest to `value`."""
        return struct.unpack("f", struct.pack("f", value))[0] if self.dtype == "float32" else float(value)

    def constant(self, value: float) -> ir.Constant:
        """`value` in every lane."""
        return ir.Constant(self.vector, [self.round(value)] * self.width)

    def integer(self, value: int) -> ir.Constant:
        """The integer `value` in every lane, as wide as the floats."""
        return ir.Constant(self.integers, [value] * self.width)

    def splat(self, builder: Builder, value: Value) -> Vector:
        """The scalar IR value in every lane."""
        first = builder.insert_element(ir.Constant(self.vector, ir.Undefined), value, ir.Constant(i32, 0))
        zeros = ir.Constant(ir.VectorType(i32, self.width), [0] * self.width)
        return Vector(self, builder, builder.shuffle_vector(first, ir.Constant(self.vector, ir.Undefined), zeros))

    def load(self, builder: Builder, pointer: Value, mask: Value | None = None) -> Vector:
        """The lanes at a pointer to scalars, aligned as a scalar is; lanes outside the mask read 0, untouched."""
        address = builder.bitcast(pointer, self.vector.as_pointer())
        if mask is None:
            loaded = builder.load(address)
            loaded.align = self.bytes
            value: Value = loaded
        else:
            kind = ir.FunctionType(self.vector, [self.vector.as_pointer(), i32, self.mask, self.vector])
            function = declare(builder.module, f"llvm.masked.load.{self.suffix}.p0", kind)
            arguments = [address, ir.Constant(i32, self.bytes), mask, self.constant(0.0)]
            value = builder.call(function, arguments)
        return Vector(self, builder, value)

    def store(self, value: Vector, pointer: Value, mask: Value | None = None) -> None:
        """Store the lanes at a pointer to scalars; lanes outside the mask are not touched."""
        builder = value.builder
        address = builder.bitcast(pointer, self.vector.as_pointer())
        if mask is None:
            builder.store(value.value, address).align = self.bytes
        else:
            kind = ir.FunctionType(ir.VoidType(), [self.vector, self.vector.as_pointer(), i32, self.mask])
            function = declare(builder.module, f"llvm.masked.store.{self.suffix}.p0", kind)
            builder.call(function, [value.value, address, ir.Constant(i32, self.bytes), mask])


def declare(module: Module, name: str, kind: FunctionType) -> Function:
    """The function of that name, declared once a module."""
    return module.globals.get(name) or ir.Function(module, kind, name)


@dataclass(frozen=True, eq=False)
class Vector:
    """`lanes.width` numbers; its operators append instructions to `builder`."""

    lanes: Lanes
    builder: Builder
    value: Value

    def of(self, other: Operand) -> Value:
        """The IR value of another vector, or of a number in every lane."""
        return other.value if isinstance(other, Vector) else self.lanes.constant(other)

    def new(self, value: Value) -> Vector:
        """A vector of the same lanes for an IR value."""
        return Vector(self.lanes, self.builder, value)

    def __add__(self, other: Operand) -> Vector:
        return self.new(self.builder.fadd(self.value, self.of(other)))

    def __radd__(self, other: Operand) -> Vector:
        return self.new(self.builder.fadd(self.of(other), self.value))

    def __sub__(self, other: Operand) -> Vector:
        return self.new(self.builder.fsub(self.value, self.of(other)))

    def __rsub__(self, other: Operand) -> Vector:
        return self.new(self.builder.fsub(self.of(other), self.value))

    def __mul__(self, other: Operand) -> Vector:
        return self.new(self.builder.fmul(self.value, self.of(other)))

    def __rmul__(self, other: Operand) -> Vector:
        return self.new(self.builder.fmul(self.of(other), self.value))

    def __truediv__(self, other: Operand) -> Vector:
        return self.new(self.builder.fdiv(self.value, self.of(other)))

    def __rtruediv__(self, other: Operand) -> Vector:
        return self.new(self.builder.fdiv(self.of(other), self.value))

    def __neg__(self) -> Vector:
        return self.new(self.builder.fneg(self.value))

    def __gt__(self, other: Operand) -> Value:
        """The mask of the lanes in which self > other (false where either is NaN)."""
        return self.builder.fcmp_ordered(">", self.value, self.of(other))

    def __lt__(self, other: Operand) -> Value:
        """The mask of the lanes in which self < other (false where either is NaN)."""
        return self.builder.fcmp_ordered("<", self.value, self.of(other))

    def call(self, name: str, *others: Operand) -> Vector:
        """LLVM's intrinsic `name` ("sqrt", "fabs", "fma", "roundeven", "copysign", …) on self and others."""
        kind = ir.FunctionType(self.lanes.vector, [self.lanes.vector] * (1 + len(others)))
        function = declare(self.builder.module, f"llvm.{name}.{self.lanes.suffix}", kind)
        return self.new(self.builder.call(function, [self.value, *map(self.of, others)]))

    def fma(self, factor: Operand, summand: Operand) -> Vector:
        """Self × factor + summand, rounded once."""
        return self.call("fma", factor, summand)

    def maximum(self, other: Operand) -> Vector:
        """The larger; NaN where either is NaN."""
        other = self.new(self.of(other))
        return other.select(self.builder.or_(other > self, other.is_nan()), self)

    def minimum(self, other: Operand) -> Vector:
        """The smaller; NaN where either is NaN."""
        other = self.new(self.of(other))
        return other.select(self.builder.or_(other < self, other.is_nan()), self)

    def is_nan(self) -> Value:
        """The mask of the lanes that hold NaN."""
        return self.builder.fcmp_unordered("uno", self.value, self.value)

    def select(self, mask: Value, other: Operand) -> Vector:
        """Self where the mask holds, else other."""
        return self.new(self.builder.select(mask, self.value, self.of(other)))

    def bits(self) -> Value:
        """The lanes' bits as an IR vector of integers."""
        return self.builder.bitcast(self.value, self.lanes.integers)

    def from_bits(self, bits: Value) -> Vector:
        """The floats of these bits."""
        return self.new(self.builder.bitcast(bits, self.lanes.vector))
