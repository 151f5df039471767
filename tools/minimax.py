"""The polynomials of `cellwright.compiler.codegen.vectormath`, by Remez' exchange in 40 digits.

    python tools/minimax.py

Each is the P of its degree for which the largest |weight · (P - g)| on [low, high] is least. The weight turns an error
of P into a relative error of what is computed from it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

from mpmath import atan, cos, exp, expm1, log, lu_solve, matrix, mp, mpf, nstr, pi, polyval, sin, sqrt

mp.dps = 40
Function = Callable[[mpf], mpf]


def minimax(g: Function, weight: Function, low: mpf, high: mpf, degree: int) -> tuple[list[mpf], mpf]:
    """P's coefficients from the highest power down, and its largest weighted error."""
    n = degree + 2
    nodes = [low + (high - low) * (1 - cos(pi * (i + mpf("0.5")) / n)) / 2 for i in range(n)]
    while True:
        polynomial = level(g, weight, nodes)
        errors = [abs(weight(x) * (polyval(polynomial, x) - g(x))) for x in nodes]
        nodes = extrema(lambda x, p=polynomial: weight(x) * (polyval(p, x) - g(x)), [low, *nodes, high])
        peaks = [abs(weight(x) * (polyval(polynomial, x) - g(x))) for x in nodes]
        if max(peaks) < mpf("1.0001") * max(errors):
            return polynomial, max(peaks)


def level(g: Function, weight: Function, nodes: list[mpf]) -> list[mpf]:
    """The polynomial whose weighted errors at the nodes are of one size and alternate in sign."""
    n = len(nodes)
    powers = matrix([[x**k for k in reversed(range(n - 1))] + [(-1) ** i / weight(x)] for i, x in enumerate(nodes)])
    return list(lu_solve(powers, matrix([g(x) for x in nodes])))[:-1]


def extrema(curve: Function, places: list[mpf]) -> list[mpf]:
    """Where the curve is furthest from 0 between its changes of sign; two fewer than the places to look between."""
    fine = [a + (b - a) * k / 64 for a, b in itertools.pairwise(places) for k in range(64)] + [places[-1]]
    runs = [max(run, key=lambda x: abs(curve(x))) for _, run in itertools.groupby(fine, lambda x: curve(x) > 0)]
    while len(runs) > len(places) - 2:
        del runs[0 if abs(curve(runs[0])) < abs(curve(runs[-1])) else -1]
    return runs


def exponential(scale: int, relative_to: Function, edge: mpf, degree: int) -> tuple[list[mpf], mpf]:
    """P in e^(scale r) = 1 + scale r + r² P(r) for |r| ≤ edge, and the error relative to a function of r."""
    # The ends lie a little past the edge, for r is rounded; and they differ, lest a node be 0, where the weight is 0.
    return minimax(
        lambda r: (expm1(scale * r) - scale * r) / r**2,
        lambda r: r**2 / abs(relative_to(r)),
        -edge * mpf("1.0005"),
        edge * mpf("1.0006"),
        degree,
    )


def odd(f: Function, edge: mpf, degree: int) -> tuple[list[mpf], mpf]:
    """P in f(r) = r + r³ P(r²) for an odd f and |r| ≤ edge, and the relative error."""
    return minimax(
        lambda t: (f(sqrt(t)) / sqrt(t) - 1) / t, lambda t: t * sqrt(t) / f(sqrt(t)), edge**2 / 1000, edge**2, degree
    )


def cosine(edge: mpf, degree: int) -> tuple[list[mpf], mpf]:
    """P in cos r = 1 - r²/2 + r⁴ P(r²) for |r| ≤ edge, and the relative error."""
    return minimax(
        lambda t: (cos(sqrt(t)) - 1 + t / 2) / t**2, lambda t: t**2 / cos(sqrt(t)), edge**2 / 1000, edge**2, degree
    )


def logarithm(edge: mpf, degree: int) -> tuple[list[mpf], mpf]:
    """P in log((1 + s) / (1 - s)) = 2 s + 2/3 s³ + s⁵ P(s²) for |s| ≤ edge, and the relative error."""

    def whole(t: mpf) -> mpf:
        return log((1 + sqrt(t)) / (1 - sqrt(t)))

    return minimax(
        lambda t: (whole(t) / sqrt(t) - 2 - 2 * t / 3) / t**2,
        lambda t: t**2 * sqrt(t) / whole(t),
        edge**2 / 1000,
        edge**2,
        degree,
    )


def parts_of_half_pi(bits: int, parts: int) -> list[mpf]:
    """The number of so many bits that is nearest to π/2, the one nearest to what that leaves, and so on."""
    found: list[mpf] = []
    with mp.workdps(90):
        for _ in range(parts):
            left = pi / 2 - sum(found)
            with mp.workprec(bits):
                found.append(+left)
    return found


if __name__ == "__main__":
    quarter = 5 * pi / 16  # of a turn an eighth, and a fourth of that more for how the quarters are counted
    for dtype, digits, bits, degrees in (
        ("float32", 9, 24, (5, 4, 3, 2, 8, 2)),
        ("float64", 17, 53, (11, 9, 6, 5, 19, 6)),
    ):
        for name, (polynomial, error) in {
            "exp": exponential(1, exp, log(2), degrees[0]),
            "tanh": exponential(2, lambda r: expm1(2 * r), log(2) / 4, degrees[1]),
            "sin": odd(sin, quarter, degrees[2]),
            "cos": cosine(quarter, degrees[3]),
            "atan": odd(atan, mpf(1), degrees[4]),
            "power": logarithm(mpf("0.1716"), degrees[5]),  # a little more than (√2 - 1) / (√2 + 1)
        }.items():
            print(f"{name}, {dtype}, error {nstr(error, 3)}:", ", ".join(nstr(c, digits) for c in polynomial))
        print(f"π/2, {dtype}:", ", ".join(nstr(part, digits) for part in parts_of_half_pi(bits, 4)))
