"""Which tile multiplies, by the processor and by what was asked for."""

from __future__ import annotations

from cellwright.compiler import target as processor
from cellwright.compiler.codegen.bfloat16 import rounds_itself
from cellwright.compiler.codegen.bfloat16_tile import Bfloat16Tile
from cellwright.compiler.codegen.microkernel import Tile, shape
from cellwright.compiler.target import Target

# parts of a number in each arithmetic of fewer bits
PARTS = {"bf16": 1, "bf16x3": 2, "bf16x6": 3}
_COLUMNS = 64  # of a panel with registers of 64 bytes; half as many elsewhere


def tile_of(target: Target, dtype: str, arithmetic: str) -> Tile:
    """The tile for a processor, a type, and an arithmetic of float32's products."""
    plain = shape(target, dtype)
    unit = processor.microkernel(arithmetic).name
    if dtype != "float32" or unit == "float32":
        return plain
    columns = _COLUMNS if plain.lanes.width == 16 else _COLUMNS // 2
    native = rounds_itself(target, plain.lanes)
    vectors = columns // plain.lanes.width
    return Bfloat16Tile(plain.lanes, vectors, PARTS[arithmetic], native, unit)
