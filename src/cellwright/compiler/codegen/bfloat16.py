"""Numbers of 16 bits: bfloat16, the upper half of a float32, and float32 numbers as sums of a few of them.

    x = p_0 + p_1 + …,  p_0 = bfloat16(x),  p_1 = bfloat16(x - p_0), …

A part holds 8 bits of the significand, so that two parts hold 16 and three all 24. Two neighbouring terms of a sum lie
together in a word of 32 bits, the earlier one in the lower half, which is how processors multiply them.
"""

from __future__ import annotations

from llvmlite import ir
from llvmlite.ir import IRBuilder as Builder
from llvmlite.ir import Type, Value

from cellwright.compiler.codegen.vector import Lanes, Vector, declare, i32
from cellwright.compiler.target import Target

i16 = ir.IntType(16)
_UPPER = 0xFFFF0000
_HALF = 0x7FFF  # what rounds a float32 to the nearest of 16 bits, but for ties
_QUIET = 0x7FC00000  # a NaN
_SMALLEST = 2.0**-126  # normal float32
_INFINITY = float("inf")
_BEYOND_FLOAT32 = (1 << 29) - 1  # the bits of a float64 that float32 has not got


class _BFloat(ir.Type):
    """LLVM's type, which llvmlite does not name."""

    def __str__(self) -> str:
        return "bfloat"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _BFloat)

    def __hash__(self) -> int:
        return hash(_BFloat)


def rounds_itself(target: Target, lanes: Lanes) -> bool:
    """Whether the processor has an instruction that rounds a register of float32."""
    return "+avx512bf16" in target.features.split(",") and lanes.width == 16


def vector_type(width: int) -> Type:
    """LLVM's type of so many bfloat16."""
    return ir.VectorType(_BFloat(), width)


def parts(value: Vector, number: int, native: bool) -> list[Vector]:
    """Float32 numbers as so many parts, each a float32 that is a bfloat16; infinities and NaN lie in the first alone.

    `native` takes the processor's own rounding, which reads denormals as zero, as its products do.
    """
    found, rest = [], value
    for k in range(number):
        found.append(_rounded(rest, native))
        if k + 1 < number:
            finite = found[0].call("fabs") < _INFINITY
            rest = (rest - found[-1]).select(finite, 0.0)
    return found


def _rounded(value: Vector, native: bool) -> Vector:
    """The nearest bfloat16, ties to even."""
    b, lanes = value.builder, value.lanes
    if native:
        halves = b.bitcast(b.fptrunc(value.value, vector_type(lanes.width)), ir.VectorType(i16, lanes.width))
        return value.from_bits(b.shl(b.zext(halves, lanes.integers), lanes.integer(16)))
    bits = flushed(value).bits()  # before it is rounded, as the instruction does
    odd = b.and_(b.lshr(bits, lanes.integer(16)), lanes.integer(1))
    nearest = b.and_(b.add(b.add(bits, lanes.integer(_HALF)), odd), lanes.integer(_UPPER))
    return value.from_bits(b.select(value.is_nan(), lanes.integer(_QUIET), nearest))


def store(value: Vector, place: Value, native: bool) -> None:
    """Store float32 numbers as bfloat16, at a pointer to the first of 16 bits."""
    kind = ir.VectorType(i16, value.lanes.width).as_pointer()
    b = value.builder
    b.store(halves(_rounded(value, native)), b.bitcast(place, kind)).align = 2


def load(b: Builder, lanes: Lanes, place: Value, mask: Value | None = None) -> Vector:
    """Numbers of bfloat16 as float32; lanes outside the mask read 0, untouched."""
    kind = ir.VectorType(i16, lanes.width)
    address = b.bitcast(place, kind.as_pointer())
    if mask is None:
        loaded = b.load(address)
        loaded.align = 2
        found: Value = loaded
    else:
        name = f"llvm.masked.load.v{lanes.width}i16.p0"
        function = declare(b.module, name, ir.FunctionType(kind, [kind.as_pointer(), i32, lanes.mask, kind]))
        found = b.call(function, [address, ir.Constant(i32, 2), mask, ir.Constant(kind, [0] * lanes.width)])
    bits = b.shl(b.zext(found, lanes.integers), lanes.integer(16))
    return Vector(lanes, b, b.bitcast(bits, lanes.vector))


def of_share(value: Vector) -> Vector:
    """A number from 0 to 1 by its nearer end: itself, or less than zero its distance from 1."""
    return (-(1.0 - value)).select(value > 0.5, value)


def as_share(kept: Vector) -> Vector:
    """The number of which `of_share` made this."""
    b, lanes = kept.builder, kept.lanes
    return (1.0 + kept).select(b.icmp_signed("<", kept.bits(), lanes.integer(0)), kept)


def halves(part: Vector) -> Value:
    """The 16 bits of each lane of a part."""
    b, lanes = part.builder, part.lanes
    return b.trunc(b.lshr(part.bits(), lanes.integer(16)), ir.VectorType(i16, lanes.width))


def words(even: Vector, odd: Vector) -> Vector:
    """Lane by lane the words of two neighbouring terms' parts, as the bits of a float32."""
    b, lanes = even.builder, even.lanes
    return even.from_bits(b.or_(b.lshr(even.bits(), lanes.integer(16)), odd.bits()))


def terms_of(b: Builder, lanes: Lanes, word: Value) -> tuple[Vector, Vector]:
    """The even and the odd term of words (an IR vector of integers), as float32."""
    even, odd = b.shl(word, lanes.integer(16)), b.and_(word, lanes.integer(_UPPER))
    return tuple(Vector(lanes, b, b.bitcast(bits, lanes.vector)) for bits in (even, odd))  # type: ignore[return-value]


def flushed(value: Vector) -> Vector:
    """Zero of the same sign in place of a denormal, as the processors' bfloat16 products have it."""
    zero = value.new(value.lanes.constant(0.0)).call("copysign", value)
    return zero.select(value.call("fabs") < _SMALLEST, value)


def added_to_odd(x: Vector, y: Vector) -> Vector:
    """The sum of float32 numbers, none of them denormal, rounded to odd; zero in place of a denormal, NaN in one way.

    To odd: an inexact sum is that of its two neighbours whose last bit is 1. The sum is taken in float64 beside what
    that lost (Knuth's two-sum), brought towards zero, and cut to the bits of float32, the last of which is set where
    anything was lost.
    """
    b, lanes = x.builder, x.lanes
    wide = Lanes("float64", lanes.width)
    p, q = (Vector(wide, b, b.fpext(z.value, wide.vector)) for z in (x, y))
    total = p + q
    taken = total - p
    lost = (p - (total - taken)) + (q - taken)
    inexact = b.or_(lost < 0.0, lost > 0.0)
    outside = b.and_(inexact, b.icmp_signed("<", b.xor(lost.bits(), total.bits()), wide.integer(0)))
    nearer = b.sub(total.bits(), b.zext(outside, wide.integers))
    rest = b.and_(nearer, wide.integer(_BEYOND_FLOAT32))
    odd = b.or_(inexact, b.icmp_unsigned("!=", rest, wide.integer(0)))
    bits = b.or_(b.xor(nearer, rest), b.shl(b.zext(odd, wide.integers), wide.integer(_BEYOND_FLOAT32.bit_length())))
    found = x.new(b.fptrunc(b.bitcast(bits, wide.vector), lanes.vector))
    nan = x.from_bits(lanes.integer(_QUIET))
    return nan.select(total.is_nan(), flushed(found))
