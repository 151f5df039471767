"""Structured loops and addresses over an LLVM builder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from llvmlite import ir

from cellwright.compiler.codegen.vector import i64

BYTE = ir.IntType(8)
pointer = BYTE.as_pointer()  # every address is kept as bytes; `at` and `field` give it a type


def integer(value: int) -> ir.Constant:
    """A 64-bit constant."""
    return ir.Constant(i64, value)


def function(module: Any, name: str, arguments: list[Any], result: Any = None, inline: bool = False) -> tuple[Any, Any]:
    """A new function and a builder at its start; `inline` hides it in the module."""
    made = ir.Function(module, ir.FunctionType(result or ir.VoidType(), arguments), name)
    if inline:
        made.linkage = "internal"
    return made, ir.IRBuilder(made.append_basic_block("entry"))


@contextmanager
def count(b: Any, start: Any, stop: Any, step: Any = None) -> Iterator[Any]:
    """`for i in range(start, stop, step)`; yields i."""
    before = b.block
    head, body, done = (b.append_basic_block(name) for name in ("head", "body", "done"))
    b.branch(head)
    b.position_at_end(head)
    i = b.phi(i64)
    i.add_incoming(start, before)
    b.cbranch(b.icmp_signed("<", i, stop), body, done)
    b.position_at_end(body)
    yield i
    i.add_incoming(b.add(i, integer(1) if step is None else step), b.block)
    b.branch(head)
    b.position_at_end(done)


def minimum(b: Any, x: Any, y: Any) -> Any:
    """The smaller of two integers."""
    return b.select(b.icmp_signed("<", x, y), x, y)


def at(b: Any, base: Any, index: Any, kind: Any) -> Any:
    """The address of element `index` of an array of `kind` at `base`."""
    return b.gep(b.bitcast(base, kind.as_pointer()), [index])


def load(b: Any, base: Any, index: Any, kind: Any = i64) -> Any:
    """Element `index` of an array of `kind` at `base`."""
    return b.load(at(b, base, index, kind))


def element(b: Any, base: Any, index: Any, size: int) -> Any:
    """The address `index` × `size` bytes after `base`."""
    return b.gep(base, [b.mul(index, integer(size))])
