"""What multiplies in an arithmetic."""

from __future__ import annotations

import pytest

from cellwright.cells import CELLS
from cellwright.compiler import target, units
from cellwright.compiler.codegen.amx_tile import AmxTile
from cellwright.compiler.kernel import kernel

CACHED = (units._found, units.gain_of)


@pytest.fixture(autouse=True)
def _asked_anew(monkeypatch):
    monkeypatch.delenv(units.UNIT, raising=False)
    for function in CACHED:
        function.cache_clear()
    yield
    for function in CACHED:
        function.cache_clear()


def without_tiles(monkeypatch, gain: float) -> None:
    """A processor that has dot products alone, at so many times the rate of float32."""
    monkeypatch.setattr(units, "no_tiles", lambda: "no tiles here")
    monkeypatch.setattr(units, "no_dot_products", lambda: None)
    monkeypatch.setattr(units, "gain_of", lambda unit: gain)


def test_float32_is_multiplied_in_float32() -> None:
    assert units.microkernel("float32").name == "float32"


@pytest.mark.parametrize(("gain", "arithmetic", "name"), [
    (1.9, "bf16", "avx512_bf16"),  # as on AMD's processors
    (0.5, "bf16", "float32"),  # as on a Sapphire Rapids
    (1.9, "bf16x3", "float32"),  # three products at twice the rate take longer
])  # fmt: skip
def test_dot_products_are_taken_where_they_are_measured_to_pay(monkeypatch, gain, arithmetic, name) -> None:
    without_tiles(monkeypatch, gain)
    found = units.microkernel(arithmetic)
    assert found.name == name
    assert "measured at" in found.reason


def test_a_measurement_is_made_once_a_machine(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("CELLWRIGHT_CACHE", str(tmp_path))
    turns: list[float] = []
    monkeypatch.setattr(units, "_measured", lambda target, unit: turns.append(1.25) or 1.25)
    assert units.gain_of("avx512_bf16") == 1.25
    units.gain_of.cache_clear()  # as another process has it
    assert units.gain_of("avx512_bf16") == 1.25
    assert len(turns) == 1


@pytest.mark.parametrize("unit", ["avx512_bf16", "bfmmla"])
def test_the_rate_of_a_unit_is_a_number_of_the_right_size(monkeypatch, tmp_path, unit) -> None:
    if reason := units.MISSING[unit]():
        pytest.skip(reason)
    monkeypatch.setenv("CELLWRIGHT_CACHE", str(tmp_path))
    assert 0.1 < units.gain_of(unit) < 10


@pytest.mark.parametrize(("gain", "name"), [(2.0, "bfmmla"), (1.0, "float32")])
def test_products_of_matrices_are_taken_on_arm_where_they_are_measured_to_pay(monkeypatch, gain, name) -> None:
    without_tiles(monkeypatch, gain)
    monkeypatch.setattr(units, "no_dot_products", lambda: "none on Arm")
    monkeypatch.setattr(units, "no_matrix_products", lambda: None)
    assert units.microkernel("bf16").name == name


def test_bytes_are_multiplied_by_the_fastest_unit_that_is_there(monkeypatch) -> None:
    """All units give the same bits, so that nothing but speed chooses."""
    monkeypatch.delenv(units.INT8_UNIT, raising=False)
    for unit, name in (("amx", "no_byte_tiles"), ("vnni", "no_byte_products"), ("pmaddwd", "no_sums_of_pairs")):
        units._of_bytes.cache_clear()
        with monkeypatch.context() as patch:
            patch.setattr(units, name, lambda *size: None)
            assert units.microkernel("int8").name == unit
        monkeypatch.setattr(units, name, lambda *size: "there is no such thing here")
    units._of_bytes.cache_clear()
    assert units.microkernel("int8") == ("plain", "there is no such thing here")
    units._of_bytes.cache_clear()


def test_a_unit_of_bytes_that_is_not_known_is_refused(monkeypatch) -> None:
    monkeypatch.setenv(units.INT8_UNIT, "avx512_bf16")
    with pytest.raises(
        ValueError, match="CELLWRIGHT_INT8_UNIT is 'avx512_bf16'; expected one of amx, vnni, sdot, pmaddwd"
    ):
        units.microkernel("int8")


def test_a_unit_that_is_not_known_is_refused(monkeypatch) -> None:
    monkeypatch.setenv(units.UNIT, "tensor cores")
    with pytest.raises(ValueError, match="CELLWRIGHT_BFLOAT16_UNIT is 'tensor cores'; expected one of float32, amx"):
        units.microkernel("bf16")


def test_a_unit_that_is_not_there_is_refused(monkeypatch) -> None:
    monkeypatch.setenv(units.UNIT, "amx")
    monkeypatch.setitem(units.MISSING, "amx", lambda: "there are no tiles")
    with pytest.raises(ValueError, match="asks for 'amx' and there are no tiles"):
        units.microkernel("bf16")


def test_a_unit_asked_for_later_is_taken_from_then_on(monkeypatch) -> None:
    """Kernels were kept without the unit, so that `explain` said what was not so."""
    cell = CELLS["rnn"]
    monkeypatch.setenv(units.UNIT, "emulated amx")
    emulated = kernel(cell, "float32", "bf16")
    monkeypatch.setenv(units.UNIT, "float32")
    assert isinstance(emulated.tile, AmxTile)
    assert not isinstance(kernel(cell, "float32", "bf16").tile, AmxTile)


def test_registers_that_are_too_narrow_have_no_dot_products(monkeypatch) -> None:
    """LLVM has no such instruction, and ended the process."""
    monkeypatch.setattr(target.llvm, "get_host_cpu_features", lambda: {"avx512bf16": True})
    monkeypatch.setattr(target, "host", lambda: target.Target("", "", 8, 16))
    assert target.no_dot_products() == "there are no dot products of bfloat16 in registers of 8 bytes"
