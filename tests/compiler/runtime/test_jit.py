"""The cache of machine code: every state that its folder and files can be in gives the right numbers."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import re
import shutil
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from cellwright import compiler
from cellwright.compiler.runtime import jit
from cellwright.compiler.target import host

MODULE = """
define i64 @affine(i64 %x) {{
  %y = mul i64 %x, {factor}
  %z = add i64 %y, 5
  ret i64 %z
}}
"""


def affine(factor: int, x: int) -> int:
    """factor · x + 5, by way of a module of its own."""
    address = jit.compile_module(MODULE.format(factor=factor), host()).get_function_address("affine")
    return ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(address)(x)


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("CELLWRIGHT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def compilations(monkeypatch) -> list[str]:
    """The modules that were compiled, and not read from the cache."""
    texts: list[str] = []
    compile_ = jit._compile

    def counting(text, machine):
        texts.append(text)
        return compile_(text, machine)

    monkeypatch.setattr(jit, "_compile", counting)
    return texts


def test_compiled_once_and_then_read(folder, compilations):
    assert [affine(3, 7) for _ in range(3)] == [26, 26, 26]
    assert len(compilations) == 1
    assert len(list(folder.iterdir())) == 1


def test_each_module_has_a_file_of_its_own(folder, compilations):
    assert (affine(3, 7), affine(4, 7), affine(3, 7)) == (26, 33, 26)
    assert len(compilations) == 2
    assert {path.suffix for path in folder.iterdir()} == {".o"}
    assert len(list(folder.iterdir())) == 2


def test_a_change_in_any_folder_of_the_compiler_is_other_source(tmp_path):
    """Object code of older source is never run for newer: the key covers every file, in subfolders too."""
    package = tmp_path / "compiler"
    shutil.copytree(Path(compiler.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    files = sorted(package.rglob("*.py"))
    assert {file.parent.name for file in files} >= {"compiler", "ir", "codegen", "runtime"}
    assert jit.digest(package) == jit._source()
    for file in files:
        before, content = jit.digest(package), file.read_text()
        file.write_text(content + "# changed\n")
        assert jit.digest(package) != before, file
        file.write_text(content)
    files[-1].rename(package / "ir" / "moved.py")
    assert jit.digest(package) != jit._source()


def test_each_processor_has_a_file_of_its_own(folder):
    jit.compile_module(MODULE.format(factor=2), host())
    jit.compile_module(MODULE.format(factor=2), replace(host(), features=""))
    assert len(list(folder.iterdir())) == 2


DAMAGE = {
    "empty": lambda content: b"",
    "cut short": lambda content: content[: len(content) // 2],
    "its checksum alone": lambda content: content[:32],
    "shorter than a checksum": lambda content: content[:9],
    "longer": lambda content: content + b"\0",
    "a bit of the code flipped": lambda content: content[:200] + bytes([content[200] ^ 16]) + content[201:],
    "a bit of the checksum flipped": lambda content: bytes([content[0] ^ 1]) + content[1:],
    "foreign": lambda content: b"<html>404 Not Found</html>" * 40,
    "zeros": lambda content: bytes(len(content)),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_compiled_anew_and_mended(damage, folder, compilations):
    assert affine(3, 7) == 26
    (path,) = folder.iterdir()
    whole = path.read_bytes()
    path.write_bytes(DAMAGE[damage](whole))
    assert affine(3, 7) == 26
    assert len(compilations) == 2
    assert path.read_bytes() == whole
    assert affine(3, 7) == 26
    assert len(compilations) == 2


def test_a_folder_in_the_place_of_the_file(folder, compilations):
    assert affine(3, 7) == 26
    (path,) = folder.iterdir()
    path.unlink()
    path.mkdir()
    assert affine(3, 7) == 26
    assert list(folder.iterdir()) == [path]  # no draft is left behind


@pytest.mark.parametrize("place", ["below a file", "in /proc", "of an endless name"])
def test_a_folder_that_cannot_be_written(place, tmp_path, monkeypatch, compilations):
    (tmp_path / "file").write_text("here already")
    there = {"below a file": tmp_path / "file" / "cache", "in /proc": Path("/proc/cellwright")}
    monkeypatch.setenv("CELLWRIGHT_CACHE", str(there.get(place, tmp_path / ("x" * 300))))
    assert [affine(3, 7), affine(3, 7)] == [26, 26]
    assert len(compilations) == 2


def test_a_disk_that_fills_up_leaves_no_draft(folder, monkeypatch, compilations):
    def full(source, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    assert affine(3, 7) == 26
    assert list(folder.iterdir()) == []


def test_where_the_folder_is(monkeypatch):
    monkeypatch.setenv("CELLWRIGHT_CACHE", "/somewhere/else")
    assert jit.cache_folder() == Path("/somewhere/else")
    monkeypatch.delenv("CELLWRIGHT_CACHE")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", "/caches")
    assert jit.cache_folder() == Path("/caches/cellwright")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/ada")
    assert jit.cache_folder() == Path("/home/ada/.cache/cellwright")
    monkeypatch.setattr(sys, "platform", "darwin")
    assert jit.cache_folder() == Path("/home/ada/Library/Caches/cellwright")


def test_a_user_without_a_home(monkeypatch, compilations):
    def homeless():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("CELLWRIGHT_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    assert [affine(3, 7), affine(3, 7)] == [26, 26]
    assert len(compilations) == 2


def test_eight_threads_at_once(folder):
    found: list[tuple[int, int]] = []
    start = threading.Barrier(8)

    def work(k: int) -> None:
        start.wait()
        found.extend((factor, affine(factor, k)) for factor in (2, 3, 4))
        found.extend((factor, affine(factor, 1) - factor + factor * k) for factor in (5, 6))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == sorted((factor, factor * k + 5) for k in range(8) for factor in range(2, 7))
    assert len(list(folder.iterdir())) == 5


# --- processes -----------------------------------------------------------------------------------------
LAYER = """
import sys
import torch
torch.set_num_threads(1)
import cellwright
torch.manual_seed(0)
layer = cellwright.GRU(3, 5)
x = torch.randn(4, 2, 3)
with cellwright.use_backend("compiled"):
    print(layer.explain(x).name, float(layer(x)[0].detach().double().sum()))
"""


def _run(count: int, cache: str) -> set[str]:
    """What that many processes print that compile the same cell at once."""
    command = [sys.executable, "-c", LAYER]
    environment = {**os.environ, "CELLWRIGHT_CACHE": cache}
    running = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
        for _ in range(count)
    ]
    printed = [process.communicate(timeout=120) for process in running]
    assert [error for _, error in printed] == [""] * count
    return {out for out, _ in printed}


@pytest.mark.slow
def test_processes_that_compile_the_same_cell_at_once(tmp_path):
    (together,) = _run(2, str(tmp_path))
    assert re.match(r"compiled -?\d", together)
    files = sorted(tmp_path.iterdir())
    assert {path.suffix for path in files} == {".o"}
    assert _run(1, str(tmp_path)) == {together}  # from the cache
    assert sorted(tmp_path.iterdir()) == files


WORKERS = """
import sys
import torch
from torch.utils.data import DataLoader, Dataset
import cellwright
from cellwright.backends.kernels import partition

class Encoded(Dataset):
    def __init__(self):
        torch.manual_seed(0)
        self.layer = cellwright.LSTM(3, 5, bidirectional=True)
        self.x = torch.randn(8, 6, 4, 3)
    def __len__(self):
        return len(self.x)
    def __getitem__(self, k):
        with torch.no_grad():
            return self.layer(self.x[k], lengths=[6, 2, 0, 5])[0]

partition.SMALL = 0  # so that little work is shared as well

if __name__ == "__main__":
    torch.set_num_threads(2)
    data = Encoded()
    wanted = torch.stack([data[k] for k in range(8)])  # the parent's pool has run
    loader = DataLoader(data, batch_size=4, num_workers=2, multiprocessing_context=sys.argv[1])
    assert torch.equal(torch.cat(list(loader)), wanted)
    assert torch.equal(torch.stack([data[k] for k in range(8)]), wanted)  # and runs again
    print("the same bits")
"""


@pytest.mark.slow
@pytest.mark.parametrize("method", [m for m in ("fork", "spawn") if m in multiprocessing.get_all_start_methods()])
def test_workers_of_a_data_loader_that_run_a_layer(method, tmp_path):
    """PyTorch gives a worker one thread; a forked one has not the parent's other threads."""
    script = tmp_path / "script.py"
    script.write_text(WORKERS)
    done = subprocess.run([sys.executable, str(script), method], capture_output=True, text=True, timeout=120)
    assert (done.stdout, done.returncode) == ("the same bits\n", 0), done.stderr
