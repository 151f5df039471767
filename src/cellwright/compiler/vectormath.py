"""Elementary functions of a `Vector`: exp, sigmoid, tanh, log, log1p.

Branch-free, every fma explicit, no approximate instruction: a value has the same bits at every register width.
"""

from __future__ import annotations

import math
import struct
from typing import Any, NamedTuple

from cellwright.compiler.vector import Vector


class _Format(NamedTuple):
    """The floating format's numbers."""

    mantissa: int  # bits of the fraction
    bias: int  # of the exponent
    magic: float  # 1.5 · 2^mantissa: added to a small number, leaves its nearest integer in the low bits


_FORMATS = {"float32": _Format(23, 127, 1.5 * 2.0**23), "float64": _Format(52, 1023, 1.5 * 2.0**52)}


class _Exponential(NamedTuple):
    """e^x = 4^m · e^r with |r| ≤ ln 2; e^r = 1 + r + r² · polynomial(r)."""

    lowest: float  # e^x rounds to 0 below
    highest: float  # and to infinity above
    ln4_high: float
    ln4_low: float
    polynomial: tuple[float, ...]  # from the highest power down


_EXPONENTIALS = {
    "float32": _Exponential(
        lowest=-104.0,
        highest=89.0,
        ln4_high=1.38629436492919921875,
        ln4_low=-3.80930828999e-09,
        polynomial=(
            0.000196158945099928748,
            0.00141047411389976981,
            0.00833608019943756163,
            0.0416612541671460392,
            0.166666144013220863,
            0.500000347912529526,
        ),
    ),
    "float64": _Exponential(
        lowest=-746.0,
        highest=710.0,
        ln4_high=2 * 6.93147180369123816490e-01,
        ln4_low=2 * 1.90821492927058770002e-10,
        polynomial=(
            1.59392911231058466e-10,
            2.10626773120121649e-9,
            2.50549880774858602e-8,
            2.7556153693335905e-7,
            2.75573008497281057e-6,
            0.0000248015908499057454,
            0.000198412698924093792,
            0.00138888888835366138,
            0.00833333333327017021,
            0.0416666666667024273,
            0.166666666666669365,
            0.499999999999999271,
        ),
    ),
}

# log(1 + f) = f - f²/2 + s (f²/2 + R(s²)), s = f / (2 + f); R from FreeBSD's msun, e_log.c and e_logf.c (Sun, 1993)
_LOGARITHMS = {
    "float32": (0.24279078841, 0.28498786688, 0.40000972152, 0.66666662693),
    "float64": (
        1.479819860511658591e-01,
        1.531383769920937332e-01,
        1.818357216161805012e-01,
        2.222219843214978396e-01,
        2.857142874366239149e-01,
        3.999999999940941908e-01,
        6.666666666666735130e-01,
    ),
}
_LN2_HIGH = {"float32": 6.9313812256e-01, "float64": 6.93147180369123816490e-01}
_LN2_LOW = {"float32": 9.0580006145e-06, "float64": 1.90821492927058770002e-10}


def exp(x: Vector) -> Vector:
    """e^x."""
    numbers = _EXPONENTIALS[x.lanes.dtype]
    power, remainder = _split(x.maximum(numbers.lowest).minimum(numbers.highest))
    return _horner(remainder, (*numbers.polynomial, 1.0, 1.0)) * power * power


def sigmoid(x: Vector) -> Vector:
    """1 / (1 + e^-x) = 2^-m / (2^-m + 2^m e^r), where e^-x = 4^m e^r: no part of it overflows."""
    numbers = _EXPONENTIALS[x.lanes.dtype]
    power, remainder = _split((-x).maximum(numbers.lowest).minimum(-numbers.lowest))
    inverse = _inverse(power)
    return inverse / _horner(remainder, (*numbers.polynomial, 1.0, 1.0)).fma(power, inverse)


def tanh(x: Vector) -> Vector:
    """(2^m e^r - 2^-m) / (2^m e^r + 2^-m), where e^2x = 4^m e^r, from e^r - 1, exact near 0."""
    double = (x + x).maximum(-40.0).minimum(40.0)
    power, r = _split(double)
    w = (_horner(r, _EXPONENTIALS[x.lanes.dtype].polynomial) * r).fma(r, r)
    inverse = _inverse(power)
    return (w.fma(power, power - inverse) / w.fma(power, power + inverse)).call("copysign", x)


def log(x: Vector) -> Vector:
    """The natural logarithm; log(0) = -inf, NaN below."""
    form = _FORMATS[x.lanes.dtype]
    small = x < 2.0 ** (1 - form.bias)
    normal = (x * 2.0 ** (form.mantissa + 2)).select(small, x)
    k, exponent = _exponent(normal)
    f = x.from_bits(x.builder.sub(normal.bits(), exponent)) - 1.0
    k = (k - float(form.mantissa + 2)).select(small, k)
    return _limits(_log(f, k), x, x)


def log1p(x: Vector) -> Vector:
    """log(1 + x), accurate near 0."""
    form = _FORMATS[x.lanes.dtype]
    k, exponent = _exponent(x + 1.0)
    # 2^(2-k), not 2^-k, which is no normal number for the largest x
    scale = x.from_bits(x.builder.sub((x.new(x.of(4.0))).bits(), exponent))
    f = (x * 0.25).fma(scale, scale.fma(0.25, -1.0))
    result = _limits(_log(f, k), x, x + 1.0)
    return x.select(x.call("fabs") < 2.0 ** -(form.mantissa + 2), result)


def _horner(x: Vector, coefficients: tuple[float, ...]) -> Vector:
    value = x.new(x.of(coefficients[0]))
    for coefficient in coefficients[1:]:
        value = value.fma(x, coefficient)
    return value


def _split(x: Vector) -> tuple[Vector, Vector]:
    """2^m and r of e^x = 4^m · e^r."""
    form, numbers = _FORMATS[x.lanes.dtype], _EXPONENTIALS[x.lanes.dtype]
    shifted = x.fma(0.5 / math.log(2), form.magic + form.bias)
    power = x.from_bits(x.builder.shl(shifted.bits(), x.lanes.integer(form.mantissa)))
    m = shifted - (form.magic + form.bias)
    return power, m.fma(-numbers.ln4_low, m.fma(-numbers.ln4_high, x))


def _inverse(power: Vector) -> Vector:
    """1 / power, for a power of two."""
    form = _FORMATS[power.lanes.dtype]
    return power.from_bits(power.builder.sub(power.lanes.integer(2 * form.bias << form.mantissa), power.bits()))


def _exponent(x: Vector) -> tuple[Vector, Any]:
    """k of x = 2^k (1 + f) with √½ ≤ 1 + f < √2, as a number and as bits to be taken off the exponent."""
    form = _FORMATS[x.lanes.dtype]
    one = form.bias << form.mantissa
    root = struct.unpack("<q", struct.pack("<d", math.sqrt(0.5)))[0] >> (52 - form.mantissa)
    root = root if form.bias == 1023 else struct.unpack("<i", struct.pack("<f", math.sqrt(0.5)))[0]
    b, shift = x.builder, x.lanes.integer(form.mantissa)
    biased = b.lshr(b.add(x.bits(), x.lanes.integer(one - root)), shift)
    magic = x.new(x.of(form.magic))
    k = x.from_bits(b.add(biased, magic.bits())) - (form.magic + form.bias)
    return k, b.sub(b.shl(biased, shift), x.lanes.integer(one))


def _log(f: Vector, k: Vector) -> Vector:
    """k ln 2 + log(1 + f)."""
    dtype = f.lanes.dtype
    s = f / (f + 2.0)
    z = s * s
    half = f * f * 0.5
    r = _horner(z, _LOGARITHMS[dtype]) * z
    tail = s.fma(half + r, k * _LN2_LOW[dtype])
    return k.fma(_LN2_HIGH[dtype], f - (half - tail))


def _limits(result: Vector, x: Vector, argument: Vector) -> Vector:
    """-inf where the argument is 0, NaN where it is less or NaN, inf where it is inf."""
    lanes = x.lanes
    result = x.select(x.builder.fcmp_unordered(">=", x.value, x.of(math.inf)), result)
    result = x.new(lanes.constant(-math.inf)).select(x.builder.fcmp_ordered("==", argument.value, x.of(0.0)), result)
    return x.new(lanes.constant(math.nan)).select(argument < 0.0, result)
