"""Elementary functions of a `Vector`: exp, sigmoid, tanh, log, log1p, power, sin, cos and atan.

    y = sigmoid(x)                  # appends its instructions to x.builder

There is no branch and no approximate instruction, and every fma is written out: a lane has the same bits at every
register width. Infinities, NaN, zeros of both signs and denormal numbers are right, as arguments and as results.

The largest errors in units in the last place; of the first five of float32 over every number and of float64 over 30
million drawn ones, of the others over 40 million of float32 and 20 of float64, and 11 million pairs:

    function  method                                                            float32  float64
    exp       4^m times a minimax polynomial of degree 7 (float64: 13)             1.62     1.43
    sigmoid   the same e^x in a quotient that cannot overflow                      3.08     3.30
    tanh      2^n and a minimax polynomial for e^2x - 1 of degree 6 (11)           3.33     3.24
    log       FreeBSD's: k ln 2 and a polynomial in f / (2 + f)                    0.83     0.80
    log1p     the same, with an f that keeps all of x                              1.39     1.41
    power     e^(y log |x|), the logarithm in two parts                            1.98     2.03
              of some numbers y (`QUARTERS`) x and its roots, multiplied           2.71     2.72
    sin, cos  minimax, of x less a multiple of π/2 in four parts                   2.08     1.61
    atan      minimax, of x or -1/x                                                1.43     1.66

sin and cos are of |x| < 2^fraction π/4, which is 6.5 million in float32, and NaN beyond.

With 16 lanes, exp is 16 instructions, sigmoid and tanh are 17: they stand in the inner loop of most cells.
"""

from __future__ import annotations

import functools
import math
import operator
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
    two_thirds: tuple[float, float]  # its nearest number, and what that leaves
    power: tuple[float, ...]  # P in log(1 + f) = 2 s + 2/3 s³ + s⁵ P(s²)
    half_pi: tuple[float, ...]  # its nearest number, what that leaves, and so on
    sin: tuple[float, ...]  # P in sin r = r + r³ P(r²), |r| ≤ 5 π / 16
    cos: tuple[float, ...]  # P in cos r = 1 - r²/2 + r⁴ P(r²)
    atan: tuple[float, ...]  # P in atan r = r + r³ P(r²), |r| ≤ 1


# All by tools/minimax.py, but log: FreeBSD's msun, e_logf.c and e_log.c (Sun Microsystems, 1993).
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
        two_thirds=(0.6666666865348816, -1.9868215517249155e-08),
        power=(0.234184568, 0.285471415, 0.400001521),
        half_pi=(1.57079637, -4.37113883e-8, -1.71512451e-15, 1.0562999e-23),
        sin=(2.69700907e-6, -0.000198364822, 0.00833331787, -0.166666665),
        cos=(2.42224742e-5, -0.00138849825, 0.0416665839),
        atan=(
            -0.00179361717,
            0.0109145906,
            -0.0311778286,
            0.0579575892,
            -0.0840345098,
            0.109521864,
            -0.142642419,
            0.199985483,
            -0.333332991,
        ),
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
        two_thirds=(0.6666666666666666, 3.700743415417188e-17),
        power=(
            0.13196301380404377,
            0.13256823126513721,
            0.15386756988570426,
            0.18181784377154845,
            0.22222222519776407,
            0.28571428570100588,
            0.40000000000002253,
        ),
        half_pi=(1.5707963267948966, 6.123233995736766e-17, -1.4973849048591698e-33, 5.5622711043168264e-50),
        sin=(
            -7.5399989880035159e-13,
            1.6057380731684882e-10,
            -2.5052094981656273e-8,
            2.7557319164519679e-6,
            -0.0001984126984112849,
            0.0083333333333331737,
            -0.16666666666666666,
        ),
        cos=(
            -1.1294654002679079e-11,
            2.0874148752539871e-9,
            -2.7557299585981474e-7,
            2.4801587223303514e-5,
            -0.0013888888888734899,
            0.041666666666665529,
        ),
        atan=(
            1.3225107137395394e-5,
            -0.00015216118628960942,
            0.0008313233587244775,
            -0.0028849228343013799,
            0.0071965119349328158,
            -0.013900572880728824,
            0.021984867517572875,
            -0.029903870620042531,
            0.036641919014213813,
            -0.042191793790251796,
            0.04722322389929584,
            -0.052535186080499322,
            0.058805278281959915,
            -0.066664040601170414,
            0.076922798396435102,
            -0.090909070030255634,
            0.11111111007028359,
            -0.14285714282575194,
            0.19999999999951462,
            -0.33333333333333068,
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
    return _at_limits(_log_of_parts(*_normal_parts(x)), x, x)


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


def power(x: Vector, y: Vector) -> Vector:
    """x^y = ±e^(y log |x|), the logarithm in two parts: what one leaves would be multiplied by y.

    As C has it, and torch.pow: 1 where y is 0 or x is 1, NaN included; NaN of a negative x but for whole y, of which
    the odd ones keep its sign.
    """
    b, numbers, a = x.builder, _numbers(x), x.call("fabs")
    high, low = _log_in_two(a)
    exponent = y * high
    within = exponent.maximum(numbers.smallest).minimum(numbers.largest)
    rest = low.fma(y, y.fma(high, -exponent)).select(_equal(within, exponent), 0.0)
    scale, r = _reduce(within)
    size = _polynomial(r + rest, (*numbers.exp, 1.0, 1.0)) * scale * scale
    one = x.new(x.of(1.0))
    size = one.select(b.or_(_equal(y, 0.0), _equal(a, 1.0)), size)
    whole, odd = _whole(y), b.and_(_whole(y), b.not_(_whole(y * 0.5)))
    signed = size.call("copysign", x).select(odd, size)
    none = b.and_(b.and_(x < 0.0, x > -math.inf), b.not_(whole))
    return x.new(x.of(math.nan)).select(none, signed)


# The exponents whose powers are products and roots: those in which these err by 2.8 units in the last place at most.
QUARTERS = frozenset(0.25 * k for k in range(-6, 15)) - {-0.75, 1.75, 2.75}


def power_of(x: Vector, exponent: float) -> Vector:
    """The same for a number; of `QUARTERS` by products of x and of its square roots, which are few instructions."""
    if exponent not in QUARTERS:
        return power(x, x.new(x.of(exponent)))
    whole, quarters = divmod(int(4 * abs(exponent)), 4)
    a = x.call("fabs") if quarters else x
    one = x.new(x.of(1.0))
    if exponent < 0 and whole:  # first, since x^whole may be infinite where what it divides is not 0
        a = one / a
    factors = [a] * whole
    if quarters:
        root = a.call("sqrt")
        factors += [root] * (quarters >> 1) + [root.call("sqrt")] * (quarters & 1)
    found = functools.reduce(operator.mul, factors, one)
    if exponent < 0 and not whole:
        found = one / found
    if not quarters:
        return found
    none = x.builder.and_(x < 0.0, x > -math.inf)
    return x.new(x.of(math.nan)).select(none, found)


def sin(x: Vector) -> Vector:
    """Of an angle up to 2^fraction · π/4; NaN beyond, where neighbouring numbers are a radian or half of one apart."""
    return x.select(x.call("fabs") < 2.0 ** -(_numbers(x).fraction // 2 + 1), _wave(x, quarters=0))


def cos(x: Vector) -> Vector:
    """As sin, a quarter of a turn on."""
    return _wave(x, quarters=1)


def atan(x: Vector) -> Vector:
    """The polynomial where |x| ≤ 1, and π/2 less that of 1/|x| elsewhere."""
    numbers, a = _numbers(x), x.call("fabs")
    beyond = a > 1.0
    z = x.new(x.of(-1.0)).select(beyond, a) / a.select(beyond, 1.0)
    square = z * z
    small = (square * z).fma(_polynomial(square, numbers.atan), z)
    large = (small + numbers.half_pi[1]) + numbers.half_pi[0]
    return large.select(beyond, small).call("copysign", x)


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


def _normal_parts(x: Vector) -> tuple[Vector, Vector]:
    """k and f of x = 2^k (1 + f), √½ ≤ 1 + f < √2; x may be denormal."""
    numbers = _numbers(x)
    denormal = x < 2.0 ** (1 - numbers.bias)
    shift = numbers.fraction + 1
    normal = (x * 2.0**shift).select(denormal, x)
    k, exponent = _exponent(normal)
    f = x.from_bits(x.builder.sub(normal.bits(), exponent)) - 1.0
    return (k - float(shift)).select(denormal, k), f


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


def _log_in_two(x: Vector) -> tuple[Vector, Vector]:
    """The logarithm as a number and what that leaves, which is right where the first is finite.

    Every product and sum whose rounding would count keeps its rest: of products by fma, of sums with the larger part
    first (Dekker 1971). Only the terms from s⁵ on are of one number.
    """
    numbers = _numbers(x)
    k, f = _normal_parts(x)
    d = f + 2.0
    s = f / d
    # What is left of f after s d, divided by d: by (1 - s) / 2, which is near enough for a rest.
    s_rest = (f - (d - 2.0)).fma(-s, (-s).fma(d, f)) * s.fma(-0.5, 0.5)
    square = s * s
    square_rest = (s * 2.0).fma(s_rest, s.fma(s, -square))
    high, low = numbers.two_thirds
    cubic = square * high
    cubic_rest = square_rest.fma(high, square.fma(low, square.fma(high, -cubic)))
    further = square * square * _polynomial(square, numbers.power)
    factor = cubic + further
    factor_rest = (cubic - factor) + further + cubic_rest
    bend = s * factor
    bend_rest = s_rest.fma(factor, s.fma(factor_rest, s.fma(factor, -bend)))
    double = s * 2.0
    part = double + bend
    part_rest = (double - part) + bend + s_rest.fma(2.0, bend_rest)
    whole = k * numbers.ln2[0]
    whole_rest = k.fma(numbers.ln2[1], k.fma(numbers.ln2[0], -whole))
    total = whole + part
    return _at_limits(total, x, x), (whole - total) + part + (whole_rest + part_rest)


def _wave(x: Vector, quarters: int) -> Vector:
    """The sine, so many quarters of a turn on.

    x less the nearest multiple n of π/2 is exact in its first product, as n is no larger than 2^fraction / 2; n itself
    may be one off where x is large, so that the polynomials reach further than π/4.
    """
    b, lanes, numbers = x.builder, x.lanes, _numbers(x)
    rounder = 1.5 * 2.0**numbers.fraction
    shifted = x.fma(2 / math.pi, rounder)
    n, r = shifted - rounder, x
    for part in numbers.half_pi:
        r = n.fma(-part, r)
    square = r * r
    sine = (square * r).fma(_polynomial(square, numbers.sin), r)
    cosine = (square * square).fma(_polynomial(square, numbers.cos), square.fma(-0.5, 1.0))
    turn = b.add(shifted.bits(), lanes.integer(quarters))
    odd = b.icmp_signed("!=", b.and_(turn, lanes.integer(1)), lanes.integer(0))
    value = cosine.select(odd, sine)
    sign = b.shl(b.and_(turn, lanes.integer(2)), lanes.integer(8 * lanes.bytes - 2))
    value = x.from_bits(b.xor(value.bits(), sign))
    return value.select(x.call("fabs") < 2.0**numbers.fraction * math.pi / 4, x.new(x.of(math.nan)))


def _equal(x: Vector, other: Vector | float) -> Value:
    """The mask of the lanes in which both are the same number."""
    return x.builder.fcmp_ordered("==", x.value, x.of(other))


def _whole(x: Vector) -> Value:
    """The mask of the lanes that hold a whole number, or an infinity."""
    edge = 2.0 ** _numbers(x).fraction  # from which on all are
    a = x.call("fabs")
    return x.builder.or_(_equal((a + edge) - edge, a), a > edge)
