"""LLVM: from a module's text to machine code in memory, through a cache on disk.

The cache holds object code, one file a module, under a key of what the module is made from (a cell's program, the
compiler's own source), the processor and LLVM's version; to write out a module takes longer than to load its code.
A file is written beside its place and renamed, so that readers see all of it or none; a checksum finds damage, and
a damaged or foreign file is compiled anew. Where the folder cannot be written, code is compiled in every process.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import llvmlite
import llvmlite.binding as llvm

from cellwright.compiler.target import Target

_CHECKSUM = 32  # bytes of sha256 in front of the object code
_loaded: list[
    llvm.ExecutionEngine
] = []  # engines own the code that kernels point into: they live as long as the process


def compile_module(text: str, target: Target) -> llvm.ExecutionEngine:
    """Machine code for a module's IR; the result's `get_function_address(name)` gives its functions."""
    return load_module(text, lambda: text, target)


def load_module(recipe: str, text: Callable[[], str], target: Target) -> llvm.ExecutionEngine:
    """The same for the IR that text() gives; it is asked for only where the cache has not got the code.

    The recipe and the source of the compiler determine the text.
    """
    machine = _machine(target)
    code = kept(recipe, target, lambda: _compile(text(), machine))
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    _loaded.append(engine)
    return engine


def kept(recipe: str, target: Target, made: Callable[[], bytes]) -> bytes:
    """What `made` gives, or the cache on disk has got: the recipe and the compiler's source determine it."""
    path = cache_folder() / (_key(recipe, target) + ".o")
    content = _read(path)
    if content is None:
        content = made()
        _write(path, content)
    return content


def assembly(text: str, target: Target) -> str:
    """The instructions that a module's IR becomes."""
    machine = _machine(target)
    return str(machine.emit_assembly(_optimised(text, machine)))


def cache_folder() -> Path:
    """Where object code is kept: $CELLWRIGHT_CACHE, or the user's cache folder."""
    if given := os.environ.get("CELLWRIGHT_CACHE"):
        return Path(given)
    try:
        home = Path.home()
    except RuntimeError:  # a user without one, as in some containers: nothing is kept
        home = Path(os.devnull)
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "cellwright"
    return Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache") / "cellwright"


def _key(recipe: str, target: Target) -> str:
    versions = f"{llvmlite.__version__} {llvm.llvm_version_info}"
    return hashlib.sha256("\0".join((recipe, repr(target), versions, _source())).encode()).hexdigest()[:40]


@functools.cache
def _source() -> str:
    """A digest of the compiler's source, all of it: other source may write other code for the same recipe."""
    return digest(Path(__file__).parents[1])


def digest(package: Path) -> str:
    """A digest of the names and the source of a package and of every package in it."""
    files = sorted(package.rglob("*.py"))
    parts = [part for file in files for part in (str(file.relative_to(package)).encode(), file.read_bytes())]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def _machine(target: Target) -> llvm.TargetMachine:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.Target.from_default_triple().create_target_machine(
        cpu=target.cpu, features=target.features, opt=3, reloc="pic", codemodel="jitdefault", jit=True
    )


def _optimised(text: str, machine: llvm.TargetMachine) -> llvm.ModuleRef:
    module = llvm.parse_assembly(text)
    module.verify()
    builder = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(speed_level=2))
    builder.getModulePassManager().run(module, builder)
    return module


def _compile(text: str, machine: llvm.TargetMachine) -> bytes:
    return bytes(machine.emit_object(_optimised(text, machine)))


def _read(path: Path) -> bytes | None:
    try:
        content = path.read_bytes()
    except OSError:
        return None
    checksum, code = content[:_CHECKSUM], content[_CHECKSUM:]
    return code if hashlib.sha256(code).digest() == checksum else None


def _write(path: Path, code: bytes) -> None:
    # A cache that cannot be written costs time, not results.
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=path.parent, suffix=".draft")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(hashlib.sha256(code).digest() + code)
            os.replace(draft, path)
        except OSError:
            os.unlink(draft)
