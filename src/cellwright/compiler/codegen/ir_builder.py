"""Structured loops and addresses over an LLVM builder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from llvmlite import ir
from llvmlite.ir import Function, Module, Type, Value
from llvmlite.ir import IRBuilder as Builder

from cellwright.compiler.codegen.vector import i64

BYTE = ir.IntType(8)
pointer = BYTE.as_pointer()  # every address is kept as bytes; `at` and `field` give it a type


def integer(value: int) -> ir.Constant:
    """A 64-bit constant."""
    return ir.Constant(i64, value)


def function(
    module: Module, name: str, arguments: list[Type], result: Type | None = None, inline: bool = False
) -> tuple[Function, Builder]:
    """A new function and a builder at its start; `inline` hides it in the module."""
    made = ir.Function(module, ir.FunctionType(result or ir.VoidType(), arguments), name)
    if inline:
        made.linkage = "internal"
    return made, ir.IRBuilder(made.append_basic_block("entry"))


@contextmanager
def count(b: Builder, start: Value, stop: Value, step: Value | None = None) -> Iterator[Value]:
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


Rows = list[list[Value]]
"""Values in registers, as a tile has them."""


def accumulate(b: Builder, name: str, number: Value, initial: Rows, step: Callable[[Value, Rows], Rows]) -> Rows:
    """What rows of values become by step(j, rows) for j from 0 up to `number`; they stay in registers between.

    name: of j, by which the blocks are called.
    """
    before, head, body, done = b.block, *(b.append_basic_block(f"{name}_{part}") for part in ("head", "body", "done"))
    b.branch(head)
    b.position_at_end(head)
    j = b.phi(i64)
    j.add_incoming(integer(0), before)
    phis = [[b.phi(value.type) for value in row] for row in initial]
    rows = [list[Value](row) for row in phis]
    b.cbranch(b.icmp_signed("<", j, number), body, done)
    b.position_at_end(body)
    found = step(j, rows)
    for row, first, after in zip(phis, initial, found, strict=True):
        for phi, one, other in zip(row, first, after, strict=True):
            phi.add_incoming(one, before)
            phi.add_incoming(other, b.block)
    j.add_incoming(b.add(j, integer(1)), b.block)
    b.branch(head)
    b.position_at_end(done)
    return rows


class Span:
    """What lies from `begin` up to `end`, in this order; where end < begin, from the last down to the first."""

    def __init__(self, b: Builder, begin: Value, end: Value) -> None:
        self._b, self._turned = b, b.icmp_signed(">", begin, end)
        self._edges = b.add(begin, end)
        self.first, self.last = b.select(self._turned, end, begin), b.select(self._turned, begin, end)

    def place(self, k: Value, wide: int = 1) -> Value:
        """Of a count from `first` on, the first of the `wide` things that have their turn."""
        b = self._b
        return b.select(self._turned, b.sub(b.sub(self._edges, integer(wide)), k), k)


def choose(b: Builder, made: Function, number: Value, most: int, body: Callable[[int], None]) -> None:
    """End the function `made` with body(n) for the n from 1 to `most` that `number` is."""
    unreachable = made.append_basic_block("unreachable")
    choice = b.switch(number, unreachable)
    for n in range(1, most + 1):
        block = made.append_basic_block(f"rows{n}")
        choice.add_case(integer(n), block)
        b.position_at_end(block)
        body(n)
        b.ret_void()
    b.position_at_end(unreachable)
    b.unreachable()


def minimum(b: Builder, x: Value, y: Value) -> Value:
    """The smaller of two integers."""
    return b.select(b.icmp_signed("<", x, y), x, y)


def at(b: Builder, base: Value, index: Value, kind: Type) -> Value:
    """The address of element `index` of an array of `kind` at `base`."""
    return b.gep(b.bitcast(base, kind.as_pointer()), [index])


def load(b: Builder, base: Value, index: Value, kind: Type = i64) -> Value:
    """Element `index` of an array of `kind` at `base`."""
    return b.load(at(b, base, index, kind))


def element(b: Builder, base: Value, index: Value, size: int) -> Value:
    """The address `index` × `size` bytes after `base`."""
    return b.gep(base, [b.mul(index, integer(size))])


def element_at(b: Builder, base: Value, index: Value, size: Value) -> Value:
    """The same of a size that is known when the code runs."""
    return b.gep(base, [b.mul(index, size)])
