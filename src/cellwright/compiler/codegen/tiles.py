"""Which tile multiplies, by the processor and by what was asked for."""

from __future__ import annotations

from cellwright.compiler.codegen.amx_tile import AmxTile
from cellwright.compiler.codegen.bfloat16 import rounds_itself
from cellwright.compiler.codegen.bfloat16_tile import Bfloat16Tile
from cellwright.compiler.codegen.dot_tile import DotTile
from cellwright.compiler.codegen.int8_registers import Int8Registers
from cellwright.compiler.codegen.int8_tile import Int8Tile
from cellwright.compiler.codegen.matrix_tile import COLUMNS, MatrixTile
from cellwright.compiler.codegen.microkernel import Tile, shape
from cellwright.compiler.codegen.vector import Lanes
from cellwright.compiler.target import Target, no_byte_products

# parts of a number in each arithmetic of fewer bits
PARTS = {"bf16": 1, "bf16x3": 2, "bf16x6": 3}
_KINDS: dict[str, type[Bfloat16Tile]] = {"amx": AmxTile, "avx512_bf16": DotTile, "bfmmla": MatrixTile}
_COLUMNS = 64  # of a panel with registers of 64 bytes; half as many elsewhere


def tile_of(target: Target, dtype: str, arithmetic: str, unit: str) -> Tile:
    """The tile for a processor, a type, an arithmetic of float32's products, and what multiplies in it."""
    plain = shape(target, dtype)
    if arithmetic == "int8":
        if not unit.endswith("amx"):
            return Int8Tile(plain.lanes, plain.vectors, unit)
        few = "plain" if no_byte_products(target.register_bytes) else "vnni"
        return Int8Registers(plain.lanes, _vectors(plain), few, unit.startswith("emulated"))
    if dtype != "float32" or "float32" in (arithmetic, unit):
        return plain
    kind, lanes = _KINDS[unit.removeprefix("emulated ")], plain.lanes
    vectors = _vectors(plain)
    if kind is MatrixTile:  # which packs four terms and four columns at a time, whatever the registers
        lanes = Lanes(dtype, max(lanes.width, 4))
        vectors = COLUMNS // lanes.width
    native = rounds_itself(target, lanes)
    return kind(lanes, vectors, PARTS[arithmetic], native, unit.startswith("emulated"))


def _vectors(plain: Tile) -> int:
    """The registers of a row of a panel that tile registers read."""
    return (_COLUMNS if plain.lanes.width == 16 else _COLUMNS // 2) // plain.lanes.width
