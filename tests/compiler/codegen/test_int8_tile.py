"""Products of float32 rows and int8 weights, called from numpy: against whole numbers in numpy, bit for bit."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest
from llvmlite import ir

from cellwright.compiler.codegen.int8_tile import LEVELS
from cellwright.compiler.codegen.ir_builder import function, pointer
from cellwright.compiler.codegen.tiles import tile_of
from cellwright.compiler.codegen.vector import i64
from cellwright.compiler.runtime.jit import compile_module
from cellwright.compiler.target import (
    host,
    no_byte_products,
    no_byte_tiles,
    no_signed_byte_products,
    no_sums_of_pairs,
)

WIDTHS = (None, 32, 16, 8)  # bytes of a register; None is this processor's
UNITS = ("amx", "emulated amx", "vnni", "pmaddwd", "sdot", "plain", "plain sdot")


def needs(unit: str, register_bytes: int | None) -> None:
    """Skip where the processor has no such unit."""
    target = host(register_bytes)
    missing = {
        "amx": no_byte_tiles(),
        "vnni": no_byte_products(target.register_bytes),
        "pmaddwd": no_sums_of_pairs(target),
        "sdot": no_signed_byte_products(target.register_bytes),
    }.get(unit)
    if missing:
        pytest.skip(missing)


class Product:
    """(m, k) times int8 (k, n) with scales (n,), + start (n,), or without start added to c."""

    def __init__(self, unit: str, register_bytes: int | None = None) -> None:
        needs(unit, register_bytes)
        target = host(register_bytes)
        self.tile = tile_of(target, "float32", "int8", unit)
        module = ir.Module("product")
        made, b = function(module, "run", [i64, pointer, pointer, i64, pointer, pointer, i64, i64, pointer])
        self.tile.begin(b)
        b.call(self.tile.define_product(module), made.args)
        self.tile.end(b)
        b.ret_void()
        address = compile_module(str(module), target).get_function_address("run")
        self._run = ctypes.CFUNCTYPE(None, *([ctypes.c_void_p] * 9))(address)

    def panels(self, v: np.ndarray, scales: np.ndarray) -> np.ndarray:
        """The words of four terms, scales and corrections: (panels, rows, columns) of int32."""
        k, n = v.shape
        columns, terms = self.tile.columns, self.tile.whole(k)
        filled = np.zeros((terms, n), np.int8)
        filled[:k] = v
        words = filled.reshape(terms // 4, 4, n // columns, columns).transpose(2, 0, 3, 1)
        found = np.empty((n // columns, self.tile.depth(k), columns), np.int32)
        found[:, : terms // 4] = np.ascontiguousarray(words).view(np.int32)[..., 0]
        found[:, -2] = scales.view(np.int32).reshape(-1, columns)
        found[:, -1] = -128 * filled.sum(0, dtype=np.int32).reshape(-1, columns)
        return found

    def __call__(
        self,
        a: np.ndarray,
        v: np.ndarray,
        scales: np.ndarray,
        start: np.ndarray | None,
        c: np.ndarray | None = None,
        *,
        back: bool = False,
    ) -> np.ndarray:
        panels = self.panels(v, scales)
        result = np.full((len(a), v.shape[1]), np.nan, np.float32) if c is None else c.copy()
        rows = np.array([row.ctypes.data for row in a], np.int64)
        results = np.array([row.ctypes.data for row in result], np.int64)
        operands = np.full(self.tile.operand_bytes(len(a), len(v)), 0xAA, np.uint8)
        begin = 0 if start is None else start.ctypes.data
        self._run(
            len(a), rows.ctypes.data, results.ctypes.data, len(v), panels.ctypes.data, begin,
            *((len(panels), 0) if back else (0, len(panels))), operands.ctypes.data,
        )  # fmt: skip
        return result


def numbers(m: int, k: int, n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """A, the whole numbers of B, their scales, and what sums start from."""
    random = np.random.default_rng(seed)
    v = random.integers(-LEVELS, LEVELS + 1, (k, n)).astype(np.int8)
    a, scales, start = (random.standard_normal(s).astype(np.float32) for s in ((m, k), (n,), (n,)))
    return a, v, np.abs(scales) / 100, start


def by_numpy(a: np.ndarray, v: np.ndarray, scales: np.ndarray, start: np.ndarray) -> np.ndarray:
    """The same with the roundings of the product, where float64 holds everything between two of them."""
    one = np.float32
    largest = np.abs(a).max(1, keepdims=True)
    inverse, own = one(32639) / largest, largest / one(32639)
    q = np.rint(a * inverse).astype(np.int64)
    high = (q + 128) >> 8
    sums = [(part @ v.astype(np.int64)).astype(one).astype(np.float64) for part in (high, q - 256 * high)]
    total = (256 * sums[0] + sums[1]).astype(one)
    return (total.astype(np.float64) * (own * scales).astype(np.float64) + start).astype(one)


@pytest.mark.parametrize("register_bytes", WIDTHS)
@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("size", [(1, 1, 64), (2, 15, 128), (3, 16, 64), (4, 17, 192), (8, 70, 64), (35, 130, 64)])
def test_a_product_is_the_exact_sum_of_whole_numbers_rounded_at_the_end(unit, size, register_bytes) -> None:
    given = numbers(*size)
    assert np.array_equal(Product(unit, register_bytes)(*given), by_numpy(*given))


def test_rows_of_16_bits_err_little_beside_weights_of_8() -> None:
    a, v, scales, start = numbers(5, 200, 64)
    exact = a.astype(np.float64) @ (v * scales.astype(np.float64)) + start
    found = Product("plain")(a, v, scales, start)
    assert np.abs(found - exact).max() < 5e-5 * np.abs(exact).max()
    assert np.abs(found - exact).max() > 0


def test_from_the_last_panel_to_the_first_it_is_the_same() -> None:
    for m in (1, 4):
        given = numbers(m, 20, 5 * 64)
        assert np.array_equal(Product("plain")(*given, back=True), by_numpy(*given))


def test_products_are_added_to_what_is_there() -> None:
    a, v, scales, start = numbers(4, 40, 64)
    c = np.tile(start, (4, 1))
    assert np.array_equal(Product("plain")(a, v, scales, None, c), by_numpy(a, v, scales, start))


@pytest.mark.parametrize("unit", UNITS)
def test_a_rows_bits_are_its_own_whatever_stands_beside_it(unit) -> None:
    a, v, scales, start = numbers(10, 50, 128)
    a *= np.logspace(-3, 3, 10, dtype=np.float32)[:, None]  # another scale each
    product = Product(unit)
    whole = product(a, v, scales, start)
    for rows in (slice(0, 1), slice(3, 5), slice(2, 9)):
        assert np.array_equal(product(np.ascontiguousarray(a[rows]), v, scales, start), whole[rows])


@pytest.mark.parametrize("unit", UNITS)
def test_the_largest_whole_numbers_do_not_overflow(unit) -> None:
    _, _, scales, start = numbers(1, 1, 64)
    k = 3000
    v, a = np.full((k, 64), LEVELS, np.int8), np.ones((2, k), np.float32)
    a[1] = -1
    v[:, 1::2] = -LEVELS
    assert np.array_equal(Product(unit)(a, v, scales, start), by_numpy(a, v, scales, start))


def test_a_row_of_zeros_or_of_what_is_nearly_none_gives_the_start() -> None:
    _, v, scales, start = numbers(1, 20, 64)
    a = np.zeros((3, 20), np.float32)
    a[1], a[2, 4] = 1e-42, -1e-31
    assert np.array_equal(Product("plain")(a, v, scales, start), np.tile(start, (3, 1)))


def test_what_is_not_finite_makes_its_row_nan_and_no_other() -> None:
    a, v, scales, start = numbers(4, 20, 64)
    a[0, 3], a[1, 2], a[2, 19] = np.inf, -np.inf, np.nan
    found = Product("plain")(a, v, scales, start)
    assert np.isnan(found).all(1).tolist() == [True, True, True, False]
    assert np.array_equal(found[3:], by_numpy(a[3:], v, scales, start))
