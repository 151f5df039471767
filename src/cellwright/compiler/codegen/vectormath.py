"""Elementary functions of a `Vector`: exp, sigmoid, tanh, log and log1p.

    y = sigmoid(x)                  # appends its instructions to x.builder

There is no branch and no approximate instruction, and every fma is written out: a lane has the same bits at every
register width. Infinities, NaN, zeros of both signs and denormal numbers are right, as arguments and as results.

The largest errors in units in the last place, of float32 over every number and of float64 over 30 million drawn ones:

    function  method                                                            float32  float64
    exp       4^m times a minimax polynomial of degree 7 (float64: 13)             1.62     1.43
    sigmoid   the same e^x in a quotient that cannot overflow                      3.08     3.30
    tanh      2^n and a minimax polynomial for e^2x - 1 of degree 6 (11)           3.33     3.24
    log       FreeBSD's: k ln 2 and a polynomial in f / (2 + f)                    0.83     0.80
    log1p     the same, with an f that keeps all of x                              1.39     1.41

With 16 lanes, exp is 16 instructions, sigmoid and tanh are 17: they stand in the inner loop of most cells.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from llvmlite.ir import Value

from cellwright.compiler.codegen.vector import Vector


class _Numbers(NamedTuple):
    """A floating format, and the coefficients that suit it (from the highest power down)."""

    fraction: int  # bits after the binary point
    bias: int  # of the exponent
    ln2: tuple[float, float]  # its nearest number, and what that leaves
    smallest: float  # e^x rounds to 0 below
    largest: float  # and to infinity above
    exp: tuple[float, ...]  # P in e^r = 1 + r + r² P(r), |r| ≤ ln 2
    tanh: tuple[float, ...]  # P in e^2r = 1 + 2r + r² P(r), |r| ≤ ln 2 / 4
    log: tuple[float, ...]  # R in log(1 + f) = f - f²/2 + s (f²/2 + s² R(s²)), s = f / (2 + f)


# exp and tanh: minimax, from tools/minimax.py. log: FreeBSD's msun, e_logf.c and e_log.c (Sun Microsystems, 1993).
_NUMBERS = {
    "float32": _Numbers(
        fraction=23,
        bias=127,
        ln2=(0.693147182464599609375, -1.904654299957768e-09),
        smallest=-104.0,
        largest=89.0,
        exp=(0.000196122348, 0.00141045107, 0.00833609977, 0.0416612663, 0.166666142, 0.500000347),
        tanh=(0.0888494626, 0.26772963, 0.666675175, 1.33332347, 1.99999993),
        log=(0.24279078841, 0.28498786688, 0.40000972152, 0.66666662693),
    ),
    "float64": _Numbers(
        fraction=52,
        bias=1023,
        ln2=(0.6931471805599453094, 2.319046813846299558e-17),
        smallest=-746.0,
        largest=710.0,
        exp=(
            1.5936031466157152e-10,
            2.1062483322302106e-9,
            2.5055030233215455e-8,
            2.755615615930975e-7,
            2.755730064890694e-6,
            2.48015908384116e-5,
            0.00019841269892838134,
            0.0013888888883560456,
            0.008333333333269778,
            0.041666666666702218,
            0.16666666666666938,
            0.49999999999999928,
        ),
        tanh=(
            5.1310908590057882e-5,
            0.0002828912794840906,
            0.0014109392229793391,
            0.0063491853111309165,
            0.025396825241069446,
            0.088888889162777791,
            0.26666666666846183,
            0.66666666666522269,
            1.3333333333333271,
            2.0000000000000021,
        ),
        log=(
            0.1479819860511658591,
            0.1531383769920937332,
            0.1818357216161805012,
            0.2222219843214978396,
            0.2857142874366239149,
            0.3999999999940941908,
            0.6666666666666735130,
        ),
    ),
}


def exp(x: Vector) -> Vector:
    """e^x = 4^m e^r. The last product alone is rounded when the result is denormal, as 2^m never is."""
    numbers = _numbers(x)
    power, r = _reduce(x.maximum(numbers.smallest).minimum(numbers.largest))
    return _polynomial(r, (*numbers.exp, 1.0, 1.0)) * power * power


def sigmoid(x: Vector) -> Vector:
    """1 / (1 + e^-x) = 2^m / (2^m + 2^-m e^-r), where e^x = 4^m e^r: small results keep all their digits."""
    numbers = _numbers(x)
    power, r = _reduce(x.maximum(numbers.smallest).minimum(-numbers.smallest))
    inverse = x.from_bits(x.builder.sub(x.lanes.integer(2 * numbers.bias << numbers.fraction), power.bits()))
    return power / _polynomial(-r, (*numbers.exp, 1.0, 1.0)).fma(inverse, power)


def tanh(x: Vector) -> Vector:
    """(e^2a - 1) / (e^2a + 1), a = |x|, divided by 2^n: (w + 1 - z) / (w + 1 + z), where z = 2^-n, e^2a = 2^n (1 + w).

    Near 0, n is 0 and w exact to its last bit. The denominator is the numerator + 2 z, so that where both are large
    an error of the numerator is one of the denominator too.
    """
    numbers = _numbers(x)
    a = x.call("fabs").minimum(20.0)  # where tanh has rounded to 1 in float64 too
    z, n = _power(a, -2.0 / math.log(2))
    r = n.fma(numbers.ln2[0] / 2, a)
    w = _polynomial(r, (*numbers.tanh, 2.0)) * r
    numerator = (1.0 - z) + w
    return (numerator / z.fma(2.0, numerator)).call("copysign", x)


def log(x: Vector) -> Vector:
    """The natural logarithm: -inf at 0, NaN below."""
    numbers = _numbers(x)
    denormal = x < 2.0 ** (1 - numbers.bias)
    shift = numbers.fraction + 1
    normal = (x * 2.0**shift).select(denormal, x)
    k, exponent = _exponent(normal)
    f = x.from_bits(x.builder.sub(normal.bits(), exponent)) - 1.0
    return _at_limits(_log_of_parts((k - float(shift)).select(denormal, k), f), x, x)


def log1p(x: Vector) -> Vector:
    """log(1 + x) of the exact sum: -inf at -1, NaN below, x itself near 0.

    With 1 + x = 2^k (1 + f), f is 2^-k x + (2^-k - 1), which loses nothing of a small x (after N. Juffa).
    """
    k, exponent = _exponent(x + 1.0)
    # 2^-k may be denormal, four times that is not.
    scale = x.from_bits(x.builder.sub(_bits(x, 4.0), exponent))
    f = (x * 0.25).fma(scale, scale.fma(0.25, -1.0))
    result = _at_limits(_log_of_parts(k, f), x, x + 1.0)
    return x.select(x.call("fabs") < 2.0 ** -(_numbers(x).fraction + 2), result)


def _numbers(x: Vector) -> _Numbers:
    return _NUMBERS[x.lanes.dtype]


def _bits(x: Vector, value: float) -> Value:
    """The bits of a constant in every lane of x."""
    return x.new(x.of(value)).bits()


def _polynomial(x: Vector, coefficients: tuple[float, ...]) -> Vector:
    """By Horner's rule, from the highest power down."""
    value = x.new(x.of(coefficients[0]))
    for coefficient in coefficients[1:]:
        value = value.fma(x, coefficient)
    return value


def _power(x: Vector, factor: float) -> tuple[Vector, Vector]:
    """2^n and n, the integer nearest to factor · x (2^n must be a normal number).

    Adding 1.5 · 2^fraction rounds to an integer and leaves it in the lowest bits; with the exponent's bias added too,
    these bits are the exponent of 2^n.
    """
    numbers = _numbers(x)
    rounder = 1.5 * 2.0**numbers.fraction + numbers.bias
    shifted = x.fma(factor, rounder)
    bits = x.builder.shl(shifted.bits(), x.lanes.integer(numbers.fraction))
    return x.from_bits(bits), shifted - rounder


def _reduce(x: Vector) -> tuple[Vector, Vector]:
    """2^m and r of e^x = 4^m e^r, |r| ≤ ln 2. By powers of 4, since 2^m is a normal number wherever e^x is not 0."""
    high, low = _numbers(x).ln2
    power, m = _power(x, 0.5 / math.log(2))
    return power, m.fma(-2 * low, m.fma(-2 * high, x))


def _exponent(x: Vector) -> tuple[Vector, Value]:
    """k of x = 2^k (1 + f), √½ ≤ 1 + f < √2, as a number and in the place of an exponent; x is a normal number."""
    numbers, b = _numbers(x), x.builder
    shift = x.lanes.integer(numbers.fraction)
    one = _bits(x, 1.0)
    biased = b.lshr(b.add(x.bits(), b.sub(one, _bits(x, math.sqrt(0.5)))), shift)
    # The reverse of the trick of _power: there is no conversion of 64-bit integers before AVX-512.
    rounder = 1.5 * 2.0**numbers.fraction
    k = x.from_bits(b.add(biased, _bits(x, rounder))) - (rounder + numbers.bias)
    return k, b.sub(b.shl(biased, shift), one)


def _log_of_parts(k: Vector, f: Vector) -> Vector:
    """k ln 2 + log(1 + f), the larger parts added last."""
    numbers = _numbers(f)
    high, low = numbers.ln2
    s = f / (f + 2.0)
    square = s * s
    half = f * f * 0.5
    tail = s.fma(_polynomial(square, numbers.log).fma(square, half), k * low)
    return k.fma(high, f - (half - tail))


def _at_limits(logarithm: Vector, x: Vector, argument: Vector) -> Vector:
    """The logarithm, or x where that is inf or NaN, -inf where its argument is 0, NaN where it is less."""
    endless = x.builder.fcmp_unordered(">=", x.value, x.of(math.inf))
    zero = x.builder.fcmp_ordered("==", argument.value, x.of(0.0))
    result = x.new(x.of(-math.inf)).select(zero, x.select(endless, logarithm))
    return x.new(x.of(math.nan)).select(argument < 0.0, result)
