"""Products in bfloat16 parts, called from numpy: against sums in numpy, and the processor against its emulation."""

from __future__ import annotations

import ctypes
from dataclasses import replace

import numpy as np
import pytest
import torch
from llvmlite import ir

from cellwright.compiler.codegen.amx_tile import AmxTile
from cellwright.compiler.codegen.bfloat16 import rounds_itself
from cellwright.compiler.codegen.bfloat16_tile import ORDER, TERMS, Bfloat16Tile
from cellwright.compiler.codegen.dot_tile import DotTile
from cellwright.compiler.codegen.ir_builder import function, pointer
from cellwright.compiler.codegen.matrix_tile import MatrixTile
from cellwright.compiler.codegen.microkernel import lanes_of
from cellwright.compiler.codegen.vector import i64
from cellwright.compiler.runtime.jit import compile_module
from cellwright.compiler.target import host
from cellwright.compiler.units import MISSING

WIDTHS = (None, 32, 16)  # bytes of a register; None is this processor's
UNITS = ("amx", "emulated amx", "avx512_bf16", "emulated avx512_bf16", "bfmmla", "emulated bfmmla")
KINDS = {"amx": (AmxTile, 64), "avx512_bf16": (DotTile, 64), "bfmmla": (MatrixTile, 16)}  # and columns of a panel
# of the largest value, measured: twice what was seen over shapes and seeds
ERRORS = {1: 4e-3, 2: 1e-5, 3: 5e-7}


def tile(parts: int, unit: str, register_bytes: int | None = None, *, native: bool = False) -> Bfloat16Tile:
    """A tile as `tiles.tile_of` makes it."""
    lanes, name = lanes_of(host(register_bytes), "float32"), unit.removeprefix("emulated ")
    kind, columns = KINDS[name]
    return kind(lanes, columns // lanes.width, parts, native, unit.startswith("emulated"))


def needs(unit: str) -> None:
    """Skip where the processor has no such unit."""
    if missing := MISSING.get(unit, lambda: None)():
        pytest.skip(missing)


def split(values: np.ndarray, parts: int) -> list[np.ndarray]:
    """A matrix as a sum of bfloat16, by torch's own rounding."""
    found, rest = [], torch.from_numpy(values)
    for _ in range(parts):
        found.append(rest.bfloat16().float())
        rest = rest - found[-1]
    return [part.numpy() for part in found]


class Product:
    """(m, k) · (k, n) + start (n,), or without start added to c, n a multiple of the panel's columns."""

    def __init__(self, kind: Bfloat16Tile, register_bytes: int | None = None) -> None:
        target, self.tile = host(register_bytes), kind
        module = ir.Module("product")
        made, b = function(module, "run", [i64, pointer, pointer, i64, pointer, pointer, i64, i64, pointer])
        kind.begin(b)
        b.call(kind.define_product(module), made.args)
        kind.end(b)
        b.ret_void()
        address = compile_module(str(module), target).get_function_address("run")
        self._run = ctypes.CFUNCTYPE(None, *([ctypes.c_void_p] * 9))(address)

    def panels(self, b: np.ndarray) -> np.ndarray:
        """B split in parts, its terms in pairs: (panels, parts, pairs, columns, 2)."""
        k, n = b.shape
        columns, terms = self.tile.columns, self.tile.whole(k)
        filled = np.zeros((terms, n), np.float32)
        filled[:k] = b
        words = [
            (part.view(np.uint32) >> 16).astype(np.uint16).reshape(terms // 2, 2, n // columns, columns)
            for part in split(filled, self.tile.parts)
        ]
        panels = np.stack(words).transpose(3, 0, 1, 4, 2)
        if isinstance(self.tile, MatrixTile):  # of four columns and two pairs, each two columns with both their pairs
            parts, pairs = panels.shape[1:3]
            panels = panels.reshape(-1, parts, pairs // 2, 2, columns // 4, 2, 2, 2).transpose(0, 1, 2, 5, 4, 6, 3, 7)
        return np.ascontiguousarray(panels)

    def __call__(
        self,
        a: np.ndarray,
        b: np.ndarray,
        start: np.ndarray | None,
        c: np.ndarray | None = None,
        *,
        back: bool = False,
    ):
        panels = self.panels(b)
        result = np.full((len(a), b.shape[1]), np.nan, np.float32) if c is None else c.copy()
        rows = np.array([row.ctypes.data for row in a], np.int64)
        results = np.array([row.ctypes.data for row in result], np.int64)
        operands = torch.empty(self.tile.operand_bytes(len(a), b.shape[0]), dtype=torch.uint8)
        begin = 0 if start is None else start.ctypes.data
        self._run(
            len(a), rows.ctypes.data, results.ctypes.data, b.shape[0], panels.ctypes.data, begin,
            *((len(panels), 0) if back else (0, len(panels))), operands.data_ptr(),
        )  # fmt: skip
        return result


def matrices(m: int, k: int, n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return tuple(random.standard_normal(shape).astype(np.float32) for shape in ((m, k), (k, n), (n,)))  # type: ignore[return-value]


def fused(total: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """total + x y, rounded to float32 once: in float64 a product of bfloat16 is exact, and so far its sums are."""
    return (total.astype(np.float64) + x.astype(np.float64) * y.astype(np.float64)).astype(np.float32)


def to_odd(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """x + y in float32, rounded to odd: where the nearest number is even and not the sum, its neighbour beyond that."""
    nearest = x + y
    taken = nearest - x
    lost = (x - (nearest - taken)) + (y - taken)
    neighbour = np.nextafter(nearest, np.where(lost > 0, np.float32(np.inf), np.float32(-np.inf)))
    return np.where((lost != 0) & (nearest.view(np.uint32) % 2 == 0), neighbour, nearest)


def emulated_by_numpy(a: np.ndarray, b: np.ndarray, start: np.ndarray, parts: int, unit: str) -> np.ndarray:
    """The sums in the processor's order, of numbers that are far from denormal."""
    k = a.shape[1]
    terms = -(-k // TERMS) * TERMS
    a, b = np.pad(a, ((0, 0), (0, terms - k))), np.pad(b, ((0, terms - k), (0, 0)))
    left, right = split(a, parts), split(b, parts)
    total = np.repeat(start[None], len(a), 0)
    for p, q in ORDER[parts]:
        if unit.endswith("avx512_bf16"):
            for j in range(0, terms, 2):
                for odd in (1, 0):
                    total = fused(total, left[p][:, j + odd : j + odd + 1], right[q][j + odd])
            continue
        if unit.endswith("bfmmla"):
            for j in range(0, terms, 2):
                total = to_odd(total, to_odd(*(left[p][:, [t]] * right[q][t] for t in (j, j + 1))))
            continue
        for block in range(0, terms, TERMS):
            both = [np.zeros_like(total), np.zeros_like(total)]
            for j in range(block, block + TERMS):
                both[j % 2] = fused(both[j % 2], left[p][:, j : j + 1], right[q][j])
            total = total + (both[0] + both[1])
    return total


@pytest.mark.parametrize("parts", ORDER)
@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("shape", [(1, 1, 64), (3, 31, 128), (16, 32, 64), (17, 33, 64), (32, 64, 64), (70, 100, 192)])
def test_a_product_is_the_sum_of_its_parts_in_the_order_of_the_processor(parts, unit, shape) -> None:
    needs(unit)
    a, b, start = matrices(*shape)
    found = Product(tile(parts, unit))(a, b, start)
    assert np.array_equal(found, emulated_by_numpy(a, b, start, parts, unit))
    exact = a.astype(np.float64) @ b.astype(np.float64) + start
    assert np.abs(found - exact).max() <= ERRORS[parts] * np.abs(exact).max()


@pytest.mark.parametrize("unit", UNITS)
def test_from_the_last_panel_to_the_first_it_is_the_same(unit) -> None:
    needs(unit)
    a, b, start = matrices(20, 40, 5 * 64)
    product = Product(tile(2, unit))
    assert np.array_equal(product(a, b, start, back=True), product(a, b, start))


@pytest.mark.parametrize("unit", UNITS)
def test_products_are_added_to_what_is_there(unit) -> None:
    needs(unit)
    a, b, _ = matrices(37, 40, 128)
    c = matrices(37, 1, 128, seed=1)[1].repeat(37, 0) + np.arange(37, dtype=np.float32)[:, None]
    found = Product(tile(3, unit))(a, b, None, c)
    exact = a.astype(np.float64) @ b.astype(np.float64) + c
    # Sums that begin far from zero round more: 240 times in a row where terms are added by twos.
    assert np.abs(found - exact).max() <= 2e-6 * np.abs(exact).max()


@pytest.mark.parametrize("register_bytes", WIDTHS)
@pytest.mark.parametrize("unit", UNITS)
def test_a_rows_bits_are_its_own_whatever_stands_beside_it_and_whatever_registers_hold_it(unit, register_bytes) -> None:
    needs(unit)
    a, b, start = matrices(40, 50, 64)
    product = Product(tile(2, unit, register_bytes), register_bytes)
    whole = product(a, b, start)
    assert np.array_equal(whole, Product(tile(2, f"emulated {unit.removeprefix('emulated ')}"))(a, b, start))
    for rows in (slice(0, 1), slice(5, 22), slice(3, 36)):
        assert np.array_equal(product(np.ascontiguousarray(a[rows]), b, start), whole[rows])


@pytest.mark.parametrize("parts", ORDER)
def test_what_is_not_finite_stays_so_and_stays_in_its_row(parts) -> None:
    """Of several parts an infinity may meet factors of both signs, which gives NaN where float32 has an infinity."""
    a, b, start = matrices(4, 8, 64)
    a[0, 3], a[1, 2], a[2, 5] = np.inf, -np.inf, np.nan
    found = Product(tile(parts, "emulated amx"))(a, b, start)
    assert np.isfinite(found).any(axis=1).tolist() == [False, False, False, True]
    assert np.isfinite(found[3]).all()
    if parts == 1:
        exact = a.astype(np.float64) @ b.astype(np.float64) + start
        assert np.array_equal(found[:2], exact[:2].astype(np.float32))


def test_the_processors_own_rounding_gives_the_bits_of_the_emulated_one() -> None:
    kind = tile(3, "emulated amx")
    if not rounds_itself(host(), kind.lanes):
        pytest.skip("the processor has no instruction that rounds to bfloat16")
    a, b, start = matrices(20, 70, 64)
    a[0, :4] = (3e37, 1e-38, 1e-40, np.uint32(0x007FFFFF).view(np.float32))  # the last is the largest denormal
    b[3] *= 2.0**100
    assert np.array_equal(Product(replace(kind, native=True))(a, b, start), Product(kind)(a, b, start))
