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
