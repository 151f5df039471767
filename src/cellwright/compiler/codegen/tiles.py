"""Which tile multiplies, by the processor and by what was asked for."""

from __future__ import annotations

from cellwright.compiler.codegen.amx_tile import AmxTile
from cellwright.compiler.codegen.bfloat16 import rounds_itself
from cellwright.compiler.codegen.bfloat16_tile import Bfloat16Tile
from cellwright.compiler.codegen.dot_tile import DotTile
from cellwright.compiler.codegen.int8_tile import Int8Tile
from cellwright.compiler.codegen.microkernel import Tile, shape
from cellwright.compiler.target import Target

# parts of a number in each arithmetic of fewer bits
PARTS = {"bf16": 1, "bf16x3": 2, "bf16x6": 3}
_KINDS: dict[str, type[Bfloat16Tile]] = {"amx": AmxTile, "avx512_bf16": DotTile}
_COLUMNS = 64  # of a panel with registers of 64 bytes; half as many elsewhere


def tile_of(target: Target, dtype: str, arithmetic: str, unit: str) -> Tile:
    """The tile for a processor, a type, an arithmetic of float32's products, and what multiplies in it."""
    plain = shape(target, dtype)
    if arithmetic == "int8":
        return Int8Tile(plain.lanes, plain.vectors, unit)
    if dtype != "float32" or "float32" in (arithmetic, unit):
        return plain
    columns = _COLUMNS if plain.lanes.width == 16 else _COLUMNS // 2
    native = rounds_itself(target, plain.lanes)
    kind = _KINDS[unit.removeprefix("emulated ")]
    return kind(plain.lanes, columns // plain.lanes.width, PARTS[arithmetic], native, unit.startswith("emulated"))
