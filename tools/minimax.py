"""The polynomials of `cellwright.compiler.codegen.vectormath`, by Remez' exchange in 40 digits.

    python tools/minimax.py

Each is the P of its degree for which the largest |weight · (P - g)| on [low, high] is least. The weight turns an error
of P into a relative error of what is computed from it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

from mpmath import cos, exp, expm1, log, lu_solve, matrix, mp, mpf, nstr, pi, polyval

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


if __name__ == "__main__":
    for dtype, digits, degrees in (("float32", 9, (5, 4)), ("float64", 17, (11, 9))):
        for name, (polynomial, error) in {
            "exp": exponential(1, exp, log(2), degrees[0]),
            "tanh": exponential(2, lambda r: expm1(2 * r), log(2) / 4, degrees[1]),
        }.items():
            print(f"{name}, {dtype}, error {nstr(error, 3)}:", ", ".join(nstr(c, digits) for c in polynomial))
