"""The matrix product of the kernels, called from numpy, against numpy in double precision."""

from __future__ import annotations

import ctypes
import itertools

import numpy as np
import pytest
from llvmlite import ir

from cellwright.compiler.codegen.ir_builder import function, pointer
from cellwright.compiler.codegen.microkernel import ROWS, define_product, shape
from cellwright.compiler.codegen.vector import i64
from cellwright.compiler.runtime.jit import compile_module
from cellwright.compiler.target import host

WIDTHS = (None, 32, 16, 8)  # bytes of a register; None is this processor's
DTYPES = ("float32", "float64")


class Product:
    """C[r] = start + A[r] · B, the rows of A and C anywhere in memory."""

    def __init__(self, dtype: str, register_bytes: int | None) -> None:
        target = host(register_bytes)
        tile = shape(target, dtype)
        module = ir.Module("product")
        kinds = [i64, pointer, pointer, i64, pointer, pointer, i64, i64]
        made, b = function(module, "run", kinds)
        b.call(define_product(module, tile), [*made.args, made.args[1]])
        b.ret_void()
        address = compile_module(str(module), target).get_function_address("run")
        number, place = ctypes.c_int64, ctypes.c_void_p
        self._run = ctypes.CFUNCTYPE(None, number, place, place, number, place, place, number, number)(address)
        self.columns, self.dtype = tile.columns, dtype

    def __call__(
        self,
        a: np.ndarray,
        b: np.ndarray,
        start: np.ndarray | None,
        c: np.ndarray | None = None,
        cuts: tuple[int, ...] = (),
        *,
        back: bool = False,
    ):
        """(m, k) · (k, n) + start (n,), n a multiple of the panel's columns; without start added to c (m, n)."""
        k, n = b.shape
        panels = np.ascontiguousarray(b.reshape(k, n // self.columns, self.columns).transpose(1, 0, 2))
        result = np.full((len(a), n), np.nan, self.dtype) if c is None else c.copy()
        rows = np.array([row.ctypes.data for row in a], np.int64)
        results = np.array([row.ctypes.data for row in result], np.int64)
        begin = 0 if start is None else start.ctypes.data
        for first, last in itertools.pairwise((0, *cuts, n // self.columns)):
            span = (last, first) if back else (first, last)
            self._run(len(a), rows.ctypes.data, results.ctypes.data, k, panels.ctypes.data, begin, *span)
        return result


@pytest.fixture(scope="module", params=[(d, w) for d in DTYPES for w in WIDTHS], ids=str)
def product(request) -> Product:
    return Product(*request.param)


def _draw(product: Product, m: int, k: int, panels: int):
    generator = np.random.default_rng(m * 100 + k)
    n = panels * product.columns
    return (generator.normal(size=size).astype(product.dtype) for size in ((m, k), (k, n), (n,)))


def _bound(a: np.ndarray, b: np.ndarray, start: np.ndarray) -> np.ndarray:
    """How far a sum of k products may be from its true value: k + 1 roundings (Higham 2002, section 3.1)."""
    size = np.abs(a).astype(float) @ np.abs(b).astype(float) + np.abs(start)
    return (a.shape[1] + 1) * np.finfo(a.dtype).eps / 2 * size


def test_every_size(product):
    for m in range(1, 21):
        for k in range(41):
            a, b, start = _draw(product, m, k, panels=1 + (m + k) % 3)
            exact = a.astype(np.longdouble) @ b.astype(np.longdouble) + start
            assert (np.abs(product(a, b, start) - exact) <= _bound(a, b, start)).all(), (m, k)


def test_from_the_last_panel_to_the_first_it_is_the_same(product):
    for m, panels in itertools.product((1, 2, 3, 7), range(1, 8)):
        a, b, start = _draw(product, m, 9, panels)
        assert np.array_equal(product(a, b, start, back=True), product(a, b, start)), (m, panels)


def test_without_a_start_it_is_added_to_what_is_there(product):
    for m, k in ((1, 1), (5, 7), (6, 0), (13, 33)):
        a, b, start = _draw(product, m, k, panels=2)
        there = np.tile(start, (m, 1))
        np.testing.assert_array_equal(product(a, b, None, there), product(a, b, start))


def test_bits_do_not_depend_on_the_tile_a_row_fell_in(product):
    for k in (0, 1, 3, 16, 37):
        a, b, start = _draw(product, 2 * ROWS + 5, k, panels=3)
        together = product(a, b, start)
        for r in range(len(a)):
            np.testing.assert_array_equal(product(a[r : r + 1], b, start)[0], together[r])
        for first in range(1, ROWS):  # every place in a tile
            np.testing.assert_array_equal(product(a[first:], b, start), together[first:])


def test_bits_do_not_depend_on_the_width_of_a_register():
    """Every element is one chain of fused multiply-adds, whatever else is computed beside it."""
    for dtype in DTYPES:
        products = [Product(dtype, width) for width in WIDTHS]
        n = max(p.columns for p in products)
        generator = np.random.default_rng(3)
        a, b, start = (generator.normal(size=size).astype(dtype) for size in ((7, 29), (29, n), (n,)))
        for other in products[1:]:
            np.testing.assert_array_equal(other(a, b, start), products[0](a, b, start))


def test_rows_are_written_and_nothing_else(product):
    a, b, start = _draw(product, 3, 4, panels=2)
    there = np.full((9, b.shape[1]), 7.0, product.dtype)
    rows = [there[1], there[4], there[8]]
    addresses = np.array([row.ctypes.data for row in rows], np.int64)
    sources = np.array([row.ctypes.data for row in a], np.int64)
    panels = np.ascontiguousarray(b.reshape(4, 2, product.columns).transpose(1, 0, 2))
    product._run(3, sources.ctypes.data, addresses.ctypes.data, 4, panels.ctypes.data, start.ctypes.data, 0, 2)
    np.testing.assert_array_equal(there[[1, 4, 8]], product(a, b, start))
    assert (there[[0, 2, 3, 5, 6, 7]] == 7.0).all()


def test_nan_and_infinity_stay_in_their_row(product):
    a, b, start = _draw(product, 8, 5, panels=1)
    wanted = product(a, b, start)
    a[2, 3], a[6, 0] = np.nan, np.inf
    found = product(a, b, start)
    np.testing.assert_array_equal(np.delete(found, [2, 6], 0), np.delete(wanted, [2, 6], 0))
    assert np.isnan(found[2]).all()
    assert not np.isfinite(found[6]).any()


@pytest.mark.parametrize(
    ("registers", "columns"), [(None, None), (64, None), (32, 16), (16, 8), (8, 4)], ids=lambda v: str(v)
)
def test_the_panel_is_as_wide_as_its_registers(registers, columns):
    tile = shape(host(registers), "float32")
    assert tile.columns == tile.vectors * tile.lanes.width
    assert ROWS * tile.vectors + tile.vectors < host(registers).registers  # sums and the panel's row fit
    if columns:
        assert tile.columns in (columns, 2 * columns)  # twice where the register is this processor's own
