"""Functions of vectors: their largest errors against mpmath, their limits, the same bits at every register width."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import mpmath
import numpy as np
import pytest
from mpmath import mpf

from array_function import array_function
from cellwright.compiler.codegen import vectormath
from cellwright.compiler.codegen.vector import Vector

INF, NAN = np.inf, np.nan
DTYPES = ("float32", "float64")


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return np.exp(np.minimum(x, 0)) / (1 + np.exp(-abs(x)))


class Case(NamedTuple):
    """A function, what it is compared with, the largest error allowed in ulp, and its values where they are exact."""

    exact: Callable[[mpf], mpf]
    nearly: Callable[[np.ndarray], np.ndarray]  # finds the numbers that are worth mpmath's time
    bound: dict[str, float]
    limits: tuple[tuple[float, float], ...]  # x and what it gives
    least: float = -INF  # the domain
    turns: bool = False  # whether it ends where numbers lie too far apart for angles


# Each bound is just above the largest error that was measured, over many more numbers: the table in vectormath.
CASES = {
    "exp": Case(
        mpmath.exp,
        np.exp,
        {"float32": 1.7, "float64": 1.5},
        ((0.0, 1.0), (-0.0, 1.0), (INF, INF), (-INF, 0.0), (NAN, NAN), (1e4, INF), (-1e4, 0.0)),
    ),
    "sigmoid": Case(
        lambda x: 1 / (1 + mpmath.exp(-x)),
        _sigmoid,
        {"float32": 3.2, "float64": 3.4},
        ((0.0, 0.5), (-0.0, 0.5), (INF, 1.0), (-INF, 0.0), (NAN, NAN), (1e4, 1.0), (-1e4, 0.0)),
    ),
    "tanh": Case(
        mpmath.tanh,
        np.tanh,
        {"float32": 3.4, "float64": 3.4},
        ((0.0, 0.0), (-0.0, -0.0), (INF, 1.0), (-INF, -1.0), (NAN, NAN), (1e4, 1.0), (-1e4, -1.0)),
    ),
    "log": Case(
        mpmath.log,
        np.log,
        {"float32": 0.9, "float64": 0.9},
        ((1.0, 0.0), (0.0, -INF), (-0.0, -INF), (INF, INF), (-INF, NAN), (NAN, NAN), (-1e-30, NAN), (-1.0, NAN)),
        least=0.0,
    ),
    "log1p": Case(
        mpmath.log1p,
        np.log1p,
        {"float32": 1.5, "float64": 1.5},
        ((0.0, 0.0), (-0.0, -0.0), (-1.0, -INF), (INF, INF), (-INF, NAN), (NAN, NAN), (-1.5, NAN)),
        least=-1.0,
    ),
    "sin": Case(
        mpmath.sin,
        np.sin,
        {"float32": 2.2, "float64": 1.8},
        ((0.0, 0.0), (-0.0, -0.0), (INF, NAN), (-INF, NAN), (NAN, NAN), (1e16, NAN), (-1e16, NAN)),
        turns=True,
    ),
    "cos": Case(
        mpmath.cos,
        np.cos,
        {"float32": 2.2, "float64": 1.8},
        ((0.0, 1.0), (-0.0, 1.0), (INF, NAN), (-INF, NAN), (NAN, NAN), (1e16, NAN), (-1e16, NAN)),
        turns=True,
    ),
    "atan": Case(
        mpmath.atan,
        np.arctan,
        {"float32": 1.6, "float64": 1.8},
        ((0.0, 0.0), (-0.0, -0.0), (INF, np.pi / 2), (-INF, -np.pi / 2), (NAN, NAN), (1e30, np.pi / 2)),
    ),
}


def points(dtype: str) -> np.ndarray:
    """Numbers of both signs: of all exponents, denormal too; of ordinary size; and where exp goes from 0 to inf."""
    info, bits = np.finfo(dtype), np.uint32 if dtype == "float32" else np.uint64
    patterns = np.linspace(1, int(info.max.view(bits)), 50_000).astype(bits).view(dtype)
    patterns = patterns[np.isfinite(patterns)]
    ordinary = np.random.default_rng(0).normal(0.0, 3.0, 50_000)
    results = np.linspace(np.log(float(info.smallest_subnormal)) - 1, np.log(float(info.max)) + 1, 50_000)
    # multiples of π/2 as near as numbers come to them, where sin or cos is smallest
    angles = np.round(np.random.default_rng(1).uniform(0, 2.0 ** (info.nmant - 3), 20_000)) * (np.pi / 2)
    ends = [info.tiny, info.max, info.smallest_subnormal, 9.0, 20.0, 88.7, 89.0, 103.9, 104.0, 709.9, 745.1, 746.0]
    numbers = np.concatenate([patterns, np.array([*ordinary, *results, *angles, *ends], dtype)])
    return np.concatenate([numbers, -numbers])


def distance(got: np.floating, wanted: mpf) -> float:
    """How far a result is from the true value, in units of the true value's last place (a denormal number's, too)."""
    info = np.finfo(got.dtype)
    # An infinity stands for the power of two above the largest number, and all that is larger is as near as it.
    beyond = mpf(2) ** int(info.maxexp)
    value = mpf(float(got)) if np.isfinite(got) else (beyond if got > 0 else -beyond)
    wanted = max(-beyond, min(beyond, wanted))
    exponent = mpmath.frexp(wanted)[1] - 1 if wanted else int(info.minexp)
    return float(abs(value - wanted) / mpf(2) ** (max(exponent, int(info.minexp)) - info.nmant))


def estimate(got: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The same for arrays, as well as numpy's widest type can tell."""
    info = np.finfo(got.dtype)
    exponent = np.maximum(np.frexp(wanted)[1] - 1, int(info.minexp))
    error = np.abs(got.astype(wanted.dtype) - wanted) / np.ldexp(wanted.dtype.type(1), exponent - info.nmant)
    return np.where(np.isinf(got) & (np.abs(wanted) >= info.max), 0, error)


def _last_angle(dtype: str) -> float:
    """Beyond it neighbouring numbers are half a radian apart or more."""
    return float(2.0 ** np.finfo(dtype).nmant * np.pi / 4)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["sin", "cos"])
def test_angles_end_where_they_are_said_to(name: str, dtype: str) -> None:
    end = np.array([_last_angle(dtype)], dtype)
    inside, beyond = np.nextafter(end, 0), np.nextafter(end, INF, dtype=dtype)
    y = array_function(getattr(vectormath, name), dtype)(np.concatenate([inside, -inside, beyond, -beyond]))
    assert np.isfinite(y[:2]).all()
    assert np.isnan(y[2:]).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", CASES)
@np.errstate(all="ignore")
def test_error(name: str, dtype: str) -> None:
    case, x = CASES[name], points(dtype)
    x = x[(x > case.least) & (np.abs(x) < (_last_angle(dtype) if case.turns else INF))]
    y = array_function(getattr(vectormath, name), dtype)(x)
    worst = np.argsort(estimate(y, case.nearly(x.astype(np.longdouble))))[-100:]
    with mpmath.workdps(60):
        errors = {float(x[i]): distance(y[i], case.exact(mpf(float(x[i])))) for i in worst}
    x_worst = max(errors, key=lambda x: errors[x])
    assert errors[x_worst] <= case.bound[dtype], f"{name}({x_worst!r}) is {errors[x_worst]:.2f} ulp off"
    assert len(errors) > 50


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", CASES)
def test_limits(name: str, dtype: str) -> None:
    limits = CASES[name].limits
    wanted = np.array([y for _, y in limits], dtype)
    got = array_function(getattr(vectormath, name), dtype)(np.array([x for x, _ in limits], dtype))
    np.testing.assert_array_equal(got, wanted)
    np.testing.assert_array_equal(np.signbit(got)[wanted == 0], np.signbit(wanted)[wanted == 0])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", CASES)
def test_bits_are_the_same_at_every_register_width(name: str, dtype: str) -> None:
    x = np.append(points(dtype)[::5], np.array([0.0, -0.0, INF, -INF, NAN], dtype))
    sizes = (64, 32, 16, 8, x.itemsize)
    widest, *others = (array_function(getattr(vectormath, name), dtype, size)(x) for size in sizes)
    nan = np.isnan(widest)
    for narrower in others:
        np.testing.assert_array_equal(np.isnan(narrower), nan)
        np.testing.assert_array_equal(narrower[~nan].view(np.uint8), widest[~nan].view(np.uint8))


# --- power, of two operands ----------------------------------------------------------------------------
POWER = 2.2  # ulp, in either precision


def pairs(dtype: str) -> tuple[np.ndarray, np.ndarray]:
    """Bases of all sizes and near 1, and exponents whose powers are of all sizes, denormal too."""
    info, generator, n = np.finfo(dtype), np.random.default_rng(2), 40_000
    exponents = generator.uniform(int(info.minexp) - 10, int(info.maxexp) - 1, n)
    near = generator.normal(0, 1, n) * 2.0 ** generator.uniform(-info.nmant, -2, n)
    base = np.concatenate([2.0**exponents, generator.uniform(0.5, 2, n), np.abs(1 + near)]).astype(dtype)
    base = base[base != 1]
    with np.errstate(over="ignore"):
        of_all_sizes = (
            generator.uniform(-1.1, 1, len(base)) * np.log(float(info.max)) / np.log(base.astype(np.longdouble))
        )
        y = np.where(generator.random(len(base)) < 0.2, generator.normal(0, 2, len(base)), of_all_sizes).astype(dtype)
    return base[np.isfinite(y)], y[np.isfinite(y)]


@pytest.mark.parametrize("dtype", DTYPES)
@np.errstate(all="ignore")
def test_error_of_power(dtype: str) -> None:
    x, y = pairs(dtype)
    found = array_function(vectormath.power, dtype)(x, y)
    worst = np.argsort(estimate(found, x.astype(np.longdouble) ** y.astype(np.longdouble)))[-100:]
    with mpmath.workdps(60):
        errors = [distance(found[i], mpmath.power(mpf(float(x[i])), mpf(float(y[i])))) for i in worst]
    assert max(errors) <= POWER
    assert max(errors) > 1


@pytest.mark.parametrize("dtype", DTYPES)
@np.errstate(all="ignore")
def test_limits_of_power_are_those_of_c(dtype: str) -> None:
    """Zeros, infinities, NaN, negative bases with whole exponents and others, as numpy has them too."""
    numbers = [
        0.0,
        1.0,
        2.0,
        0.5,
        3.0,
        1e30,
        1e-40,
        2.0 ** np.finfo(dtype).nmant,
        2.0 ** np.finfo(dtype).nmant + 1,
        INF,
    ]
    every = np.array([*numbers, *(-n for n in numbers), NAN], dtype)
    x, y = (grid.ravel().copy() for grid in np.meshgrid(every, every))
    found, wanted = array_function(vectormath.power, dtype)(x, y), np.power(x, y)
    exact = (wanted == 0) | (np.abs(wanted) == 1) | ~np.isfinite(wanted)
    np.testing.assert_array_equal(found[exact], wanted[exact])
    np.testing.assert_array_equal(np.signbit(found[~np.isnan(wanted)]), np.signbit(wanted[~np.isnan(wanted)]))
    precise = np.power(x[~exact].astype(np.longdouble), y[~exact].astype(np.longdouble))
    assert estimate(found[~exact], precise).max() <= POWER
    assert min(exact.sum(), (~exact).sum()) > 50


def _to_the(exponent: float) -> Callable[[Vector], Vector]:
    return lambda x: vectormath.power_of(x, exponent)


ROOTS = 2.9  # ulp: what products and roots round


@pytest.mark.parametrize("dtype", DTYPES)
@np.errstate(all="ignore")
def test_powers_of_a_quarter_s_multiples_are_those_of_c(dtype: str) -> None:
    """Products and roots, of numbers of all sizes, and the limits: also another number, which is no such multiple."""
    info = np.finfo(dtype)
    every = np.linspace(1, int(info.max.view(f"uint{info.bits}")), 4_000).astype(f"uint{info.bits}").view(dtype)
    limits = np.array([0.0, 1.0, INF, -0.0, -1.0, -INF, NAN], dtype)
    largest = 0.0
    for exponent in (*sorted(vectormath.QUARTERS), 2.3):
        run, given = array_function(_to_the(exponent), dtype), np.dtype(dtype).type(exponent)
        largest = max(largest, estimate(run(every), every.astype(np.longdouble) ** np.longdouble(given)).max())
        np.testing.assert_array_equal(run(limits), np.power(limits, np.full_like(limits, given)))
    assert 1 < largest <= ROOTS


@pytest.mark.parametrize("dtype", DTYPES)
@np.errstate(all="ignore")
def test_powers_have_the_same_bits_at_every_register_width(dtype: str) -> None:
    x, y = pairs(dtype)
    widest, *others = (array_function(vectormath.power, dtype, size)(x, y) for size in (64, 32, 16, 8, x.itemsize))
    for narrower in others:
        np.testing.assert_array_equal(narrower.view(np.uint8), widest.view(np.uint8))


@pytest.mark.parametrize("dtype", DTYPES)
def test_gates_stay_in_range_and_tanh_is_odd(dtype: str) -> None:
    x = points(dtype)
    tanh = array_function(vectormath.tanh, dtype)
    gate, squashed = array_function(vectormath.sigmoid, dtype)(x), tanh(x)
    assert gate.min() >= 0
    assert gate.max() <= 1
    assert np.abs(squashed).max() <= 1
    np.testing.assert_array_equal(tanh(-x), -squashed)
