"""What `import cellwright` offers, and what it leaves unloaded."""

import subprocess
import sys

import cellwright
from cellwright import nn
from cellwright.backends import dispatch

HEAVY = (
    "torch._dynamo",
    "llvmlite",
    "numba",
    "lightning",
    "pyarrow",
    "tokenizers",
    "sklearn",
    "matplotlib",
    "pydantic",
    "typer",
)


def in_a_new_process(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_import_is_light():
    loaded = in_a_new_process("import cellwright, sys; print(*sys.modules)").split()
    assert not {"torch", "numpy", *HEAVY} & set(loaded)


def test_the_layers_load_torch_and_no_more():
    loaded = in_a_new_process("from cellwright import LSTM; import sys; print(*sys.modules)").split()
    assert "torch" in loaded
    assert not set(HEAVY) & set(loaded)


def test_every_exported_name_is_there():
    assert sorted(cellwright.__all__) == sorted(set(cellwright.__all__))
    for name in cellwright.__all__:
        assert getattr(cellwright, name) is not None
        assert name in dir(cellwright)


def test_every_layer_is_exported():
    assert set(nn.__all__) <= set(cellwright.__all__)
    assert all(getattr(cellwright, name) is getattr(nn, name) for name in nn.__all__)
    assert cellwright.use_backend is dispatch.use_backend


def test_a_name_that_is_not_there_is_an_attribute_error():
    assert not hasattr(cellwright, "lstm")
