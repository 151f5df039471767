"""Which registers kernels are laid out for."""

import pytest

from cellwright.compiler import target


@pytest.mark.parametrize("size", ["64", "32", "16", "8"])
def test_the_environment_narrows_the_registers(size, monkeypatch):
    monkeypatch.setenv(target.REGISTER_BYTES, size)
    assert target.host.__wrapped__().register_bytes == int(size)
    assert target.host.__wrapped__(16).register_bytes == 16  # what a call asks for comes first


@pytest.mark.parametrize("wrong", ["24", "avx2", "-8"])
def test_another_width_is_refused(wrong, monkeypatch):
    monkeypatch.setenv(target.REGISTER_BYTES, wrong)
    with pytest.raises(ValueError, match=rf"CELLWRIGHT_REGISTER_BYTES is '{wrong}'; expected one of 64, 32, 16, 8"):
        target.host.__wrapped__()


def test_an_arm_processor_has_registers_of_16_bytes_whatever_llvm_says_of_it(monkeypatch):
    """LLVM reads /proc/cpuinfo, which in an emulator is another processor's: kernels had registers of 8 bytes."""
    monkeypatch.delenv(target.REGISTER_BYTES, raising=False)
    monkeypatch.setattr(target.platform, "machine", lambda: "aarch64")
    monkeypatch.setattr(target.llvm, "get_host_cpu_features", target.llvm.FeatureMap)
    found = target.host.__wrapped__()
    assert (found.register_bytes, found.registers) == (16, 32)
    assert "+neon" in found.features.split(",")


def test_only_an_arm_processor_has_its_units(monkeypatch):
    monkeypatch.setattr(target.platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(target.llvm, "get_host_cpu_features", lambda: target.llvm.FeatureMap(bf16=True))
    assert target.no_matrix_products() == "the processor has no matrix products of bfloat16"
